"""Masks of ground glass and consolidation for files: what is written, what is refused, what is resumed."""

import json

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data import volumes
from covid3dgan.data.files import images
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.classes import ClassPredictor, Labelled
from covid3dgan.inference.inputs import find_inputs
from covid3dgan.inference.predict_each import predict_each


class Rule(ClassPredictor):
    """A stand-in predictor: bright is consolidation, middling is ground glass."""

    kinds = ("GGO", "consolidation")

    def __init__(self, run="rule"):
        super().__init__(None, None, presets.get("ssinfnet/demo"), {"run": run})

    def predict_image(self, image):
        labels = np.digitize(image, (0.3, 0.7)).astype(np.uint8)
        return Labelled(labels, {kind: np.float32(labels == label) for label, kind in enumerate(self.kinds, 1)})

    def predict_volume(self, ct):
        return self.predict_image((ct.array + 1000) / 1400)


@pytest.fixture
def folder(tmp_path):
    picture = np.repeat(np.float32([[0.0, 0.5, 0.9]]), 16, 1).repeat(40, 0)
    images.write(picture, tmp_path / "a.png")
    (tmp_path / "b.nii.gz").write_text("no volume")
    ct = np.full((32, 32, 4), -1000.0)
    ct[8:16, :, 1:3], ct[20:22, 20:24, 2] = -300, 300
    volumes.write(Volume(ct, np.diag([-2.0, 1, 5, 1])), tmp_path / "c.nii.gz")
    return tmp_path


def find(folder, *names):
    return [item for name in names for item in find_inputs(folder / name)]


def test_files_in_and_out_and_a_bad_one_between(folder):
    out = folder / "out"
    results, problems = predict_each(Rule(), find(folder, "a.png", "b.nii.gz", "c.nii.gz"), out, probability=True,
                                      overlay=True, command=["covid3dgan", "predict"])
    assert len(problems) == 1 and "b.nii.gz" in str(problems[0])
    # 8 x 32 x 2 voxels of 10 mm3, and 2 x 4.
    assert results["c"] == {"id": "c", "GGO_ml": pytest.approx(5.12), "consolidation_ml": pytest.approx(0.08)}
    assert results["a"] == {"id": "a", "GGO_pixels": 16 * 40, "consolidation_pixels": 16 * 40}
    labels = images.read_labels(out / "a_classes.png")
    assert list(labels[0, [0, 20, 40]]) == [0, 1, 2] and labels.shape == (40, 48)
    written = volumes.read_labels(out / "c_classes.nii.gz")
    assert written.array[10, 0, 1] == 1 and written.array[20, 20, 2] == 2
    np.testing.assert_array_equal(written.affine, np.diag([-2.0, 1, 5, 1]))
    assert volumes.read_mask(out / "c_consolidation.nii.gz").array.sum() == 8
    assert images.read(out / "a_GGO.png")[0, 20] == 1 and (out / "c_overlay.png").is_file()
    facts = json.loads((out / "c_classes.json").read_text())
    assert facts["labels"] == {"0": "none", "1": "GGO", "2": "consolidation"} and facts["model"] == {"run": "rule"}
    assert len(facts["input_sha256"]) == 64


def test_nothing_is_overwritten_and_resuming_skips_what_is_done(folder):
    inputs, out = find(folder, "a.png"), folder / "out"
    predict_each(Rule(), inputs, out)
    _, problems = predict_each(Rule(), inputs, out)
    assert len(problems) == 1 and "a_classes.png" in str(problems[0])
    before = (out / "a_classes.png").stat().st_mtime_ns
    results, problems = predict_each(Rule(), inputs, out, resume=True)
    assert not problems and results["a"]["GGO_pixels"] == 16 * 40
    assert (out / "a_classes.png").stat().st_mtime_ns == before
    predict_each(Rule("another"), inputs, out, resume=True)
    assert (out / "a_classes.png").stat().st_mtime_ns > before


def test_sources_of_a_folder(folder):
    pictures = folder / "pictures"
    for name in ("x.png", "y.png"):
        images.write(np.eye(20), pictures / name)
    assert [item.id for item in find_inputs(pictures)] == ["x", "y"]
    images.write(np.eye(20), pictures / "x.jpg")
    with pytest.raises(InputError, match="several called x"):
        find_inputs(pictures)
    with pytest.raises(InputError, match="nothing at that path"):
        find_inputs(folder / "nothing")
