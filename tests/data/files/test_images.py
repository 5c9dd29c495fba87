"""Reading and writing 2D images and masks, good and bad."""

import numpy as np
import pytest
from PIL import Image

from covid3dgan.data.files import images
from covid3dgan.errors import ArgumentError, InputError, InputWarning

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def save(array, path, **options):
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".gif"])
def test_grey_values_are_divided_by_255(tmp_path, suffix):
    np.testing.assert_allclose(images.read(save(GREY, tmp_path / f"a{suffix}")), GREY / 255.0, atol=1e-6)


def test_jpeg_is_read_about_right(tmp_path):
    smooth = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    np.testing.assert_allclose(images.read(save(smooth, tmp_path / "a.JPG", quality=95)), smooth / 255, atol=0.02)


def test_colour_becomes_luminance_or_green(tmp_path):
    path = save(COLOUR, tmp_path / "a.png")
    np.testing.assert_allclose(images.read(path), COLOUR @ [0.299, 0.587, 0.114] / 255, atol=0.005)
    np.testing.assert_allclose(images.read(path, "green"), COLOUR[..., 1] / 255, atol=1e-6)
    with pytest.raises(ArgumentError, match="grey or green"):
        images.read(path, "red")


def test_opaque_alpha_is_dropped_and_a_meaningful_one_refused(tmp_path):
    opaque = np.dstack([COLOUR, np.full((20, 30), 255, np.uint8)])
    expected = images.read(save(COLOUR, tmp_path / "rgb.png"))
    np.testing.assert_array_equal(images.read(save(opaque, tmp_path / "opaque.png")), expected)
    opaque[:10, :, 3] = 0
    with pytest.raises(InputError, match=r"see_through.png: .* RGBA image that is transparent in 50.0%"):
        images.read(save(opaque, tmp_path / "see_through.png"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_stretched_to_their_range(tmp_path, suffix):
    deep = np.linspace(100, 4100, 600).reshape(20, 30).astype(np.uint16)  # 12 bits used of 16
    read = images.read(save(deep, tmp_path / f"deep{suffix}"))
    np.testing.assert_allclose(read, (deep - 100.0) / 4000.0, atol=1e-4)


def test_float_tiff_is_stretched_and_must_be_finite(tmp_path):
    values = np.linspace(-2, 6, 600).reshape(20, 30).astype(np.float32)
    np.testing.assert_allclose(images.read(save(values, tmp_path / "f.tif")), (values + 2) / 8, atol=1e-6)
    values[3, 3] = np.nan
    with pytest.raises(InputError, match="finite values"):
        images.read(save(values, tmp_path / "nan.tif"))


def test_tiny_constant_and_multipage_images(tmp_path):
    with pytest.raises(InputError, match="at least 16 x 16 pixels, found 1 x 1"):
        images.read(save(np.zeros((1, 1), np.uint8), tmp_path / "one.png"))
    with pytest.warns(InputWarning, match="same value"):
        images.read(save(np.full((20, 20), 7, np.uint8), tmp_path / "flat.png"))
    page = Image.fromarray(GREY)
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page])
    with pytest.raises(InputError, match="one image, found 2 pages"):
        images.read(tmp_path / "two.tif")


@pytest.mark.parametrize("name, content, sentence", [
    ("ct.nii.gz", b"", "an image file"), ("broken.png", b"no png", "cannot be read"),
    ("missing.png", None, "no such file"),
])
def test_files_that_are_no_images(tmp_path, name, content, sentence):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        images.read(tmp_path / name)


def test_truncated_png_is_refused(tmp_path):
    path = save(COLOUR, tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(InputError, match="cannot be read"):
        images.read(path)


@pytest.mark.parametrize("high", [1, 128, 255])
def test_masks_are_cut_at_half_of_their_largest_value(tmp_path, high):
    mask = RNG.random((20, 30)) > 0.5
    path = save((mask * high).astype(np.uint8), tmp_path / "m.png")
    np.testing.assert_array_equal(images.read_mask(path, (20, 30)), mask)
    with pytest.raises(InputError, match="its image's size 40 x 20, found 30 x 20"):
        images.read_mask(path, (20, 40))


def test_an_empty_mask_is_empty_and_a_photograph_is_no_mask(tmp_path):
    assert not images.read_mask(save(np.zeros((20, 20), np.uint8), tmp_path / "m.png")).any()
    with pytest.warns(InputWarning, match="cut at half of it"):
        images.read_mask(save(GREY, tmp_path / "photo.png"))


def test_masks_come_back_and_are_never_overwritten_or_lossy(tmp_path):
    mask = RNG.random((20, 30)) > 0.5
    images.write_mask(mask, tmp_path / "m.png")
    np.testing.assert_array_equal(images.read_mask(tmp_path / "m.png"), mask)
    with pytest.raises(InputError, match="--overwrite"):
        images.write_mask(~mask, tmp_path / "m.png")
    with pytest.raises(InputError, match="lossless"):
        images.write_mask(mask, tmp_path / "m.jpg")


def test_centre_square_and_resize():
    wide = np.arange(24).reshape(4, 6)
    np.testing.assert_array_equal(images.centre_square(wide), wide[:, 1:5])
    np.testing.assert_allclose(images.resize(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), (1, 1)), [[0.5]])
    assert images.resize(np.eye(4, dtype=bool), (8, 8)).dtype == bool
