"""Pairing predictions with references by case, and reading a pair on one grid with slices first."""

import itertools

import nibabel as nib
import numpy as np
import pytest

from covid3dgan.data import volumes
from covid3dgan.data.files import images
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.evaluation.pairs import find_pairs, read_pair

AFFINE = np.diag([2.0, 3.0, 5.0, 1.0])


def write(path, array, affine=AFFINE):
    volumes.write(volumes.Volume(np.asarray(array), affine), path)
    return path


@pytest.fixture
def mask():
    array = np.zeros((6, 5, 4), np.uint8)
    array[1, 2, 3] = 1
    return array


def test_folders_pair_by_case_id(tmp_path, mask):
    for name in ("pred/study_2_mask.nii.gz", "pred/study_10.nii", "ref/study_2.nii.gz", "ref/study_10_infection.nii.gz",
                 "lungs/study_2_lungs.nii.gz"):
        write(tmp_path / name, mask)
    pairs, problems = find_pairs(tmp_path / "pred", tmp_path / "ref", tmp_path / "lungs")
    assert problems == []
    assert [(p.case, p.prediction.name, p.reference.name) for p in pairs] == [
        ("study_2", "study_2_mask.nii.gz", "study_2.nii.gz"), ("study_10", "study_10.nii", "study_10_infection.nii.gz")]
    assert pairs[0].lungs.name == "study_2_lungs.nii.gz" and pairs[1].lungs is None


def test_a_missing_prediction_is_a_problem_and_a_missing_reference_a_warning(tmp_path, mask):
    for name in ("pred/a.nii.gz", "pred/x.nii.gz", "ref/a.nii.gz", "ref/b.nii.gz"):
        write(tmp_path / name, mask)
    with pytest.warns(InputWarning, match=r"x.nii.gz: expected a reference for case 'x'"):
        pairs, problems = find_pairs(tmp_path / "pred", tmp_path / "ref")
    assert [pair.case for pair in pairs] == ["a"]
    assert len(problems) == 1 and "b.nii.gz: expected a prediction for case 'b'" in problems[0]


def test_what_predict_writes_beside_its_masks_is_no_prediction(tmp_path, mask, recwarn):
    for name in ("pred/a.nii.gz", "pred/a_scores.nii.gz", "pred/a_uncertainty.nii.gz", "ref/a.nii.gz"):
        write(tmp_path / name, mask)
    for name in ("a_overlay.png", "a_probability.png"):
        images.write(np.zeros((4, 4)), tmp_path / "pred" / name)
    pairs, problems = find_pairs(tmp_path / "pred", tmp_path / "ref")
    assert [pair.case for pair in pairs] == ["a"] and problems == [] and not recwarn.list
    write(tmp_path / "pred" / "b_scores.nii.gz", mask)  # without a mask b it may be a case of that name
    with pytest.warns(InputWarning, match="expected a reference for case 'b_scores'"):
        find_pairs(tmp_path / "pred", tmp_path / "ref")


def test_two_files_of_one_case_are_a_problem(tmp_path, mask):
    for name in ("pred/a.nii.gz", "pred/a_mask.nii.gz", "ref/a.nii.gz"):
        write(tmp_path / name, mask)
    _, problems = find_pairs(tmp_path / "pred", tmp_path / "ref")
    assert len(problems) == 1 and "one file for case 'a'" in problems[0]


def test_a_data_set_brings_its_lungs_and_cts(tmp_path, mask):
    for folder in ("images", "masks", "lungs"):
        write(tmp_path / "data" / folder / "a.nii.gz", mask)
    write(tmp_path / "pred" / "a.nii.gz", mask)
    (pair,), _ = find_pairs(tmp_path / "pred", tmp_path / "data")
    assert [p.parent.name for p in (pair.reference, pair.lungs, pair.image)] == ["masks", "lungs", "images"]


def test_a_data_set_whose_masks_carry_a_wrong_affine_is_taken_on_its_cts_grid(tmp_path, mask):
    write(tmp_path / "data" / "part1" / "image" / "1.nii.gz", mask * 900.0 - 1000)
    write(tmp_path / "data" / "part1" / "label" / "1.nii.gz", mask, np.diag([-1.0, -1.0, 1.0, 1.0]))
    write(tmp_path / "pred" / "part1_1.nii.gz", mask)
    (pair,), _ = find_pairs(tmp_path / "pred", tmp_path / "data")
    read = read_pair(pair)
    assert pair.case == "part1_1" and read.spacing == pytest.approx((5.0, 3.0, 2.0))
    np.testing.assert_array_equal(read.prediction > 0, read.reference)


def test_two_files_make_a_pair_whatever_they_are_called(tmp_path, mask):
    first, second = write(tmp_path / "out.nii.gz", mask), write(tmp_path / "study_7_mask.nii.gz", mask)
    (pair,), problems = find_pairs(first, second, lungs=second)
    assert (pair.case, pair.prediction, pair.lungs, problems) == ("study_7", first, second, [])


@pytest.mark.parametrize("prediction, reference, sentence", [
    ("nowhere", "ref", "nowhere: expected the file or folder of the prediction, found nothing at that path"),
    ("pred/a.nii.gz", "ref", "expected two files or two folders"),
    ("empty", "ref", "empty: expected a folder of predictions .*, found no such file; name the folder"),
    ("data", "ref", "data: expected a folder of predictions .*, found a data set; name the predictions first"),
    ("pred", "empty", "expected masks .* or a data set with infection masks, found neither"),
    ("pred", "other", r"expected a file for one of the cases of .*other \(z\), found a;"),
])
def test_what_cannot_be_paired_is_said(tmp_path, mask, monkeypatch, prediction, reference, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("pred/a.nii.gz", "ref/a.nii.gz", "other/z.nii.gz", "data/images/a.nii.gz", "data/masks/a.nii.gz"):
        write(tmp_path / name, mask)
    with pytest.raises(InputError, match=sentence):
        if reference == "other":
            with pytest.warns(InputWarning):
                find_pairs(prediction, reference)
        else:
            find_pairs(prediction, reference)


def test_slices_come_first_from_the_feet_with_the_front_on_top_and_right_on_the_left(tmp_path):
    # In every voxel orientation, one voxel marks the patient's upper (S), front (A), right (R) corner region.
    world = np.zeros((3, 4, 5), np.uint8)  # R, A, S
    world[2, 3, 4] = 1  # rightmost, most anterior, highest
    expected = np.zeros((5, 4, 3), bool)
    expected[4, 0, 0] = True
    for number, (order, flips) in enumerate(itertools.product(itertools.permutations(range(3)),
                                                              itertools.product((1, -1), repeat=3))):
        ornt = np.array(list(zip(order, flips)))
        image = nib.Nifti1Image(world, AFFINE).as_reoriented(ornt)
        path = tmp_path / f"{number}.nii.gz"
        nib.save(image, path)
        (pair,), _ = find_pairs(path, path)
        read = read_pair(pair)
        np.testing.assert_array_equal(read.reference, expected)
        np.testing.assert_array_equal(read.prediction > 0, expected)
        assert read.spacing == pytest.approx((5.0, 3.0, 2.0))


@pytest.mark.parametrize("affine, shape, found", [
    (AFFINE, (6, 5, 3), "6 x 5 x 3 voxels"), (np.diag([2.0, 3.0, 4.0, 1.0]), (6, 5, 4), "of 2 x 3 x 4 mm"),
    (np.diag([-2.0, 3.0, 5.0, 1.0]), (6, 5, 4), "LAS"),
    (AFFINE + np.eye(4)[3] * np.array([[0], [0], [9.0], [0]]), (6, 5, 4), r"first voxel at \(0, 0, 9\) mm")])
def test_another_grid_is_an_error_that_names_both_files(tmp_path, mask, affine, shape, found):
    prediction = write(tmp_path / "p.nii.gz", np.zeros(shape, np.uint8), affine)
    reference = write(tmp_path / "r.nii.gz", mask)
    (pair,), _ = find_pairs(prediction, reference)
    with pytest.raises(InputError, match=f"p.nii.gz: expected the grid of .*r.nii.gz.*found .*{found}"):
        read_pair(pair)


def test_maps_of_scores_keep_their_values(tmp_path, mask):
    scores = np.linspace(-0.5, 1.5, mask.size).reshape(mask.shape).astype(np.float32)
    (pair,), _ = find_pairs(write(tmp_path / "p.nii.gz", scores), write(tmp_path / "r.nii.gz", mask))
    np.testing.assert_allclose(np.sort(read_pair(pair).prediction.ravel()), np.sort(scores.ravel()), atol=1e-6)


def test_a_ct_is_no_prediction(tmp_path, mask):
    ct = np.where(mask > 0, -1000.0, 40.0).astype(np.float32)
    (pair,), _ = find_pairs(write(tmp_path / "p.nii.gz", ct), write(tmp_path / "r.nii.gz", mask))
    with pytest.raises(InputError, match="p.nii.gz: expected a mask or a map of scores, found values from -1000 to 40"):
        read_pair(pair)


def test_pictures_are_read_as_masks_or_scores(tmp_path):
    truth = np.zeros((20, 30), bool)
    truth[5:10, 5:20] = True
    images.write_mask(truth, tmp_path / "ref" / "a.png")
    images.write(truth * 1 / 255, tmp_path / "mask" / "a.png")  # a mask of 0 and 1, nearly black to the eye
    images.write(np.where(truth, 0.7, np.linspace(0, 0.4, 30)), tmp_path / "scores" / "a.png")
    images.write(np.zeros((20, 30)), tmp_path / "empty" / "a.png")
    read = {name: read_pair(find_pairs(tmp_path / name, tmp_path / "ref")[0][0])
            for name in ("mask", "scores", "empty")}
    np.testing.assert_array_equal(read["mask"].prediction[0] > 0.5, truth)
    assert read["scores"].prediction.max() == pytest.approx(0.7, abs=0.003)
    assert read["empty"].prediction.max() == 0 and read["mask"].spacing is None


def test_pictures_of_two_sizes_are_an_error_that_names_both(tmp_path):
    images.write_mask(np.eye(20, dtype=bool), tmp_path / "p.png")
    images.write_mask(np.eye(24, dtype=bool), tmp_path / "r.png")
    (pair,), _ = find_pairs(tmp_path / "p.png", tmp_path / "r.png")
    with pytest.raises(InputError, match="p.png: expected the size of .*r.png, 24 x 24 pixels, found 20 x 20 pixels"):
        read_pair(pair)


def test_a_damaged_prediction_is_refused(tmp_path, mask):
    scores = mask.astype(np.float32)
    scores[0, 0, 0] = np.nan
    (pair,), _ = find_pairs(write(tmp_path / "p.nii.gz", scores), write(tmp_path / "r.nii.gz", mask))
    with pytest.raises(InputError, match="p.nii.gz: expected finite values, found NaN or Inf"):
        read_pair(pair)
