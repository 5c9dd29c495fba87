"""Elongated second derivatives on evened images."""

import numpy as np
import pytest

from covid3dgan.data.classical.ridges import evened, ridges
from covid3dgan.errors import ArgumentError

ROWS, COLUMNS = np.mgrid[:64, :64] - 32.0


def line(angle, width=2.0):
    """A dark line through the middle."""
    return -np.exp(-((ROWS * np.cos(angle) - COLUMNS * np.sin(angle)) / width)**2 / 2)


def test_a_long_ridge_answers_more_than_a_blob():
    blob = -np.exp(-(ROWS**2 + COLUMNS**2) / (2 * 2.0**2))
    along = [ridges(line(angle), (2.0,))[0][32, 32] for angle in (0.0, 0.4, np.pi / 2)]
    of_blob, _ = ridges(blob, (2.0,))
    # Across a line of its own width a second derivative gives 1 / 2^1.5 = 0.354; a blob is averaged away.
    assert along[0] == pytest.approx(2.0**-1.5, abs=0.01) and along[2] == pytest.approx(along[0], abs=1e-3)
    assert along[1] > 0.88 * along[0], "between two directions little is lost"
    assert of_blob[32, 32] < 0.5 * along[0]


def test_bright_and_dark_are_told_apart():
    dark, bright = ridges(line(0.7), (2.0,))
    assert dark[32, 32] > 10 * bright[32, 32]
    swapped = ridges(-line(0.7), (2.0,))
    np.testing.assert_allclose(swapped[1], dark, atol=1e-6)
    np.testing.assert_allclose(swapped[0], bright, atol=1e-6)


def test_a_constant_image_answers_nothing_at_its_borders_either():
    assert max(answer.max() for answer in ridges(np.full((40, 56), 0.7), (1.5, 6.0))) < 1e-4
    with pytest.raises(ArgumentError, match="positive widths"):
        ridges(np.zeros((32, 32)), (0.0, 2.0))


def test_evened_images_have_one_contrast_under_any_light_and_read_nothing_outside_the_field():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:128, :128]
    texture = rng.normal(0, 1, (128, 128))
    light = 0.2 + columns / 160.0
    field = np.hypot(rows - 64, columns - 64) < 60
    even = evened(light * (1 + 0.05 * texture), field)
    thirds = [even[:, part][field[:, part]].std() for part in (slice(10, 45), slice(45, 85), slice(85, 120))]
    assert max(thirds) / min(thirds) < 1.15 and np.std(even[field]) == pytest.approx(1.0, abs=0.1)
    assert abs(even[field].mean()) < 0.05 and not even[~field].any()
    other = np.where(field, light * (1 + 0.05 * texture), 9.0)
    np.testing.assert_array_equal(evened(other, field), even)
