"""Every rule of ``verify`` finds what it is for, in the report of the right case, and one bad file hides no other."""

import gzip
import re

import numpy as np
import pytest
from nifti_files import chest, save, save_ct
from PIL import Image

from covid3dgan.data import volumes
from covid3dgan.data.datasets.verify import verify
from covid3dgan.errors import ArgumentError, InputError

SHAPE = (8, 7, 40)  # enough slices
AFFINE = np.diag([0.8, 0.9, 5.0, 1.0])


def block(low, high):
    array = np.zeros(SHAPE, np.uint8)
    array[1:7, 1:6, low:high] = 1
    return array


def save_case(root, name="a", ct=None, infection=None, lungs=None, affine=AFFINE):
    """One healthy case of the plain layout, but for the parts that are given."""
    save_ct(root / "images" / f"{name}.nii.gz", chest(SHAPE) if ct is None else ct, affine)
    save_ct(root / "masks" / f"{name}.nii.gz", block(10, 15) if infection is None else infection, AFFINE)
    save_ct(root / "lungs" / f"{name}.nii.gz", block(5, 30) if lungs is None else lungs, AFFINE)
    return root


def only(report):
    assert len(report.cases) == 1
    return report.cases[0]


def test_a_healthy_set_gives_facts_and_nothing_else(tmp_path):
    report = verify(save_case(tmp_path), strict=True)
    assert (report.name, report.layout, report.root) == (tmp_path.name, "plain", str(tmp_path))
    assert (report.count("errors"), report.count("warnings")) == (0, 0)
    case = only(report)
    array = chest(SHAPE)
    assert case.facts == {
        "shape": SHAPE, "spacing": (0.8, 0.9, 5.0), "slices": 40, "orientation": "RAS", "hu_low": float(array.min()),
        "hu_high": float(array.max()), "lungs_labels": [1], "lungs_voxels": 750, "infection_labels": [1],
        "infection_voxels": 150, "infection_percent_of_lungs": 20.0}
    assert case.files == {role: str(tmp_path / folder / "a.nii.gz") for role, folder in (
        ("image", "images"), ("infection", "masks"), ("lungs", "lungs"))}


def fractional(array):
    return array.astype(np.float32) * 0.5


DOUBTS = {
    "not in HU": ({"ct": (chest(SHAPE) // 8 + 127).astype(np.uint8)}, "expected Hounsfield units, with air near -1000"),
    "few slices": ({"ct": chest((8, 7, 31))}, "expected at least 32 slices, found 31; leave it out"),
    "empty infection": ({"infection": block(0, 0)}, "expected a mask that marks the infection, found an empty one"),
    "empty lungs": ({"lungs": block(0, 0)}, "expected a mask that marks the lungs, found an empty one"),
    "several infections": ({"infection": block(5, 30) + block(10, 15) + block(12, 14)},
                           r"expected a mask of 0 and one other value, found 3 values \(1, 2, 3\); every value"),
    "outside the lungs": ({"infection": block(30, 38) + block(28, 29)},
                          "expected an infection inside the lungs, found 89 % of it outside; check that neither mask"),
}


@pytest.mark.parametrize("parts, text", DOUBTS.values(), ids=DOUBTS)
def test_each_doubt_is_a_warning_and_an_error_when_strict(parts, text, tmp_path):
    save_case(tmp_path, **parts)
    case = only(verify(tmp_path))
    matching = [warning for warning in case.warnings if re.search(text, warning)]
    assert len(matching) == 1
    strict = only(verify(tmp_path, strict=True))
    assert matching[0] in strict.errors
    assert strict.warnings == []


ERRORS = {
    "shape": ({"infection": block(10, 15)[:7]}, r"masks/a.nii.gz: expected the shape of its CT, \(8, 7, 40\), found "
              r"\(7, 7, 40\); bring both to one grid"),
    "affine": ({"affine": AFFINE @ np.array([[-1, 0, 0, 7], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])},
               r"masks/a.nii.gz: expected the grid of its CT, .* mm, LAS, .*, found .* mm, RAS, .*; bring both"),
    "fractional mask": ({"lungs": fractional(block(5, 30))}, "lungs/a.nii.gz: expected a mask with whole labels, 0 for "
                        "background, found values from 0 to 0.5"),
    "negative mask": ({"infection": -block(5, 30).astype(np.int16)}, "masks/a.nii.gz: expected a mask with whole"),
    "constant CT": ({"ct": np.full(SHAPE, -1000, np.int16)}, "images/a.nii.gz: expected a CT, found the same value"),
}


@pytest.mark.parametrize("parts, text", ERRORS.values(), ids=ERRORS)
def test_each_error_is_one_in_the_report_of_its_case(parts, text, tmp_path):
    save_case(tmp_path, **parts)
    save_case(tmp_path, "healthy")
    report = verify(tmp_path)
    bad, good = report.cases
    assert any(re.search(text, error) for error in bad.errors)
    assert (good.errors, good.warnings) == ([], [])
    assert good.facts["infection_percent_of_lungs"] == 20.0


def test_all_that_is_wrong_with_a_case_is_said_at_once(tmp_path):
    save_case(tmp_path, infection=block(10, 15)[:7])
    path = tmp_path / "images" / "a.nii.gz"
    path.write_bytes(path.read_bytes()[:-400])
    save(tmp_path / "lungs" / "a.nii.gz", b"")
    (tmp_path / "lungs" / "a.nii.gz").write_bytes(gzip.compress(b"not NIfTI" * 100))
    case = only(verify(tmp_path))
    assert len(case.errors) == 2
    assert "images/a.nii.gz: expected a whole gzip file, found a truncated one" in case.errors[0]
    assert "lungs/a.nii.gz: expected a NIfTI file" in case.errors[1]
    assert case.facts["infection_voxels"] == 150


def test_a_doubt_keeps_no_fact_back(tmp_path):
    save_case(tmp_path, ct=(chest(SHAPE) // 8 + 127).astype(np.uint8), infection=block(0, 0))
    case = only(verify(tmp_path, strict=True))
    assert len(case.errors) == 2
    assert (case.facts["hu_low"] >= 0, case.facts["lungs_voxels"]) == (True, 750)


def test_what_no_reader_foresaw_is_reported_and_the_rest_done(tmp_path, monkeypatch):
    save_case(tmp_path)
    read = volumes.read
    monkeypatch.setattr(volumes, "read", lambda path, **named: read(path, **named) and [][1])
    case = only(verify(tmp_path))
    assert case.errors == [f"{tmp_path / 'images' / 'a.nii.gz'}: expected a readable file, found one that fails with "
                           "IndexError: list index out of range; report this with the file."]
    assert case.facts["infection_voxels"] == 150


def test_an_empty_infection_mask_is_right_for_the_healthy(tmp_path):
    save_case(tmp_path, infection=block(0, 0))
    (tmp_path / "cases.csv").write_text("id,group\na,healthy\n")
    assert only(verify(tmp_path)).warnings == []
    assert only(verify(tmp_path)).facts["group"] == "healthy"


def test_left_and_right_lung_may_have_labels_of_their_own(tmp_path):
    save_case(tmp_path, lungs=block(5, 30) + block(20, 30))
    case = only(verify(tmp_path, strict=True))
    assert case.errors == []
    assert case.facts["lungs_labels"] == [1, 2]


def test_pairing_problems_belong_to_the_data_set(tmp_path):
    save_case(tmp_path)
    save_ct(tmp_path / "masks" / "z.nii.gz", block(1, 2), AFFINE)
    save_ct(tmp_path / "images" / "b.nii.gz", chest(SHAPE), AFFINE)
    report = verify(tmp_path)
    assert [error.split(": ")[1] for error in report.errors] == [
        "expected an image of the same case, found none with the id 'z'; add the image or remove the mask."]
    assert len(report.warnings) == 2  # b has neither infection nor lungs
    assert report.count("errors") == 1
    assert verify(tmp_path, strict=True).count("errors") == 3


def test_doubled_ids_are_errors(tmp_path):
    save_case(tmp_path)
    save_ct(tmp_path / "images" / "a_ct.nii", chest(SHAPE), AFFINE)
    assert ["expected one image for case 'a'" in e or "expected one file for case 'a'" in e
            for e in verify(tmp_path).errors] == [True]


def test_slices_are_counted_along_the_body_whatever_the_voxel_order(tmp_path):
    path = save_ct(tmp_path / "ct.nii.gz", chest((40, 7, 8)), np.array(
        [[0, 0, 0.8, 0], [0, 0.9, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]]))
    case = only(verify(path, strict=True))
    assert (case.facts["slices"], case.facts["orientation"]) == (40, "SAR")


def test_stored_windows_are_no_doubt_where_the_layout_explains_them(tmp_path):
    values = (chest(SHAPE).astype(np.float32) + 1000) / 1400
    save_ct(tmp_path / "part1" / "image" / "1.nii.gz", values, AFFINE)
    save_ct(tmp_path / "part1" / "label" / "1.nii.gz", block(3, 5), np.eye(4))
    case = only(verify(tmp_path))
    assert case.errors == []
    assert len(case.warnings) == 1 and "as this data set's masks need" in case.warnings[0]
    assert case.facts["hu_low"] == pytest.approx(-1400, abs=2)


def save_picture(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def test_pictures_are_checked_against_their_masks(tmp_path):
    grey = np.arange(400, dtype=np.uint8).reshape(20, 20)
    for name in ("good", "size", "empty", "labels"):
        save_picture(tmp_path / "images" / f"{name}.png", grey)
    save_picture(tmp_path / "masks" / "good.png", (grey > 100).astype(np.uint8) * 255)
    save_picture(tmp_path / "masks" / "size.png", (grey > 100).astype(np.uint8)[:, :18])
    save_picture(tmp_path / "masks" / "empty.png", grey * 0)
    save_picture(tmp_path / "masks" / "labels.png", grey // 50)
    save_picture(tmp_path / "masks" / "torn.png", grey)
    (tmp_path / "images" / "torn.png").write_bytes((tmp_path / "images" / "good.png").read_bytes()[:60])
    cases = {case.id: case for case in verify(tmp_path).cases}
    assert (cases["good"].errors, cases["good"].warnings) == ([], [])
    assert cases["good"].facts == {"shape": (20, 20), "infection_labels": [255],
                                   "infection_pixels": int((grey > 100).sum())}
    assert "expected the size of its image, (20, 20), found (20, 18)" in cases["size"].errors[0]
    assert "found an empty one" in cases["empty"].warnings[0]
    assert "expected a mask of 0 and one other value, found 5 values" in cases["labels"].warnings[0]
    assert "torn.png: expected" in cases["torn"].errors[0]


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a data set .mosmed, .*, found an empty folder"):
        verify(tmp_path)
    with pytest.raises(InputError, match="found nothing at that path"):
        verify(tmp_path / "missing")
    with pytest.raises(ArgumentError):
        verify(tmp_path, "nonsense")
    save_case(tmp_path)
    with pytest.raises(InputError, match="expected a data set .uestc; see docs/DATASETS.md., found another layout"):
        verify(tmp_path, "uestc")


def test_a_real_ct_is_without_doubt(shared_data):
    case = only(verify(shared_data / "chest_ct_64.nii.gz", strict=True))
    assert case.errors == []
    assert (case.facts["slices"], case.facts["orientation"]) == (79, "LPS")
