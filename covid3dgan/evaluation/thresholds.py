"""How a map of lesion scores becomes a mask: one cut for all, or one relative to each slice's maximum (F23).

The cut is chosen on validation cases (paper 001, Table 5).
"""

__all__ = ["ThresholdCurve", "best_hu_threshold", "binarise", "threshold_curve"]

import dataclasses

import numpy as np

from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.presets.stages import Threshold

BRIGHTNESS_GRID = tuple(i / 100 for i in range(20, 80))  # -720 to 106 HU in steps of 14


def binarise(scores, value, relative):
    """Boolean mask of the ``scores`` above the cut.

    A slice that is zero everywhere stays empty under either rule; under ``relative`` any other slice gets a lesion
    however small its scores are, which is why the published evaluation looks at infected slices alone.

    Args:
        scores: (slices, rows, columns), or (rows, columns) as one slice.
        value: the cut; under ``relative`` the share of each slice's own maximum.
        relative: True as the notebooks do, False as the text of paper 001 reads.

    Returns:
        Boolean array of the same shape.
    """
    scores = np.asarray(scores)
    if scores.dtype == bool:
        return scores.copy()
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(np.float64)
    if not relative:
        return scores > value
    # The cut is formed in float64 and rounded to the scores' own type, as NumPy 1 did for the published run.
    cuts = scores.max(axis=(-2, -1), keepdims=True).astype(np.float64) * value
    return scores > cuts.astype(scores.dtype)


@dataclasses.dataclass(frozen=True)
class ThresholdCurve:
    """Mean Dice over cases at each threshold of ``grid``, and the first threshold that reaches the best one."""

    grid: tuple
    dice: tuple
    best: float


def threshold_curve(scores, masks, lungs, options):
    """Mean Dice per case over the preset's grid.

    Args:
        scores: (N, D, H, W) float32.
        masks: (N, D, H, W) bool, at least one that is not empty.
        lungs: likewise, what is found outside of them does not count; None: it does.
        options: presets.stages.Threshold.
    """
    infected = [i for i, mask in enumerate(masks) if mask.any()]
    if not infected:
        raise InputError("validation cases", "at least one with an infection", "empty masks alone",
                         "pass cases with infection masks")
    dice = []
    for value in options.grid:
        predicted = binarise(scores, value, options.relative)
        predicted = predicted if lungs is None else predicted & lungs
        dice.append(float(np.mean([metrics.counts(predicted[i], masks[i]).dice for i in infected])))
    return ThresholdCurve(tuple(options.grid), tuple(dice), float(options.grid[int(np.argmax(dice))]))


def best_hu_threshold(volumes, masks, lungs):
    """The best single brightness threshold inside the lungs on these cases: what no learning at all can do.

    Args:
        volumes: (N, D, H, W) prepared lung images, 0 is -1000 HU and 1 is 400 HU.
    """
    return threshold_curve(volumes, masks, lungs, Threshold(relative=False, grid=BRIGHTNESS_GRID))
