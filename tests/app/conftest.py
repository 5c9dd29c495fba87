"""A built page (or the reason why there is none), a small phantom, a made case."""

import numpy as np
import pytest

from covid3dgan.app.case_files import CaseFiles
from covid3dgan.data.volumes import Volume
from covid3dgan.inference.lesions import Prediction
from covid3dgan.viewer import build

pytest.importorskip("starlette", reason="needs the extra app")
pytest.importorskip("uvicorn", reason="needs the extra app")

SHAPE = (50, 44, 30)
AFFINE = np.diag([-4.0, 4.0, 5.0, 1.0])  # the first axis runs to the patient's left


@pytest.fixture(scope="session")
def page():
    """The built page; skips where it cannot be built."""
    if build.wanted():
        try:
            build.build()
        except build.BuildError as error:
            pytest.skip(f"the page cannot be built here: {error}")


@pytest.fixture(scope="session")
def phantom():
    """A data.phantoms PhantomCase: a chest with lesions, small enough for seconds."""
    from covid3dgan.data.phantoms.chest_ct import generate

    return generate("coronacases-like", 0, size=(96, 96, 24))


def chest():
    """(ct, prediction): lungs of two boxes in a body, a lesion of 3 x 4 x 2 voxels in the patient's left lung."""
    hu, lungs, scores = np.full(SHAPE, 40, np.float32), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32)
    lungs[13:22, 14:30, 8:20] = lungs[28:37, 14:30, 8:20] = 1
    scores[30:33, 18:22, 12:14] = 0.7
    scores[30:33, 18:22, 14] = 0.4  # below the threshold
    mask = (scores > 0.5).astype(np.uint8)
    hu[lungs > 0], hu[mask > 0] = -850, -300
    facts = {"infection_ml": float(mask.sum() * 0.08), "warnings": []}
    return Volume(hu, AFFINE), Prediction(mask, scores, lungs, facts)


@pytest.fixture
def made(tmp_path):
    """(CaseFiles, ct, prediction) of ``chest``."""
    ct, prediction = chest()
    files = CaseFiles(tmp_path / "case")
    files.make(ct, prediction, 0.5, {"id": "chest", "model": {"file": "net.tflite", "sha256": "0" * 64},
                                     "lungs": "threshold", "series": None, "patient": "", "date": ""})
    return files, ct, prediction
