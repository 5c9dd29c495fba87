"""Package metadata; the pinned environments live in requirements.txt and requirements-keras3.txt."""

import re
import subprocess
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "covid3dgan" / "__init__.py").read_text())[1]

class BuildWithViewer(build_py):
    """Builds the page of ``covid3dgan view`` first, where that is possible; elsewhere ``view`` says what to run."""

    def run(self):
        """As always, after the page; an editable install finds what ``make viewer`` builds."""
        if not getattr(self, "editable_mode", False):
            subprocess.run([sys.executable, str(HERE / "covid3dgan" / "viewer" / "build.py"), "--if-possible"],
                           check=False)
        super().run()


setup(
    name="covid3dgan",
    version=VERSION,
    description="Self-supervised COVID-19 CT segmentation: 3D GAN, pseudo-masks, contrastive UNet (TensorFlow/Keras)",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.9",
    packages=find_packages(include=["covid3dgan", "covid3dgan.*"]),
    package_data={"covid3dgan": ["evaluation/*.json", "evaluation/report/*.css", "weights/*.json", "weights/*.tflite",
                                 "viewer/*.json", "viewer/page/*", "viewer/licences/*", "viewer/built/*.html",
                                 "app/page/*", "app/page/*/*", "app/built/*"]},
    cmdclass={"build_py": BuildWithViewer},
    # What predict, evaluate and verify need; no TensorFlow. python-gdcm decodes compressed DICOM; its wheels for Python
    # 3.9 end with 3.2.2.
    install_requires=["nibabel>=5", "numpy>=1.24", "scipy>=1.11", "threadpoolctl>=3.2", "matplotlib>=3.7",
                      "pydicom>=2.4", "tqdm>=4.60", "pillow>=9", "ai-edge-litert>=1.0",
                      'python-gdcm>=3.0.24; python_version >= "3.10"',
                      'python-gdcm>=3.0.24,<3.2.3; python_version < "3.10"'],
    extras_require={
        "reference": ["tensorflow==2.15.1", "tensorflow-addons==0.23.0"],
        "keras3": ["tensorflow>=2.16"],
        "lungmask": ["lungmask"],
        # predict --format dicom-seg. Current highdicom needs pydicom 3, and that Python 3.10; Python 3.9 gets the last
        # highdicom for pydicom 2.4, whose files say the same.
        "dicom-seg": ['highdicom>=0.23; python_version >= "3.10"', 'highdicom==0.22.0; python_version < "3.10"'],
        # covid3dgan app: the local web application.
        "app": ["starlette>=0.40", "uvicorn>=0.30"],
        "notebook": ["nbformat>=5.10", "nbclient>=0.10", "ipykernel>=6.29"],
        # Of view_in_notebook; needs numpy 2, which TensorFlow 2.15 (the extra reference) does not take.
        "notebook-view": ["ipyniivue>=2.4"],
    },
    entry_points={"console_scripts": ["covid3dgan = covid3dgan.cli.main:main"]},
)
