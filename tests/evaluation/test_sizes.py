"""Millilitres and shares per side, against counts by hand."""

import numpy as np
import pytest

from covid3dgan.data.volumes import Volume
from covid3dgan.evaluation.metrics import sizes


@pytest.mark.parametrize(("direction", "near", "far"), [(1, "left", "right"), (-1, "right", "left")])
def test_sides_by_hand(direction, near, far):
    """Ten columns of 2x5x10 mm (0.1 ml a voxel); the lungs are columns 1-3 and 6-8, 2x2 voxels each."""
    ct = Volume(np.zeros((10, 2, 2), np.float32), np.diag([direction * 2.0, 5.0, 10.0, 1.0]))
    lungs, mask = np.zeros(ct.shape), np.zeros(ct.shape)
    lungs[[1, 2, 3, 6, 7, 8]] = 1
    mask[1, :, 0] = 2
    mask[7, 0, 0] = mask[0, 0, 0] = 1  # the last one outside the lungs
    found = sizes(ct, mask, lungs)
    assert found["lung_ml"] == pytest.approx(2.4) and found["infection_ml"] == pytest.approx(0.4)
    assert found["infection_rate_percent"] == pytest.approx(100 * 3 / 24)
    assert found[f"{near}_lung_ml"] == found[f"{far}_lung_ml"] == pytest.approx(1.2)
    assert found[f"{near}_infection_ml"] == pytest.approx(0.3) and found[f"{far}_infection_ml"] == pytest.approx(0.1)
    assert found[f"{near}_infection_rate_percent"] == pytest.approx(100 * 2 / 12)
