"""Lungs of any density and slope come to one level, and lesions keep what they add."""

import numpy as np
import pytest

from covid3dgan.data.preprocess.lung_level import LIMITS, levelled, lung_line
from covid3dgan.data.preprocess.recipe import PreprocessOptions, prepare
from covid3dgan.data.volumes import Volume

LUNGS = np.zeros((4, 21, 10), bool)
LUNGS[:, 5:16, 1:9] = True


def sloped(front, back, spread=0.0, seed=0):
    """HU (4, 21, 10): a line over the lungs' rows 5 to 15, noise that is never below it, chest wall around them."""
    line = np.interp(np.arange(21), [5, 15], [front, back])
    noise = spread * np.abs(np.random.default_rng(seed).standard_normal(LUNGS.shape))
    return np.where(LUNGS, line[:, None] + noise, 40.0).astype(np.float32)


def test_a_line_is_found_and_goes_on_level_beyond_the_lungs():
    line = lung_line(sloped(-900, -700), LUNGS)
    np.testing.assert_allclose(line[5:16], np.linspace(-900, -700, 11), atol=0.2)
    np.testing.assert_allclose(line[:5], line[5], atol=1e-9)
    np.testing.assert_allclose(line[16:], line[15], atol=1e-9)


@pytest.mark.parametrize("front, back", [(-900, -700), (-880, -880), (-650, -850)])
def test_lungs_of_any_density_and_slope_become_the_same(front, back):
    found = levelled(sloped(front, back, spread=60), LUNGS, -860)
    expected = levelled(sloped(-860, -860, spread=60), LUNGS, -860)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[LUNGS], expected[LUNGS], atol=2)
    assert np.quantile(found[LUNGS], 0.25) == pytest.approx(-860, abs=0.5)


def test_lesions_in_half_of_the_lungs_keep_what_they_add():
    hu = sloped(-900, -800, spread=20)
    lesion = LUNGS & (np.indices(LUNGS.shape)[2] > 4)  # the left lung, half of the voxels
    diseased = levelled(np.where(lesion, hu + 300, hu), LUNGS, -860)
    healthy = levelled(hu, LUNGS, -860)
    assert lesion.sum() / LUNGS.sum() == 0.5
    np.testing.assert_allclose((diseased - healthy)[lesion], 300, atol=20)
    np.testing.assert_allclose((diseased - healthy)[LUNGS & ~lesion], 0, atol=20)


def test_a_lung_that_is_diseased_all_over_stays_dense():
    consolidated = np.where(LUNGS, -100.0, 40.0).astype(np.float32)
    np.testing.assert_allclose(lung_line(consolidated, LUNGS), LIMITS[1])
    np.testing.assert_allclose(levelled(consolidated, LUNGS, -860)[LUNGS], -100 - 860 - LIMITS[1])


def test_lungs_of_a_single_row_have_a_level():
    lungs = np.zeros((4, 21, 10), bool)
    lungs[:, 7, 2:8] = True
    np.testing.assert_allclose(lung_line(np.full(lungs.shape, -800.0), lungs), -800)


def test_only_the_lung_image_is_levelled_and_only_where_the_options_say_so():
    hu = np.full((32, 32, 32), 40.0, np.float32)
    lungs = np.zeros(hu.shape, bool)
    lungs[4:28, 4:28, 4:28] = True
    hu[lungs] = -700  # (X, Y, Z)
    ct = Volume(hu, np.diag([2.0, 2.0, 2.0, 1.0]))
    shape = (8, 16, 16)
    plain, level = (prepare(ct, lungs, options=PreprocessOptions.paper(shape=shape, lung_level=value))
                    for value in (None, -860.0))
    inside = (slice(2, 6), slice(4, 12), slice(4, 12))
    np.testing.assert_allclose(plain.lung[inside], 300 / 1400, atol=1e-4)
    # The resampled edge to the chest wall rings, so a little of this lung is darker than -700 HU.
    np.testing.assert_allclose(level.lung[inside], 140 / 1400, atol=8 / 1400)
    np.testing.assert_array_equal(plain.base, level.base)
    np.testing.assert_array_equal(plain.lung_mask, level.lung_mask)
    assert level.facts["options"]["lung_level"] == -860.0
