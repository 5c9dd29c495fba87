"""Which images train, validate and test."""

import numpy as np
import pytest

from covid3dgan.data.datasets import image_sets, image_split
from covid3dgan.data.files import images
from covid3dgan.errors import ArgumentError, InputError

SHARES = (0.5, 0.2, 0.3)


@pytest.mark.parametrize("count, expected", [(308, (154, 62, 92)), (1092, (546, 218, 328)), (20, (10, 4, 6))])
def test_split_has_the_papers_counts_and_no_overlap(count, expected):
    parts = image_split.split(count, (0.5, 0.2, 0.3), 1)
    assert tuple(len(part) for part in parts) == expected
    assert sorted(np.concatenate(parts)) == list(range(count))
    assert not np.array_equal(parts[0], image_split.split(count, (0.5, 0.2, 0.3), 2)[0])


def test_bad_splits():
    with pytest.raises(ArgumentError, match="add up to 1"):
        image_split.split(10, (0.5, 0.5, 0.5), 0)
    with pytest.raises(InputError, match="at least one image to train on"):
        image_split.split(1, SHARES, 0)


@pytest.fixture
def drive(tmp_path):
    """DRIVE's tree: seven training and three test images; the test part comes without manual masks."""
    for part, numbers in (("training", range(21, 28)), ("test", range(1, 4))):
        for number in numbers:
            name = f"{number:02d}_{part}"
            images.write(np.full((20, 20), 0.5), tmp_path / part / "images" / f"{name}.tif")
            images.write_mask(np.ones((20, 20), bool), tmp_path / part / "mask" / f"{name}_mask.gif")
            if part == "training":
                images.write_mask(np.eye(20, dtype=bool), tmp_path / part / "1st_manual" / f"{number}_manual1.gif")
    return tmp_path


def names(found, indices):
    return [found.cases[i].name for i in indices]


def test_drives_published_split_is_kept(drive):
    for number in range(1, 4):
        images.write_mask(np.eye(20, dtype=bool), drive / "test" / "1st_manual" / f"{number:02d}_manual1.gif")
    found = image_split.with_truth(image_sets.find(drive))
    training, validation, test = image_split.split_of(found, SHARES, 3)
    assert names(found, test) == ["01_test", "02_test", "03_test"]
    assert len(training) == 5 and len(validation) == 2 and not set(training) & set(validation)
    assert all(name.endswith("_training") for name in names(found, [*training, *validation]))
    everything, nothing, _ = image_split.split_of(found, (0.7, 0.0, 0.3), 3)
    assert len(everything) == 7 and len(nothing) == 0


def test_a_test_part_without_masks_is_left_out_of_the_scores_and_of_training(drive, capsys):
    found = image_sets.find(drive)
    assert len(found.cases) == 10 and len(image_split.training_part(found).cases) == 7
    scored = image_split.with_truth(found)
    assert "3 images under test/ have no 1st_manual" in capsys.readouterr().err
    parts = image_split.split_of(scored, SHARES, 3)
    assert [len(part) for part in parts] == [4, 1, 2] and sum(map(len, parts)) == len(scored.cases) == 7


def test_an_image_without_its_mask_is_named(drive):
    (drive / "training" / "1st_manual" / "23_manual1.gif").unlink()
    with pytest.raises(InputError, match="23_training.tif: expected a true mask for every image.*docs/DATASETS.md"):
        image_split.with_truth(image_split.training_part(image_sets.find(drive)))
