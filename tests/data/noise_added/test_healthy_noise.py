"""healthy_noise: what the makers change, where, and that they follow the generator they are given."""

import dataclasses

import numpy as np
import pytest

from covid3dgan.data.noise import healthy_noise
from covid3dgan.errors import InputError

SHAPES = [(2, 32, 128, 128), (3, 16, 64, 64)]


def lungs(shape):
    """Two ellipsoids as volumes (value 0.1, about -860 HU) and masks."""
    slices, rows, columns = np.ogrid[:shape[1], :shape[2], :shape[3]]

    def ellipsoid(centre):
        return (((slices / shape[1] - 0.5) / 0.45) ** 2 + ((rows / shape[2] - 0.5) / 0.35) ** 2
                + ((columns / shape[3] - centre) / 0.18) ** 2) < 1

    masks = np.broadcast_to(ellipsoid(0.27) | ellipsoid(0.73), shape).astype(np.float32)
    return 0.1 * masks, masks


@pytest.mark.parametrize("shape, slices", [((5, 32, 128, 128), 8), ((2, 16, 64, 64), 4), ((1, 3, 20, 30), 1)])
def test_published_changes_a_quarter_of_the_slices_everywhere(shape, slices):
    volumes = np.zeros(shape, np.float32)
    noisy = healthy_noise.published(volumes, np.random.default_rng(0))
    assert noisy.dtype == np.float32 and not volumes.any()
    changed = (noisy != 0).any((2, 3))
    assert (changed.sum(1) == slices).all()
    fields = noisy[changed]
    assert (np.mean(fields != 0, axis=(1, 2)) > 0.5).all()  # outside the lungs as well
    assert (fields.min((1, 2)) < 0).all() and (fields.max((1, 2)) > 0).all()
    assert len(np.unique(fields[:, 1, 1])) == len(fields)  # each slice has its own field


@pytest.mark.parametrize("shape", SHAPES)
def test_lesions_only_brighten_and_only_the_lungs(shape):
    volumes, masks = lungs(shape)
    noisy = healthy_noise.lesions(volumes, masks, np.random.default_rng(1))
    added = noisy - volumes
    assert added.min() == 0 and not added[masks == 0].any()
    share = (added > 0.05).sum((1, 2, 3)) / masks.sum((1, 2, 3))
    assert (share > 0.0005).all() and (share < 0.6).all()
    assert noisy.max() <= 1 and noisy.dtype == np.float32


@pytest.mark.parametrize("look", [healthy_noise.ANYWHERE, healthy_noise.LIKE_COVID])
def test_lesions_have_the_densities_of_lesions(look):
    volumes, masks = lungs((40, 16, 64, 64))
    look = dataclasses.replace(look, peripheral=0, posterior=0, basal=0)  # deep in the lung they reach their density
    noisy, extent = healthy_noise.painted_lesions(volumes, masks, np.random.default_rng(2), look,
                                                  count=(1, 1), radius=(0.1, 0.16))
    cores = [noisy[i][extent[i] > 0.95].mean() * 1400 - 1000 for i in range(40) if (extent[i] > 0.95).sum() > 20]
    assert len(cores) > 25
    assert min(cores) > -780 and max(cores) < 100
    assert sum(core > -400 for core in cores) >= 3 and sum(core < -500 for core in cores) >= 10


def test_lesions_have_soft_borders():
    volumes, masks = lungs((10, 32, 128, 128))
    added = healthy_noise.lesions(volumes, masks, np.random.default_rng(3)) - volumes
    inside = added[added > 0.01]
    assert np.mean(inside < 0.6 * np.median(inside)) > 0.1


EVENLY = dataclasses.replace(healthy_noise.ANYWHERE, peripheral=0.0)


def painted_voxels(look):
    """(count, 3): voxels of small lesions in 30 volumes of 16 x 64 x 64."""
    volumes, masks = lungs((30, 16, 64, 64))
    extent = healthy_noise.painted_lesions(volumes, masks, np.random.default_rng(4), look, count=(6, 6),
                                           radius=(0.04, 0.05))[1]
    return np.argwhere(extent > 0.5)[:, 1:]


def test_lesions_prefer_the_border_of_the_lungs():
    def mean_distance(peripheral):
        """Of the lesions' voxels from the nearest lung's axis; the border is at 1."""
        where = painted_voxels(dataclasses.replace(EVENLY, peripheral=peripheral))
        side = np.where(where[:, 2] < 32, 0.27 * 64, 0.73 * 64)
        relative = np.hypot((where[:, 0] - 8) / 7.2, (where[:, 1] - 32) / 22.4)
        return np.hypot(relative, (where[:, 2] - side) / 11.5).mean()

    assert mean_distance(6.0) > mean_distance(0.0) + 0.05


@pytest.mark.parametrize("preference, axis, end", [("posterior", 1, 63), ("basal", 0, 0)])
def test_lesions_prefer_the_back_and_the_bottom_of_the_lungs(preference, axis, end):
    far = {weight: np.abs(painted_voxels(dataclasses.replace(EVENLY, **{preference: weight}))[:, axis] - end).mean()
           for weight in (0.0, 6.0)}
    assert far[6.0] < 0.8 * far[0.0]


def test_lesions_are_blurred_as_what_was_resampled_is():
    """A point deep in the lung spreads as by a Gaussian of 0.4 voxels; so do a lesion's brightness and its extent."""
    look = healthy_noise.LIKE_COVID
    inside = np.zeros((16, 64, 64), np.float32)
    inside[8, 32, 32] = 1
    point = healthy_noise._blurred(inside, np.ones(inside.shape, bool), look.blur)
    assert point.sum() == pytest.approx(1) and point[8, 32, 32] == pytest.approx(0.84 ** 3)
    assert point[7, 32, 32] == pytest.approx(0.08 * 0.84 ** 2) and np.count_nonzero(point) == 27
    assert np.sqrt((point.sum((1, 2)) * (np.arange(16) - 8) ** 2).sum()) == pytest.approx(0.4, abs=0.02)
    volumes, masks = lungs(SHAPES[1])
    (noisy, extent), (sharp, sharp_extent) = (
        healthy_noise.painted_lesions(volumes, masks, np.random.default_rng(8), one)
        for one in (look, dataclasses.replace(look, blur=None)))
    for index, mask in enumerate(masks > 0):
        np.testing.assert_allclose(extent[index], healthy_noise._blurred(sharp_extent[index], mask, look.blur))
        np.testing.assert_allclose(noisy[index] - volumes[index], atol=1e-6, desired=healthy_noise._blurred(
            sharp[index] - volumes[index], mask, look.blur))
    assert np.abs(extent - sharp_extent).max() > 0.1


def test_what_blur_takes_over_the_lungs_border_is_gone():
    masks = np.zeros((8, 16, 16), bool)
    masks[:, :, :8] = True
    full = healthy_noise._blurred(masks.astype(np.float32), masks, healthy_noise.LIKE_COVID.blur)
    assert not full[:, :, 8:].any()
    np.testing.assert_allclose(full[4, 8, 5:8], [1, 1, 0.92], rtol=1e-6)


@pytest.mark.parametrize("make", [
    lambda volumes, masks, rng: healthy_noise.published(volumes, rng), healthy_noise.lesions])
def test_the_generator_decides(make):
    volumes, masks = lungs(SHAPES[1])
    first, again = (make(volumes, masks, np.random.default_rng([7, 3])) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != make(volumes, masks, np.random.default_rng([7, 4]))).any()


def test_bad_input_is_refused():
    volumes, masks = lungs(SHAPES[1])
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"volumes: expected an array \(batch, slices, rows, columns\)"):
        healthy_noise.published(volumes[0], rng)
    with pytest.raises(InputError, match="lung_masks: expected the volumes' shape"):
        healthy_noise.lesions(volumes, masks[:1], rng)
    with pytest.raises(InputError, match=r"lung_masks\[1\]: expected some lung, found an empty mask"):
        empty = masks.copy()
        empty[1] = 0
        healthy_noise.lesions(volumes, empty, rng)
