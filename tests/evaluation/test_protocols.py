"""Each paper's rules: hand-worked tiny masks, and equality with slow literal references to 1e-9."""

import math

import numpy as np
import published_reference as reference
import pytest
from scipy import ndimage

from covid3dgan.errors import InputError
from covid3dgan.evaluation import protocols
from covid3dgan.evaluation.thresholds import binarise

# One slice of 4 x 4. Maximum 1.0: the published cut lies at 0.2 and takes pixels strictly above it.
OUTPUT = np.array([[[1.0, 0.5, 0.2, 0.1],
                    [0.3, 0.0, 0.0, 0.0],
                    [0.0, 0.0, 0.0, 0.0],
                    [0.0, 0.0, 0.0, -0.4]]])
TRUE = np.array([[[1, 1, 1, 0],
                  [0, 1, 0, 0],
                  [0, 0, 0, 0],
                  [0, 0, 0, 0]]], float)
LUNG = np.ones((1, 4, 4))


def blobs(rng, shape, level):
    field = ndimage.gaussian_filter(rng.normal(size=shape), (1, 6, 6))
    return field / field.std() > level


@pytest.fixture(scope="module")
def cases():
    """Three cases of 6 slices: fractional masks, empty slices, slices just below and above both filters."""
    rng = np.random.default_rng(7)
    made = []
    for shift in (0.0, 0.8, 1.6):
        lung = np.clip(ndimage.gaussian_filter(blobs(rng, (6, 128, 128), -0.3).astype(float), 1), 0, None)
        mask = ndimage.gaussian_filter((blobs(rng, (6, 128, 128), 1.0 + shift)).astype(float), 1)
        mask[0] = 0
        mask[1] = 0
        mask[1].flat[:163] = 1  # 163 pixels do not pass the filter, 164 do
        mask[2] = 0
        mask[2].flat[:164] = 1
        lung[3] = 0  # infection without any lung: a rate of 1e11 percent, as the published formula has it
        output = (ndimage.gaussian_filter(mask, 2) + rng.normal(0, 0.05, mask.shape)).astype(np.float32)
        output[5] = -np.abs(output[5])  # a slice whose maximum is negative
        made.append((output, mask, lung))
    return made


# published -----------------------------------------------------------------------------------------------------------

def test_published_by_hand():
    scores = protocols.published(OUTPUT, TRUE, LUNG, min_pixels=3)
    summary = scores.summary()
    # Predicted: 1.0, 0.5 and 0.3 (0.2 is not above 0.2): 3 pixels, 2 of them true; 4 true; 12 others, 1 of them taken.
    assert summary["dice"]["mean"] == pytest.approx(100 * 4 / 7)
    assert summary["sensitivity"]["mean"] == pytest.approx(50)
    assert summary["specificity"]["mean"] == pytest.approx(100 * 11 / 12)
    assert scores.rows[0]["infection_percent"] == pytest.approx(25)
    assert summary["dice"]["std"] == 0 and summary["dice"]["n"] == 1


def test_published_absolute_threshold_by_hand():
    scores = protocols.published(OUTPUT, TRUE, LUNG, threshold=0.4, relative=False, min_pixels=3)
    assert scores.values("dice")[0] == pytest.approx(4 / 6)
    assert scores.values("specificity")[0] == pytest.approx(1.0)


def test_published_filters_are_strict_inequalities():
    assert protocols.published(OUTPUT, TRUE, LUNG, min_pixels=4).summary()["dice"]["n"] == 0
    wide = np.ones((1, 20, 20))
    true = np.zeros((1, 20, 20))
    true[0, 0, :4] = 1  # 4 of 400 pixels: one percent is not more than one percent
    assert not protocols.published(true, true, wide, min_pixels=0).rows[0]["counted"]
    true[0, 0, 4] = 1
    assert protocols.published(true, true, wide, min_pixels=0).rows[0]["counted"]


def test_f24_slice_filters_can_be_left_out():
    stack = [np.concatenate([a, a * 0]) for a in (OUTPUT, TRUE, LUNG)]
    filtered = protocols.published(*stack, min_pixels=4)
    every_infected = protocols.published(*stack, min_pixels=4, slice_filters=False)
    assert [row["counted"] for row in filtered.rows] == [False, False]
    assert [row["counted"] for row in every_infected.rows] == [True, False]


def test_f24_the_continuous_dice_stands_beside_the_dice_of_the_masks():
    true = np.zeros((2, 4, 4), bool)
    true[:, :2, :2] = True
    scores = np.where(true, 0.1, 0.0)
    scores[1, 3, 3] = 0.4  # c is 0.1: 2 * 0.4 / (0.1 * 4 + 0.8)
    asked = protocols.published(scores, true, np.ones_like(scores), 0.2, False, min_pixels=3, continuous=scores)
    assert asked.values("continuous_dice") == pytest.approx([1.0, 0.8 / 1.2])
    assert asked.values("dice") == pytest.approx([0.0, 0.0])
    assert asked.summary()["continuous_dice"]["mean"] == pytest.approx(100 * (1 + 0.8 / 1.2) / 2)
    plain = protocols.published(scores, true, np.ones_like(scores), 0.2, False, min_pixels=3)
    assert plain.metrics == asked.metrics[:3] and "continuous_dice" not in plain.rows[0]


def test_f23_threshold_relative_to_each_slice_or_absolute():
    faint = np.concatenate([OUTPUT, OUTPUT / 100])
    assert binarise(faint, 0.2, relative=True)[1].sum() == 3
    assert binarise(faint, 0.2, relative=False)[1].sum() == 0
    assert binarise(np.zeros((1, 4, 4)), 0.2, relative=True).sum() == 0
    np.testing.assert_array_equal(binarise(TRUE, 0.2, True), TRUE > 0.5)
    np.testing.assert_array_equal(binarise(TRUE.astype(np.uint8) * 255, 0.2, True), TRUE > 0.5)


@pytest.mark.parametrize("threshold, relative", [(0.2, True), (0.35, True), (0.1, False)])
def test_published_equals_the_published_formulae(cases, threshold, relative):
    expected = reference.published(cases, threshold, relative)
    summary = protocols.published(*zip(*cases), threshold=threshold, relative=relative).summary()
    for metric, (mean, std) in expected.items():
        assert summary[metric]["mean"] == pytest.approx(mean, abs=1e-9)
        assert summary[metric]["std"] == pytest.approx(std, abs=1e-9)


def test_published_takes_network_tensors_and_counts_all_cases_together(cases):
    stacked = [np.stack(arrays)[..., None] for arrays in zip(*cases)]
    as_list = protocols.published(*zip(*cases)).summary()
    as_array = protocols.published(*stacked).summary()
    assert as_array == as_list
    alone = [protocols.published(*case).summary()["dice"] for case in cases]
    total = sum(entry["n"] for entry in alone)
    assert as_list["dice"]["n"] == total and as_list["dice"]["cases"] == 3
    assert as_list["dice"]["mean"] == pytest.approx(sum(e["mean"] * e["n"] for e in alone) / total)


def test_published_pixel_filter_is_one_percent_of_the_slice():
    true = np.zeros((2, 128, 128))
    true[0].flat[:163] = 1
    true[1].flat[:164] = 1
    counted = [row["counted"] for row in protocols.published(true, true, np.ones_like(true), min_infection=0).rows]
    assert counted == [False, True]


def test_published_reads_fractional_masks_at_their_own_thresholds():
    true = TRUE * 0.5  # not above 0.5: nothing is infected
    assert protocols.published(OUTPUT, true, LUNG, min_pixels=0).rows[0]["true_pixels"] == 0
    thin = LUNG * 0.0006
    assert protocols.published(OUTPUT, TRUE, thin, min_pixels=0).rows[0]["infection_percent"] == pytest.approx(25)
    assert protocols.published(OUTPUT, TRUE, thin / 2, min_pixels=0).rows[0]["infection_percent"] > 1e9


# khali_pixel_max -----------------------------------------------------------------------------------------------------

def test_khali_by_hand_scores_one_right_pixel_as_perfect():
    summary = protocols.khali_pixel_max(OUTPUT, TRUE, LUNG).summary()
    assert summary["dice"]["mean"] == pytest.approx(100, abs=1e-6)
    assert summary["sensitivity"]["mean"] == pytest.approx(100, abs=1e-6)
    assert summary["specificity"]["mean"] == pytest.approx(100, abs=1e-6)
    elsewhere = np.zeros_like(OUTPUT)
    elsewhere[0, 3, 0] = 1
    missed = protocols.khali_pixel_max(elsewhere, TRUE, LUNG).summary()
    assert missed["dice"]["mean"] == 0 and missed["sensitivity"]["mean"] == 0


def test_khali_unbinarised_masks_by_hand():
    # The best pixel has m = 0.5 and is predicted: Dice 2m / (m + 1), sensitivity m / m; an empty pixel is left alone.
    mask = np.zeros((1, 4, 4))
    mask[0, 0, 0] = 0.5
    summary = protocols.khali_pixel_max(OUTPUT, mask, LUNG, mask_threshold=None, lung_threshold=None).summary()
    assert summary["dice"]["mean"] == pytest.approx(100 * 1 / 1.5)
    assert summary["sensitivity"]["mean"] == pytest.approx(100)


@pytest.mark.parametrize("mask_threshold, lung_threshold", [(0.3, 1e-4), (None, None)])
def test_khali_equals_the_code_of_paper_002(cases, mask_threshold, lung_threshold):
    expected = reference.khali(cases[:2], 0.2, mask_threshold, lung_threshold)
    summary = protocols.khali_pixel_max(*zip(*cases[:2]), mask_threshold=mask_threshold,
                                        lung_threshold=lung_threshold).summary()
    for metric, (mean, std) in expected.items():
        assert summary[metric]["mean"] == pytest.approx(mean, abs=1e-9)
        assert summary[metric]["std"] == pytest.approx(std, abs=1e-9)


# per_volume ----------------------------------------------------------------------------------------------------------

def test_per_volume_by_hand():
    predicted, true = np.zeros((2, 4, 4)), np.zeros((2, 4, 4))
    predicted[0, 0, :3] = 1
    true[0, 0, 1:4] = 1
    lung = np.zeros((2, 4, 4))
    lung[0, 0] = 1
    lung[0, 1] = 1
    scores = protocols.per_volume(predicted, true, lung, spacing=(8, 2, 1))
    row = scores.rows[0]
    assert row["dice"] == pytest.approx(4 / 6) and row["iou"] == pytest.approx(2 / 4)
    assert row["sensitivity"] == pytest.approx(2 / 3) and row["precision"] == pytest.approx(2 / 3)
    assert row["specificity"] == pytest.approx(28 / 29) and row["lung_specificity"] == pytest.approx(4 / 5)
    assert row["infection_percent"] == pytest.approx(100 * 3 / 8)
    assert row["hd95_mm"] == pytest.approx(np.percentile([0, 0, 1], 95))
    assert row["true_ml"] == pytest.approx(3 * 16 / 1000) and row["volume_error_ml"] == 0
    assert scores.summary()["dice"]["mean"] == pytest.approx(100 * 4 / 6)
    assert scores.unit_of("hd95_mm") == "mm" and scores.unit_of("dice") == "%"


def test_per_volume_empty_cases():
    empty, full = np.zeros((2, 3, 3)), np.ones((2, 3, 3))
    scores = protocols.per_volume([empty, full, empty], [empty, empty, full], names=["none", "false", "missed"])
    assert [row["empty"] for row in scores.rows] == ["both", "reference", "prediction"]
    assert [row["dice"] for row in scores.rows] == [1, 0, 0]
    summary = scores.summary()
    assert summary["sensitivity"]["n"] == 1 and summary["sensitivity"]["mean"] == 0
    assert summary["precision"]["n"] == 1
    diagonal = math.sqrt(1 + 4 + 4)
    assert [row["hd95_mm"] for row in scores.rows] == pytest.approx([0, diagonal, diagonal])
    assert [row["volume_error_ml"] for row in scores.rows] == pytest.approx([0, 0.018, -0.018])


def test_per_volume_takes_cases_of_different_grids():
    rng = np.random.default_rng(0)
    masks = [rng.random((3, 4, 5)) > 0.5, rng.random((2, 6, 6)) > 0.5]
    scores = protocols.per_volume(masks, masks, spacing=[(8, 1, 1), (5, 2, 2)], names=["a", "b"])
    assert scores.summary()["dice"]["mean"] == 100
    assert scores.rows[1]["true_ml"] == pytest.approx(masks[1].sum() * 20 / 1000)
    with pytest.raises(InputError, match="one triple, or one for each of the 2 cases"):
        protocols.per_volume(masks, masks, spacing=[(8, 1, 1)])


# ssinfnet ------------------------------------------------------------------------------------------------------------

def test_ssinfnet_by_hand():
    images = [np.array([[0.5, 0.4], [0.9, 0.0]]), np.zeros((2, 2)), np.array([[0.7, 0.0], [0.0, 0.0]])]
    masks = [np.array([[1, 1], [0, 0]]), np.zeros((2, 2)), np.zeros((2, 2))]
    scores = protocols.ssinfnet(images, masks)
    summary = scores.summary()
    # First: 0.5 counts as positive, so one hit of two predicted and two true. Second: healthy and clean: no value.
    # Third: healthy with a false positive: F1, IoU and precision are 0, recall has no value.
    assert (summary["f1"]["mean"], summary["f1"]["n"]) == (pytest.approx(0.25), 2)
    assert (summary["iou"]["mean"], summary["iou"]["n"]) == (pytest.approx(1 / 6), 2)
    assert (summary["recall"]["mean"], summary["recall"]["n"]) == (pytest.approx(0.5), 1)
    assert (summary["precision"]["mean"], summary["precision"]["n"]) == (pytest.approx(0.25), 2)
    assert summary["f1"]["error95"] == pytest.approx(1.96 * 0.25 / math.sqrt(2))
    assert (summary["auc"]["mean"], summary["auc"]["n"]) == (pytest.approx(2 / 4), 1)
    assert scores.unit_of("f1") == ""


@pytest.mark.parametrize("threshold", [0.5, 0.154])
def test_ssinfnet_equals_a_literal_reading(threshold):
    rng = np.random.default_rng(5)
    masks = [rng.random((12, 12)) > level for level in rng.choice([0.7, 0.95, 1.0], 15)]
    images = [np.clip(0.5 * m + rng.normal(0, 0.3, m.shape), 0, 1) * (rng.random() > 0.2) for m in masks]
    summary = protocols.ssinfnet(images, masks, threshold).summary()
    for metric, (mean, error, number) in reference.ssinfnet(images, masks, threshold).items():
        assert summary[metric]["mean"] == pytest.approx(mean, abs=1e-9)
        assert summary[metric]["error95"] == pytest.approx(error, abs=1e-9)
        assert summary[metric]["n"] == number


def test_ssinfnet_batches_are_flattened_into_one_sample():
    images = np.array([[[1, 1]], [[0, 0]]], float)
    masks = np.array([[[1, 0]], [[1, 0]]], float)
    assert protocols.ssinfnet(images, masks).values("f1").tolist() == pytest.approx([2 / 3, 0])
    assert protocols.ssinfnet(images, masks, images_per_sample=2).values("f1").tolist() == pytest.approx([2 / 4])


def test_ssinfnet_classes_average_the_classes_means_and_errors():
    predicted, true = np.array([[[0, 1], [2, 2]], [[0, 0], [0, 1]]]), np.array([[[0, 1], [1, 2]], [[0, 0], [0, 0]]])
    result = protocols.ssinfnet_classes(predicted, true)
    assert result["GGO"].values("f1").tolist() == pytest.approx([2 / 3, 0])
    means, errors = zip(*((s.summary()["f1"]["mean"], s.summary()["f1"]["error95"])
                          for s in (result["background"], result["GGO"], result["consolidation"])))
    assert result["overall"]["f1"]["mean"] == pytest.approx(np.mean(means))
    assert result["overall"]["f1"]["error95"] == pytest.approx(np.mean(errors))
    # Consolidation is absent from both masks of the second image: no value there.
    assert result["consolidation"].summary()["f1"]["n"] == 1


# afseg ---------------------------------------------------------------------------------------------------------------

def test_afseg_by_hand():
    images = [np.array([[0.9, 0.6], [0.5, 0.0]]), np.array([[1.0, 1.0], [0.0, 0.0]])]
    masks = [np.array([[1, 0], [1, 0]]), np.array([[1, 1], [0, 0]])]
    summary = protocols.afseg(images, masks).summary()
    assert summary["accuracy"]["mean"] == pytest.approx((2 / 4 + 1) / 2)
    assert summary["precision"]["mean"] == pytest.approx(0.75)
    assert summary["recall"]["mean"] == pytest.approx(0.75)
    assert summary["dice"]["mean"] == pytest.approx(0.75) and summary["dice"]["std"] == pytest.approx(0.25)


# what every protocol refuses, and what it tells ----------------------------------------------------------------------

def test_shapes_and_values_are_checked():
    with pytest.raises(InputError, match=r"lung of a: expected the shape of its prediction \(1, 4, 4\)"):
        protocols.published(OUTPUT, TRUE, LUNG[:, :3], names=["a"])
    with pytest.raises(InputError, match="mask: expected as many cases as prediction"):
        protocols.afseg([OUTPUT, OUTPUT], [TRUE])
    with pytest.raises(InputError, match="prediction of case_001: expected finite numbers, found NaN or Inf"):
        protocols.per_volume(np.where(OUTPUT == 1, np.nan, OUTPUT), TRUE)
    with pytest.raises(InputError, match=r"expected \(slices, rows, columns\)"):
        protocols.afseg(np.zeros(3), np.zeros(3))
    with pytest.raises(InputError, match="name each case once"):
        protocols.afseg([OUTPUT, OUTPUT], [TRUE, TRUE], names=["a", "a"])


def test_intervals_run_over_cases(cases):
    one = protocols.published(*cases[0]).summary()["dice"]["ci95"]
    three = protocols.published(*zip(*cases)).summary()["dice"]
    assert all(math.isnan(v) for v in one)
    assert three["ci95"][0] < three["mean"] < three["ci95"][1]


def test_per_case_means_count_only_counted_slices(cases):
    scores = protocols.published(*zip(*cases), names=["a", "b", "c"])
    table = scores.per_case()
    assert [line["case"] for line in table] == ["a", "b", "c"]
    rows = [row for row in scores.rows if row["case"] == "b" and row["counted"]]
    assert table[1]["counted"] == len(rows) and table[1]["slices"] == 6
    assert table[1]["dice"] == pytest.approx(np.mean([row["dice"] for row in rows]))
