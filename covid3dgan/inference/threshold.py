"""The threshold that turns lesion scores into a mask, chosen on validation cases (paper 001, Table 5)."""

__all__ = ["ThresholdCurve", "best_hu_threshold", "threshold_curve"]

import dataclasses

import numpy as np

from covid3dgan.errors import InputError
from covid3dgan.presets.stages import Threshold

BRIGHTNESS_GRID = tuple(i / 100 for i in range(20, 80))  # -720 to 106 HU in steps of 14


@dataclasses.dataclass(frozen=True)
class ThresholdCurve:
    """Mean Dice over cases at each threshold of ``grid``, and the first threshold that reaches the best one."""

    grid: tuple
    dice: tuple
    best: float


def threshold_curve(scores, masks, lungs, options):
    """Mean Dice per case inside the lungs over the preset's grid.

    Args:
        scores: (N, D, H, W) float32.
        masks, lungs: (N, D, H, W) bool; at least one mask that is not empty.
        options: presets.stages.Threshold.
    """
    infected = [i for i, mask in enumerate(masks) if mask.any()]
    if not infected:
        raise InputError("validation cases", "at least one with an infection", "empty masks alone",
                         "pass cases with infection masks")
    dice = []
    for value in options.grid:
        cuts = scores.max((2, 3), keepdims=True) * value if options.relative else value
        predicted = (scores > cuts) & lungs
        dice.append(float(np.mean([_dice(predicted[i], masks[i]) for i in infected])))
    return ThresholdCurve(tuple(options.grid), tuple(dice), float(options.grid[int(np.argmax(dice))]))


def best_hu_threshold(volumes, masks, lungs):
    """The best single brightness threshold inside the lungs on these cases: what no learning at all can do.

    Args:
        volumes: (N, D, H, W) prepared lung images, 0 is -1000 HU and 1 is 400 HU.
    """
    return threshold_curve(volumes, masks, lungs, Threshold(relative=False, grid=BRIGHTNESS_GRID))


def _dice(predicted, true):
    return 2.0 * np.count_nonzero(predicted & true) / max(1, np.count_nonzero(predicted) + np.count_nonzero(true))
