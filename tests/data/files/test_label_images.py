"""Label pictures keep the labels that are stored in them."""

import numpy as np
import pytest
from PIL import Image

from covid3dgan.data.files import images
from covid3dgan.errors import InputError

LABELS = np.zeros((20, 18), np.uint8)
LABELS[3:8, 4:9], LABELS[9:12, 2:5] = 38, 75


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_labels_are_kept_as_stored(mode, tmp_path):
    picture = Image.fromarray(LABELS)
    if mode == "P":
        picture.putpalette([0] * 768)
    else:
        picture = picture.convert(mode)
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(images.read_labels(tmp_path / "a.png"), LABELS)


def test_one_bit_and_empty_masks(tmp_path):
    Image.fromarray(LABELS > 0).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(images.read_labels(tmp_path / "bits.png"), LABELS > 0)
    Image.fromarray(LABELS * 0).save(tmp_path / "empty.png")
    assert not images.read_labels(tmp_path / "empty.png").any()


def test_colours_are_no_labels(tmp_path):
    Image.fromarray(np.dstack([LABELS, LABELS + 1, LABELS + 2])).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="expected one whole label per pixel, found pixels of mode RGB; save"):
        images.read_labels(tmp_path / "a.png")


def test_real_masks(shared_data):
    masks = sorted((shared_data / "rbc").glob("*_mask.png"))
    assert len(masks) == 2
    for path in masks:
        assert set(np.unique(images.read_labels(path))) == {0, 255}
