"""Overlap counts, surface distances and AUC against hand-worked values and reference libraries."""

import math

import numpy as np
import pytest
from scipy import ndimage, spatial

from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics

PREDICTED = np.array([[1, 1, 0, 0], [0, 1, 0, 0]], bool)
TRUE = np.array([[0, 1, 1, 0], [0, 1, 1, 0]], bool)
NOTHING = np.zeros((2, 4), bool)


def test_counts_and_ratios_by_hand():
    found = metrics.counts(PREDICTED, TRUE)
    assert found == metrics.Counts(tp=2, fp=1, fn=2, tn=3)
    assert found.dice == pytest.approx(4 / 7)
    assert found.iou == pytest.approx(2 / 5)
    assert found.sensitivity == pytest.approx(1 / 2)
    assert found.specificity == pytest.approx(3 / 4)
    assert found.precision == pytest.approx(2 / 3)
    assert found.accuracy == pytest.approx(5 / 8)


def test_counts_within_a_region_leave_the_rest_out():
    left_half = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)
    assert metrics.counts(PREDICTED, TRUE, left_half) == metrics.Counts(tp=2, fp=1, fn=0, tn=1)


def test_counts_refuse_masks_of_two_images():
    with pytest.raises(InputError, match=r"expected the reference's shape \(2, 4\), found \(2, 3\)"):
        metrics.counts(PREDICTED[:, :3], TRUE)


@pytest.mark.parametrize("prediction, reference, empty, dice, iou, sensitivity, precision, specificity", [
    (NOTHING, NOTHING, "both", 1, 1, math.nan, math.nan, 1),
    (PREDICTED, NOTHING, "reference", 0, 0, math.nan, 0, 5 / 8),
    (NOTHING, TRUE, "prediction", 0, 0, 0, math.nan, 1),
])
def test_empty_masks_follow_the_table(prediction, reference, empty, dice, iou, sensitivity, precision, specificity):
    found = metrics.counts(prediction, reference)
    assert found.empty == empty
    values = (found.dice, found.iou, found.sensitivity, found.precision, found.specificity)
    np.testing.assert_allclose(values, (dice, iou, sensitivity, precision, specificity))


def test_specificity_of_a_full_reference_is_undefined():
    assert math.isnan(metrics.counts(PREDICTED, np.ones((2, 4), bool)).specificity)


def test_hd95_of_empty_masks():
    volume, lesion = np.zeros((3, 4, 5), bool), np.zeros((3, 4, 5), bool)
    lesion[1, 1, 1] = True
    diagonal = math.sqrt((2 * 8) ** 2 + (3 * 2) ** 2 + (4 * 1) ** 2)
    assert metrics.hd95(volume, volume, (8, 2, 1)) == 0
    assert metrics.hd95(volume, lesion, (8, 2, 1)) == pytest.approx(diagonal)
    assert metrics.hd95(lesion, volume, (8, 2, 1)) == pytest.approx(diagonal)


def test_hd95_is_in_millimetres_along_each_axis():
    for axis, step in enumerate((8.0, 2.0, 0.5)):
        first, second = np.zeros((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
        first[4, 4, 4] = True
        second[tuple(4 + 3 * (a == axis) for a in range(3))] = True
        assert metrics.hd95(first, second, (8.0, 2.0, 0.5)) == pytest.approx(3 * step)


def test_hd95_takes_the_worse_direction():
    # The prediction covers one of two lesions: every predicted voxel is right, half of the truth is 6 mm away.
    true, predicted = np.zeros((1, 1, 12), bool), np.zeros((1, 1, 12), bool)
    true[0, 0, [2, 8]] = True
    predicted[0, 0, 2] = True
    expected = np.percentile([0.0, 6.0], 95)
    assert metrics.hd95(predicted, true, (1, 1, 1)) == pytest.approx(expected)
    assert metrics.hd95(true, predicted, (1, 1, 1)) == pytest.approx(expected)


def test_hd95_equals_euclidean_distance_transforms():
    rng = np.random.default_rng(8)
    spacing = (3.0, 0.8, 0.8)
    masks = [ndimage.gaussian_filter(rng.normal(size=(16, 40, 40)), 3) > 0.02 for _ in range(2)]
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in masks]
    expected = max(np.percentile(ndimage.distance_transform_edt(~b, sampling=spacing)[a], 95)
                   for a, b in (surfaces, surfaces[::-1]))
    assert metrics.hd95(masks[0], masks[1], spacing) == pytest.approx(expected, abs=1e-9)


def test_hd95_equals_all_pairs_of_surface_voxels():
    rng = np.random.default_rng(3)
    spacing = np.array([2.5, 0.7, 1.3])
    for _ in range(3):
        masks = [ndimage.gaussian_filter(rng.normal(size=(10, 14, 12)), 1.5) > 0.08 for _ in range(2)]
        surfaces = []
        for mask in masks:
            padded = np.pad(mask, 1)
            inner = np.ones_like(mask)
            for axis in range(3):
                for shift in (-1, 1):
                    inner &= np.roll(padded, shift, axis)[1:-1, 1:-1, 1:-1]
            surfaces.append(np.argwhere(mask & ~inner) * spacing)
        distances = spatial.distance.cdist(*surfaces)
        expected = max(np.percentile(distances.min(axis=1), 95), np.percentile(distances.min(axis=0), 95))
        assert metrics.hd95(masks[0], masks[1], spacing) == pytest.approx(expected, abs=1e-9)


def test_volume_in_millilitres():
    assert metrics.volume_ml(np.ones((10, 10, 10), bool), (2, 2, 8)) == pytest.approx(32.0)


def test_area_under_roc_counts_ordered_pairs():
    scores, labels = np.array([0.1, 0.4, 0.4, 0.8, 0.9]), np.array([0, 0, 1, 0, 1], bool)
    # Of the 2 x 3 pairs: 0.4 beats 0.1, ties with 0.4, loses to 0.8; 0.9 beats all three.
    assert metrics.area_under_roc(scores, labels) == pytest.approx((1 + 0.5 + 0 + 3) / 6)
    assert math.isnan(metrics.area_under_roc(scores, np.zeros(5, bool)))
    for numbers in (labels.astype(int), 255 * labels.astype(np.uint8), labels.astype(float), [0, 0, 1, 0, 1]):
        assert metrics.area_under_roc(scores, numbers) == metrics.area_under_roc(scores, labels)


@pytest.mark.parametrize("scores, expected", [
    ([0.5, 0.5, 0.0, 0.0], 1.0),  # one value inside: 2 * 1 / (0.5 * 2 + 1)
    ([0.8, 0.4, 0.2, 0.0], 2 * 1.2 / (0.6 * 2 + 1.4)),  # c = 1.2 / 2
    ([0.8, 0.0, 0.2, 0.0], 2 * 0.8 / (0.8 * 2 + 1.0)),  # c = 0.8 / 1: the zero is not found
    ([0.8, -0.3, 0.2, -1.0], 2 * 0.8 / (0.8 * 2 + 1.0)),  # below zero is zero
    ([0.0, 0.0, 0.7, 0.3], 0.0),  # beside the mask
    ([0.0, 0.0, 0.0, 0.0], 0.0),  # nothing found
])
def test_continuous_dice_by_hand(scores, expected):
    assert metrics.continuous_dice(np.array(scores), np.array([True, True, False, False])) == pytest.approx(expected)


def test_continuous_dice_of_a_mask_is_its_dice_and_empty_is_as_for_dice():
    for prediction, reference in ((PREDICTED, TRUE), (TRUE, TRUE), (PREDICTED, NOTHING), (NOTHING, TRUE),
                                  (NOTHING, NOTHING)):
        expected = metrics.counts(prediction, reference).dice
        assert metrics.continuous_dice(prediction.astype(np.float32), reference) == pytest.approx(expected)
    with pytest.raises(InputError, match="shape"):
        metrics.continuous_dice(np.zeros((2, 3)), TRUE)
