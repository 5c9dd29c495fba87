"""The package as it is installed: what a wheel holds, and that requirements are pinned."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from covid3dgan.viewer import build

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel that is built from a copy of the sources."""
    pytest.importorskip("wheel")
    room = tmp_path_factory.mktemp("wheel")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, room)
    shutil.copytree(ROOT / "covid3dgan", room / "covid3dgan",
                    ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                    "--wheel-dir", room / "dist", room], check=True, capture_output=True)
    [built] = (room / "dist").glob("covid3dgan-*.whl")
    with zipfile.ZipFile(built) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        return archive.namelist(), archive.read(metadata).decode()


def test_a_wheel_holds_the_weights_their_cards_and_the_licence(wheel):
    names, _ = wheel
    for name in ("covid3dgan/weights/lesions.tflite", "covid3dgan/weights/lesions.json",
                 "covid3dgan/evaluation/paper_numbers.json", "covid3dgan/cli/predict.py"):
        assert name in names
    assert any(re.fullmatch(r"covid3dgan-[^/]*\.dist-info/(licenses/)?LICENSE", name) for name in names)
    packages = {str(path.parent.relative_to(ROOT)) for path in (ROOT / "covid3dgan").rglob("__init__.py")}
    assert {f"{package}/__init__.py" for package in packages} <= set(names)


def test_a_wheel_holds_the_page_with_the_licences_of_its_parts(wheel):
    names, _ = wheel
    assert {f"covid3dgan/viewer/licences/{path.name}" for path in (ROOT / "covid3dgan/viewer/licences").iterdir()} <= {
        *names}
    if not build.BUILT.is_file():
        pytest.skip("the page was never built here: make viewer")
    assert "covid3dgan/viewer/built/viewer.html" in names
    assert "@niivue/niivue" in build.BUILT.read_text(encoding="utf-8").partition("This file holds parts of")[2]


def test_the_dockerfile_copies_what_is_there_and_starts_the_command():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [line for line in lines if line.startswith("COPY ") and "--from" not in line]
    sources = [name for line in copied for name in line.split()[1:-1]]
    assert "setup.py" in sources and [name for name in sources if not (ROOT / name).exists()] == []
    [entry] = [line for line in lines if line.startswith("ENTRYPOINT")]
    assert f"console_scripts\": [\"{entry.split(chr(34))[1]} = " in (ROOT / "setup.py").read_text(encoding="utf-8")


def test_the_light_install_asks_for_no_tensorflow(wheel):
    needed = [line for line in wheel[1].splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert any("ai-edge-litert" in line for line in needed) and any("python-gdcm" in line for line in needed)
    assert not any(re.search("tensorflow|keras|torch", line) for line in needed)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-keras3.txt"])
def test_requirements_are_pinned(name):
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) > 20 and [line for line in lines if not re.match(r"[\w-]+==[\w.]+(;|$)", line)] == []
