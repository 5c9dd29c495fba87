"""The field of view: where an image has a picture at all."""

import numpy as np
import pytest

from covid3dgan.data.datasets.field_of_view import RIM, field_of_view, without_surround
from covid3dgan.data.phantoms.cells import blood_smear
from covid3dgan.data.phantoms.fundus import fundus

ROWS, COLUMNS = np.mgrid[:96, :96]
DISC = np.hypot(ROWS - 48, COLUMNS - 48) < 40
BOX = (abs(ROWS - 48) < 30) & (abs(COLUMNS - 48) < 36)


@pytest.mark.parametrize("shape", [DISC, BOX])
def test_discs_and_boxes_before_black_are_found(shape):
    image = np.where(shape, 0.4, 0.02) + np.where((ROWS > 40) & (ROWS < 44) & shape, -0.39, 0.0)  # a black bar within
    field = field_of_view(image)
    assert not field[~shape].any()
    assert field.sum() > 0.7 * shape.sum() and field[48, 48] and field[42, 48], "holes and bars within belong to it"


def test_a_fundus_is_found_to_a_few_pixels():
    image, _, true = fundus(1, 0, 256)
    field = field_of_view(image[..., 1])
    assert not (field & ~true).any()
    assert (true & ~field).sum() < (RIM + 4) * 2 * np.pi * 128


def test_other_images_are_picture_everywhere():
    rng = np.random.default_rng(0)
    bright_cells = np.zeros((96, 96))
    for row, column in rng.uniform(10, 86, (12, 2)):
        bright_cells[np.hypot(ROWS - row, COLUMNS - column) < 7] = 0.7
    for image in (blood_smear(1, 0, 96)[0], bright_cells, np.full((96, 96), 0.5), np.zeros((96, 96)),
                  np.where(ROWS > 5, 0.5, 0.0)):
        assert field_of_view(image)[RIM + 6:].all()
    assert field_of_view(bright_cells).all(), "dark ground around bright objects is no surround"


def test_the_surround_becomes_smooth_and_the_picture_stays():
    image = np.where(DISC, 0.4 + 0.2 * (COLUMNS % 7 == 0), 0.0)
    filled = without_surround(image, DISC)
    np.testing.assert_array_equal(filled[DISC], image[DISC])
    assert filled[~DISC].min() > 0.35 and filled[~DISC].std() < 0.7 * image[DISC].std()
    assert without_surround(image, np.ones_like(DISC)) is image
