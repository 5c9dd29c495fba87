"""A built page (or the reason why there is none), a small phantom, a made case."""

import pytest
from app_chest import chest

from covid3dgan.app.case_files import CaseFiles
from covid3dgan.viewer import build

pytest.importorskip("starlette", reason="needs the extra app")
pytest.importorskip("uvicorn", reason="needs the extra app")


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


@pytest.fixture
def made(tmp_path):
    """(CaseFiles, ct, prediction) of ``chest``."""
    ct, prediction = chest()
    files = CaseFiles(tmp_path / "case")
    files.make(ct, prediction, 0.5, {"id": "chest", "model": {"file": "net.tflite", "sha256": "0" * 64},
                                     "lungs": "threshold", "series": None, "patient": "", "date": ""})
    return files, ct, prediction
