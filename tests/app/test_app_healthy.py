"""The CT as if it were healthy: what a generator makes of a chest, what is kept of it, and why there may be none."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from app_chest import chest

from covid3dgan import presets
from covid3dgan.app.as_if_healthy import AsIfHealthy, generator_behind
from covid3dgan.app.case_files import CaseFiles
from covid3dgan.app.worker import _healthy
from covid3dgan.data.volumes import Volume


@pytest.fixture(scope="module")
def preset():
    """A preset whose GAN takes 16 slices of 32 x 32."""
    full = presets.get("shabani/demo")
    return dataclasses.replace(full, gan=dataclasses.replace(full.gan, volume_shape=(16, 32, 32)))


def flat(value):
    """A generator that makes everything ``value``."""
    return lambda inputs, training: np.full(inputs[0].shape, value, np.float32)


def test_lungs_are_the_generators_and_everything_else_is_the_ct(preset):
    ct, prediction = chest()
    preset = dataclasses.replace(preset, preprocess=dataclasses.replace(preset.preprocess, lung_level=None))
    found = AsIfHealthy(flat(0.25), preset).of(ct, prediction.lungs)
    assert found.dtype == np.float32 and found.shape == ct.array.shape
    lungs = prediction.lungs > 0
    # 0 is -1000 HU and 1 is 400 HU: a quarter of the way is -650 HU.
    np.testing.assert_allclose(found[lungs], -650, atol=0.1)
    np.testing.assert_array_equal(found[~lungs], ct.array[~lungs])


def test_each_lesion_comes_back_at_its_own_place(preset):
    """A generator that changes nothing gives the CT: nothing is mirrored, moved or left levelled on the way."""
    assert preset.preprocess.lung_level is not None
    ct, prediction = chest()
    found = AsIfHealthy(lambda inputs, training: inputs[0], preset).of(ct, prediction.lungs)
    assert found[31, 20, 12] == pytest.approx(-300, abs=150)
    # The same place and its surroundings in the other lung.
    np.testing.assert_allclose(found[15:20, 17:27, 10:18], -850, atol=15)


def test_it_is_kept_with_the_case_in_canonical_order(tmp_path):
    ct, prediction = chest()
    healthy = np.arange(ct.array.size, dtype=np.float32).reshape(ct.array.shape) % 1000 - 900
    files = CaseFiles(tmp_path / "case")
    files.make(ct, prediction, 0.5, {"healthy": True}, healthy)
    part = tuple(slice(*ends) for ends in files.about["grid"]["part"])
    np.testing.assert_array_equal(files.read("healthy"), Volume(healthy, ct.affine).canonical().array[part])


def test_without_a_generator_a_sentence_says_why(tmp_path, preset):
    def behind(described):
        return generator_behind(SimpleNamespace(describe=lambda: described))

    def run(name, **said):
        (tmp_path / name).mkdir()
        manifest = {"format": 1, "kind": "segmenter", "preset": {}, **said}
        (tmp_path / name / "run.json").write_text(json.dumps(manifest))
        return behind({"run": str(tmp_path / name)})

    exported = behind({"file": "segmenter.tflite", "run": "runs/segmenter"})[1]
    assert exported.startswith("No CT as if healthy: this network has no generator.")
    assert run("masks")[1] == "No CT as if healthy: this segmenter learned from masks, without a generator."
    gone = tmp_path / "gone"
    assert run("moved", gan=str(gone))[1] == (
        f"No CT as if healthy: the GAN that this segmenter learned from is not at {gone} any more.")
    assert run("odd", gan=str(tmp_path / "masks"))[1].startswith("No CT as if healthy: ")


def test_a_ct_that_the_generator_cannot_take_is_segmented_all_the_same(preset):
    ct, prediction = chest()
    made, why = _healthy((AsIfHealthy(flat(0), preset), None), ct, np.zeros_like(prediction.lungs))
    assert made is None and why.startswith("No CT as if healthy: ")
