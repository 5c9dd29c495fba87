"""Uncertainty from mirrored and moved slices: none where the network does not mind, some where it does."""

import json

import nibabel
import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.phantoms.chest_ct import generate
from covid3dgan.inference.views import STEP, spread_over_views


def test_a_network_that_sees_single_pixels_is_sure():
    volume = np.random.default_rng(0).random((2, 16, 16)).astype(np.float32)
    spread = spread_over_views(lambda view: view ** 2, volume)
    inside = (slice(None), slice(STEP, -STEP), slice(STEP, -STEP))
    assert spread.dtype == np.float32 and spread.shape == volume.shape
    np.testing.assert_allclose(spread[inside], 0, atol=1e-6)


def test_one_that_minds_the_side_is_not():
    def left_alone(view):
        return np.where(np.arange(view.shape[2]) < view.shape[2] // 2, view, 0)

    volume = np.zeros((1, 16, 16), np.float32)
    volume[0, 8, 4] = volume[0, 8, 11] = 1.0
    spread = spread_over_views(left_alone, volume)
    # Seen as it is and moved down or towards the corner the left pixel counts, mirrored twice it does not: 3 of 5.
    assert spread[0, 8, 4] == pytest.approx(np.std([1, 0, 1, 0, 1]), abs=1e-6)
    assert spread[0, 8, 11] == pytest.approx(np.std([0, 1, 0, 1, 0]), abs=1e-6)


def test_predict_writes_it_beside_the_mask(tmp_path):
    case = generate("varied-covid", 1, 9, (64, 64, 24))
    volumes.write(case.ct, tmp_path / "ct.nii.gz")
    volumes.write(case.lungs, tmp_path / "lungs.nii.gz")
    command = ["predict", str(tmp_path / "ct.nii.gz"), str(tmp_path / "out"), "--lungs",
               str(tmp_path / "lungs.nii.gz"), "--uncertainty", "--quiet"]
    assert main(command) == 0
    spread = nibabel.load(tmp_path / "out" / "ct_uncertainty.nii.gz").get_fdata()
    assert spread.shape == case.ct.shape and spread.max() > 0
    assert not spread[case.lungs.array == 0].any()
    assert "uncertainty" not in json.loads((tmp_path / "out" / "ct.json").read_text())
