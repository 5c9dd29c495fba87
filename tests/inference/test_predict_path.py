"""How many of our files a CT passes from ``covid3dgan predict`` to its mask, and that ARCHITECTURE.md names them."""

import sys
from pathlib import Path

import numpy as np
import pytest

import covid3dgan
from covid3dgan import compat, presets
from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.models.from_presets import segmenter_network
from covid3dgan.runs import state
from covid3dgan.runs.directory import Run

PACKAGE = Path(covid3dgan.__file__).parent
MOST = 48


class Passed:
    """The package's files of which a function is called; what imports do does not count."""

    def __init__(self):
        self.files = set()

    def __enter__(self):
        sys.setprofile(self._look)
        return self.files

    def __exit__(self, *_):
        sys.setprofile(None)

    def _look(self, frame, event, _):
        name = frame.f_code.co_filename
        if event != "call" or name in self.files or frame.f_code.co_name.startswith("<"):
            return
        if PACKAGE in Path(name).parents and not _imports(frame):
            self.files.add(name)


def _imports(frame):
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@pytest.fixture
def run(tmp_path):
    """A run with an untrained segmenter of the demo, four filters wide."""
    preset = presets.override(presets.get("shabani/demo"), ["segmenter.width=4", "segmenter.ema_decay=0"])
    compat.seed_everything(0)
    made = Run.start(tmp_path / "run", "segmenter", preset, 0)
    network = segmenter_network(preset.segmenter, preset.gan.volume_shape[1:])
    made.checkpoints.save(1, state.capture({"segmenter": network}, {}))
    made.finish(threshold={"value": 0.2, "relative": False, "tuned": False}, step=1)
    return made.path


def test_a_ct_passes_few_files_and_the_architecture_names_them(run, tmp_path):
    ct = np.full((48, 48, 36), 40.0, np.float32)
    ct[6:20, 10:40, 4:32] = ct[28:42, 10:40, 4:32] = -850.0
    volumes.write(Volume(ct, np.diag([6.0, 6.0, 8.0, 1.0])), tmp_path / "ct.nii.gz")
    with Passed() as files:
        code = main(["predict", str(tmp_path / "ct.nii.gz"), str(tmp_path / "out"), "--model", str(run), "--quiet"])
    assert code == 0
    passed = sorted(Path(name).relative_to(PACKAGE).as_posix() for name in files)
    assert len(passed) <= MOST, passed
    text = (PACKAGE.parent / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    text = text[text.index("## A CT through"):text.index("## A batch through")]
    assert [name for name in passed if Path(name).name not in text and name not in text] == []
