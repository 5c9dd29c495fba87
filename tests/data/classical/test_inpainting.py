"""The non-learned filling of holes."""

import numpy as np
import pytest

from covid3dgan.data.classical.inpainting import fill, harmonic


@pytest.fixture
def gradient():
    rows, columns = np.mgrid[:48, :60]
    hole = np.zeros((48, 60), bool)
    hole[10:25, 20:45] = True
    hole[40:, :6] = True  # touches the border
    return (0.2 + 0.008 * columns + 0.004 * rows).astype(np.float32), hole


def test_a_masked_gradient_comes_back(gradient):
    image, hole = gradient
    inner = hole.copy()
    inner[40:, :6] = False
    filled = fill(np.where(hole, 0.0, image), hole, smooth=0, texture=False)
    # A plane is harmonic, so the membrane is exact; at the border it bends to a zero slope.
    np.testing.assert_allclose(filled[inner], image[inner], atol=1e-5)
    assert np.abs(filled - image)[hole].max() < 0.05
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    smoothed = fill(np.where(hole, 0.0, image), hole, smooth=2.0)
    assert np.abs(smoothed - image)[inner].max() < 0.03


def test_each_filled_pixel_is_the_mean_of_its_neighbours():
    image = np.random.default_rng(0).random((12, 12))
    hole = np.zeros((12, 12), bool)
    hole[4:8, 3:9] = True
    filled = harmonic(image, hole)
    mean = (np.roll(filled, 1, 0) + np.roll(filled, -1, 0) + np.roll(filled, 1, 1) + np.roll(filled, -1, 1)) / 4
    np.testing.assert_allclose(filled[hole], mean[hole], atol=1e-12)


def test_content_of_the_hole_is_never_read(gradient):
    image, hole = gradient
    first = fill(np.where(hole, 0.0, image), hole, (3,))
    second = fill(np.where(hole, 1.0, image), hole, (3,))
    np.testing.assert_array_equal(first, second)


def test_texture_has_the_surroundings_noise():
    rng = np.random.default_rng(0)
    image = (0.5 + rng.normal(0, 0.05, (96, 96))).astype(np.float32)
    hole = np.zeros((96, 96), bool)
    hole[30:66, 30:66] = True
    assert fill(image, hole, texture=False)[hole].std() < 0.015
    assert fill(image, hole, (1,))[hole].std() == pytest.approx(0.05, rel=0.1)
    np.testing.assert_array_equal(fill(image, hole, (1,)), fill(image, hole, (1,)))
    assert not np.array_equal(fill(image, hole, (1,)), fill(image, hole, (2,)))


def test_texture_may_come_from_another_image_at_the_own_strength():
    """Three pixels in a hundred are known; the donor's stripes are twice as strong as the image's own noise."""
    rng = np.random.default_rng(0)
    columns = np.mgrid[:96, :96][1]
    donor = (0.5 + 0.06 * np.sign(np.sin(columns)) * rng.uniform(0.5, 1.5, (96, 96))).astype(np.float32)
    image = (0.4 + rng.normal(0, 0.02, (96, 96))).astype(np.float32)
    hole = np.ones((96, 96), bool)
    hole[:, 40:43] = False
    of_donor = np.zeros((96, 96), bool)
    of_donor[20:40, 20:40] = True
    filled = fill(image, hole, (1,), donor=(donor, of_donor))
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert filled[hole].mean() == pytest.approx(0.4, abs=0.03), "the level stays the image's own"
    assert 0.008 < filled[hole].std() < 0.05
    read = np.where(of_donor, 9.0, donor)  # the donor's own hole is not read
    np.testing.assert_array_equal(fill(image, hole, (1,), donor=(read, of_donor)), filled)


def test_without_a_hole_nothing_changes(gradient):
    image, hole = gradient
    np.testing.assert_array_equal(fill(image, np.zeros_like(hole)), image)
