"""A slice as other scanners show it: in range, its target with it; thicker slices."""

import numpy as np

from covid3dgan.data.noise.scanner_looks import scanned, thickened


def lungs():
    """Two boxes beside a gap, 24 x 64 x 64, and a volume of -860 HU in them and 40 HU around."""
    mask = np.zeros((24, 64, 64), bool)
    mask[2:22, 8:56, 4:28] = mask[2:22, 8:56, 36:60] = True
    return np.where(mask, np.float32(0.1), np.float32(0.743)), mask


def test_a_scanned_slice_stays_in_range_and_its_target_moves_with_it():
    image, mask = lungs()
    lesion = np.zeros((64, 64), np.float32)
    lesion[30:40, 10:20] = 1.0
    painted = np.where(lesion > 0, 0.6, image[12]).astype(np.float32)
    for seed in range(6):
        slice_, target = scanned(painted, lesion, mask[12], np.random.default_rng(seed))
        assert 0.0 <= slice_.min() and slice_.max() <= 1.0 and slice_.dtype == np.float32
        assert (slice_[target > 0.9].mean() - np.median(slice_[(slice_ > 0) & (target == 0)])) > 0.3
        assert 50 < target.sum() < 200  # 100 pixels, zoomed by exp(+-0.18) twice at most


def test_thicker_slices_keep_the_amount_and_spread_it():
    spike = np.zeros((9, 4, 4), np.float32)
    spike[4] = 1.0
    for seed in range(20):
        made, same = thickened([spike, spike], np.random.default_rng(seed))
        np.testing.assert_array_equal(made, same)
        np.testing.assert_allclose(made.sum(0), 1.0, atol=1e-5)
    assert any(thickened([spike, spike], np.random.default_rng(seed))[0][3, 0, 0] > 0.05 for seed in range(20))
