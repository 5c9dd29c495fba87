"""F38: lungs by lungmask where that package is installed, by the built-in method else, and what the records say."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess.dataset import preprocess_dataset
from covid3dgan.data.preprocess.lungs import method_here, segment_lungs
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.data.preprocess.shards import write_shards
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import Input
from covid3dgan.inference.lesions import LesionPredictor
from covid3dgan.presets.preprocessing import PreprocessOptions

# The network is a box: the middle half of each slice, the right lung's label in one half, the left one's in the other.
PACKAGE = """
import numpy as np

class LMInferer:
    def __init__(self, modelname, tqdm_disable):
        assert modelname == "R231" and tqdm_disable

    def apply(self, image):
        labels = np.zeros(image.shape, np.uint8)
        rows, columns = image.shape[1:]
        labels[:, rows // 4:3 * rows // 4, columns // 4:columns // 2] = 1
        labels[:, rows // 4:3 * rows // 4, columns // 2:3 * columns // 4] = 2
        return labels
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A tiny package lungmask on the path."""
    package = tmp_path / "site" / "lungmask"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE)
    monkeypatch.delitem(sys.modules, "lungmask", raising=False)
    monkeypatch.syspath_prepend(package.parent)
    yield
    sys.modules.pop("lungmask", None)


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "lungmask", None)


@pytest.fixture(scope="module")
def cts(tmp_path_factory):
    """A cohort of two CTs whose lung masks are taken away."""
    out = tmp_path_factory.mktemp("cohort") / "cts"
    chest_ct.write_cohort(out, "uestc-like", 2, 5, (48, 48, 20))
    for path in (out / "lungs").iterdir():
        path.unlink()
    return out


@pytest.mark.parametrize("preset, there, not_there", [
    ("shabani/published", "lungmask", "threshold"), ("shabani/paper", "lungmask", "threshold"),
    ("elmourabit/paper", "lungmask", "threshold"), ("khali/paper", "lungmask", "threshold"),
    ("shabani/improved", "threshold", "threshold"), ("shabani/demo", "threshold", "threshold")])
@pytest.mark.parametrize("present", [True, False])
def test_f38_lungmask_finds_the_lungs_where_it_is_installed(preset, there, not_there, present, request, cts):
    request.getfixturevalue("installed" if present else "missing")
    method = presets.get(preset).preprocess.lung_method
    assert method_here(method) == (there if present else not_there)
    ct = volumes.read(next((cts / "images").iterdir()))
    box = np.zeros(ct.shape, np.uint8)
    box[12:36, 12:36] = 1
    assert np.array_equal(segment_lungs(ct, method), box) is (present and there == "lungmask")


def test_the_package_asked_for_by_name_is_needed(missing, cts):
    with pytest.raises(InputError, match=r"covid3dgan\[lungmask\]"):
        segment_lungs(volumes.read(next((cts / "images").iterdir())), "lungmask")


@pytest.mark.parametrize("present, method", [(True, "lungmask"), (False, "threshold")])
def test_f38_the_record_says_what_made_the_lungs(present, method, request, cts, tmp_path):
    request.getfixturevalue("installed" if present else "missing")
    options = PreprocessOptions.published(shape=(16, 32, 32))
    done, problems = preprocess_dataset(cts, tmp_path / "prepared", options, workers=1)
    assert len(done) == 2 and not problems
    manifest = json.loads((tmp_path / "prepared/manifest.json").read_text())
    assert manifest["options"]["lung_method"] == method
    assert {entry["facts"]["options"]["lung_method"] for entry in manifest["cases"]} == {method}
    made = {f"{method} on the resampled CT": 2}
    assert open_prepared(tmp_path / "prepared").lungs == made
    write_shards(tmp_path / "prepared", tmp_path / "shards", per_shard=2)
    assert open_prepared(tmp_path / "shards").lungs == made


def test_a_folder_is_not_finished_with_other_lungs(installed, cts, tmp_path):
    options = PreprocessOptions.published(shape=(16, 32, 32))
    preprocess_dataset(cts, tmp_path / "prepared", options, workers=1)
    sys.modules["lungmask"] = None  # the fixture takes it out again
    with pytest.raises(InputError, match="the options that the folder was made with"):
        preprocess_dataset(cts, tmp_path / "prepared", options, workers=1, resume=True)


@pytest.mark.parametrize("present", [True, False])
def test_a_prediction_takes_the_lungs_of_its_preset_unless_told_otherwise(present, request, cts):
    request.getfixturevalue("installed" if present else "missing")
    item = Input("a", next((cts / "images").iterdir()), None, None)
    predictor = LesionPredictor(None, presets.get("shabani/paper"), 0.2, False, {})
    assert predictor.record(item) == {"lungs": "lungmask" if present else "threshold"}
    assert dataclasses.replace(predictor, lung_method="threshold").record(item) == {"lungs": "threshold"}
    demo = dataclasses.replace(predictor, preset=presets.get("shabani/demo"))
    assert demo.record(item) == {"lungs": "threshold"}
