"""The threshold that validation cases choose."""

import numpy as np
import pytest

from covid3dgan.errors import InputError
from covid3dgan.evaluation.thresholds import best_hu_threshold, threshold_curve
from covid3dgan.presets.stages import Threshold

LUNGS = np.ones((2, 1, 2, 4), bool)
SCORES = np.float32([[[[0.9, 0.8, 0.5, 0.1], [0, 0, 0, 0]]], [[[0.4, 0.3, 0.1, 0], [0, 0, 0, 0]]]])
MASKS = SCORES >= np.float32([0.8, 0.3])[:, None, None, None]


def test_the_curve_by_hand_under_both_rules():
    absolute = threshold_curve(SCORES, MASKS, LUNGS, Threshold(relative=False, grid=(0.2, 0.6)))
    # 0.2 finds 3 and 2 pixels of 2 and 2; 0.6 finds 2 and none.
    assert absolute.dice == pytest.approx([(2 * 2 / 5 + 1) / 2, (1 + 0) / 2])
    assert absolute.best == 0.2
    relative = threshold_curve(SCORES, MASKS, LUNGS, Threshold(relative=True, grid=(0.2, 0.6)))
    # Shares of 0.9 and 0.4: 0.18 and 0.08, then 0.54 and 0.24.
    assert relative.dice == pytest.approx([(2 * 2 / 5 + 2 * 2 / 5) / 2, 1.0])
    assert relative.best == 0.6


def test_only_infected_cases_count_and_only_inside_the_lungs():
    masks = MASKS & np.array([True, False])[:, None, None, None]
    options = Threshold(relative=False, grid=(0.2,))
    assert threshold_curve(SCORES, masks, LUNGS, options).dice == pytest.approx([2 * 2 / 5])
    lungs = LUNGS & (np.arange(4) < 2)
    assert threshold_curve(SCORES, masks, lungs, options).dice == pytest.approx([1.0])
    assert threshold_curve(SCORES, masks, None, options).dice == pytest.approx([2 * 2 / 5])
    with pytest.raises(InputError, match="at least one with an infection"):
        threshold_curve(SCORES, np.zeros_like(MASKS), LUNGS, options)


def test_the_best_brightness_separates_what_one_brightness_can():
    volumes = np.where(MASKS, np.float32(0.55), np.float32(0.35))
    found = best_hu_threshold(volumes, MASKS, LUNGS)
    assert found.best == 0.35 and max(found.dice) == 1.0
