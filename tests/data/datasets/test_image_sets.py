"""Folder layouts of image data sets, loading and splitting."""

import numpy as np
import pytest

from covid3dgan.data.datasets import image_sets
from covid3dgan.data.files import images
from covid3dgan.errors import InputError
from covid3dgan.presets.afseg import Images

OPTIONS = Images(size=32)


def put(folder, *names, shape=(40, 48), value=0.5):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full(shape, value)
        picture[10:20, 10:20] = 0.1
        if path.suffix == ".gif" or "mask" in name or "HO" in name:
            images.write(picture > 0.3, path)
        else:
            images.write(picture, path)


@pytest.mark.parametrize("files, layout, names", [
    (["images/b.png", "images/a.tif", "masks/a.png", "masks/b.png"], "plain", ["a", "b"]),
    (["x.png", "x_mask.png", "y.jpg", "y_mask.png"], "rbc", ["x", "y"]),
    (["Image_01L.jpg", "Image_01L_1stHO.png", "Image_01L_2ndHO.png"], "chase", ["Image_01L"]),
    (["training/images/21_training.tif", "training/1st_manual/21_manual1.gif", "training/mask/21_training_mask.gif",
      "test/images/01_test.tif", "test/1st_manual/01_manual1.gif", "test/mask/01_test_mask.gif"], "drive",
     ["01_test", "21_training"]),
    (["a.png", "b.png"], "images", ["a", "b"]),
])
def test_layouts(tmp_path, files, layout, names):
    put(tmp_path, *files)
    found = image_sets.find(tmp_path)
    assert found.layout == layout and [case.name for case in found.cases] == names
    assert all((case.mask is None) == (layout == "images") for case in found.cases)
    assert all((case.field is not None) == (layout == "drive") for case in found.cases)
    loaded = image_sets.load(found, OPTIONS)
    assert loaded.images.shape == loaded.fields.shape == (len(names), 32, 32)
    assert (loaded.masks is None) == (layout == "images")


def test_images_are_cut_square_and_masks_follow(tmp_path):
    put(tmp_path, "x.png", "x_mask.png", shape=(40, 60))
    loaded = image_sets.load(image_sets.find(tmp_path), Images(size=40))
    # Ten columns are cut on each side, so the square of columns 10 to 20 starts at column 0.
    assert (loaded.images[0, 10:20, :10] < 0.2).all() and (loaded.images[0, 10:20, 11:] > 0.4).all()
    np.testing.assert_array_equal(loaded.masks[0], loaded.images[0] > 0.3)


def test_a_retinas_surround_is_replaced_by_its_nearest_retina(tmp_path):
    rows, columns = np.mgrid[:64, :64] - 32.0
    disc = rows**2 + columns**2 < 28**2
    images.write(np.where(disc, 0.5, 0.0), tmp_path / "Image_01L.jpg")
    images.write_mask(disc & (columns == 0), tmp_path / "Image_01L_1stHO.png")
    loaded = image_sets.load(image_sets.find(tmp_path), Images(size=64, channel="green"))
    assert loaded.images[0].min() > 0.2
    assert loaded.fields[0, 32, 32] and not loaded.fields[0, 0, 0]


def test_one_missing_mask_leaves_the_set_without_truth(tmp_path):
    put(tmp_path, "images/a.png", "images/b.png", "masks/a.png")
    assert image_sets.load(image_sets.find(tmp_path), OPTIONS).masks is None


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        image_sets.find(tmp_path / "nowhere")
    with pytest.raises(InputError, match="see docs/DATASETS.md"):
        image_sets.find(tmp_path)
    put(tmp_path, "one/a.png", "one/a_mask.png")
    assert image_sets.find(tmp_path).layout == "rbc", "the folder that an archive unpacked into"
    put(tmp_path, "two/images/a.png", "two/masks/a.png")
    with pytest.raises(InputError, match="expected one set of images, found 2: one, two"):
        image_sets.find(tmp_path)
