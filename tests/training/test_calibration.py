"""Pseudo-masks calibrated on painted lesions: features by hand, and what is learned of a generator that is known."""

import numpy as np
import pytest
from scipy import ndimage

from covid3dgan import presets
from covid3dgan.data.noise import healthy_noise
from covid3dgan.training import calibration
from covid3dgan.training.calibration import calibrated_targets, voxel_features

SHAPE = (16, 48, 48)
PSEUDO = presets.get("shabani/demo").pseudo
LUNG = 0.1  # -860 HU


def lungs(count, seed):
    """(count, D, H, W) lungs with some noise, and their masks: a cylinder each."""
    rows, columns = np.ogrid[-1:1:48j, -1:1:48j]
    masks = np.broadcast_to((rows ** 2 + columns ** 2 < 0.8).astype(np.float32), (count, *SHAPE))
    noise = np.random.default_rng(seed).normal(0, 0.01, masks.shape)
    return (masks * (LUNG + noise)).astype(np.float32), np.array(masks)


def half_of_it(inputs, training=False):
    """A generator that takes away half of what is brighter than the lung, and blurs it: faint, and with a halo."""
    volumes = np.asarray(inputs[0])[..., 0]
    over = np.maximum(volumes - LUNG, 0)
    return (volumes - 0.5 * ndimage.gaussian_filter(over, (0, 0.5, 1.0, 1.0)))[..., None]


def test_features_by_hand():
    """A difference of 0.9 in the middle of a 5x7x7 block of lung, on a density of 0.2."""
    change = np.zeros((7, 9, 9), np.float32)
    change[3, 4, 4] = 0.9
    lung = np.zeros(change.shape, bool)
    lung[1:6, 1:8, 1:8] = True
    volume = np.where(lung, np.float32(0.2), np.float32(0.7))
    volume[3, 4, 4] = 0.5
    found = voxel_features(volume, change, lung)
    assert found.shape == (5 * 7 * 7, calibration.FEATURES) and found.dtype == np.float32
    at = {tuple(where): row for where, row in zip(np.argwhere(lung), found)}
    np.testing.assert_allclose(at[3, 4, 4], [0.9, 0.9 / 9, 0.9 / 75, 0.9, 0.5, (1.6 + 0.5) / 9, (14.8 + 0.5) / 75, 0.5,
                                             0.2], rtol=1e-5)
    np.testing.assert_allclose(at[4, 5, 4], [0, 0, 0.9 / 75, 0.9, 0.2, 0.2, (14.8 + 0.5) / 75, 0.5, 0.2], rtol=1e-5,
                               atol=1e-7)
    # In the lung's corner the average is over what of the box is lung: 0.7 lies outside and counts nowhere.
    np.testing.assert_allclose(at[1, 1, 1], [0, 0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0.2], rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def found():
    """(targets, differences, true extent, lungs) of two volumes with painted lesions that were not learned from."""
    healthy, masks = lungs(10, 1)
    clean, clean_masks = lungs(2, 2)
    volumes, extent = healthy_noise.painted_lesions(clean, clean_masks, np.random.default_rng(5),
                                                    healthy_noise.LIKE_COVID, count=(6, 10))
    clean_masks[:, 0] = 0  # this slice's voxels are not lung for anyone
    targets = calibrated_targets(half_of_it, volumes, clean_masks, healthy, masks, PSEUDO, 1, 1500)
    differences = calibration.make_pseudo_masks(half_of_it, volumes, clean_masks, PSEUDO, 1).difference
    return targets, differences, extent * (clean_masks > 0.5), clean_masks > 0.5


def _dice(mask, truth):
    return 2 * (truth & mask).sum() / (truth.sum() + mask.sum())


def test_extent_is_learned_from_differences_that_are_faint_and_have_a_halo(found):
    targets, differences, extent, inside = found
    truth = extent > 0.5
    assert 0.01 < truth[inside].mean() < 0.5
    # The generator's differences are at most half of a lesion; the targets are about 1 in it and 0 elsewhere.
    assert targets[extent > 0.95].mean() > 0.85 and targets[inside & (extent == 0)].mean() < 0.03
    assert np.mean((targets - extent)[inside] ** 2) < 0.3 * np.mean((differences - extent)[inside] ** 2)
    levels = np.quantile(differences[differences > 0], np.linspace(0.02, 0.98, 49))
    assert _dice(targets > 0.5, truth) > max(_dice(differences > level, truth) for level in levels)


def test_targets_are_an_extent_within_the_lungs(found):
    targets, _, _, inside = found
    assert targets.dtype == np.float32 and targets.min() >= 0 and targets.max() <= 1
    assert not targets[~inside].any() and targets[inside].any()


def test_the_seed_decides():
    healthy, masks = lungs(2, 1)
    one, same, other = (calibrated_targets(half_of_it, healthy + 0.1 * masks, masks, healthy, masks, PSEUDO, seed, 20)
                        for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
