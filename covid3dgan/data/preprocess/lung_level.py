"""Lungs brought to one level: how deeply a patient breathed in, and which way they lay, changes every voxel's HU.

A lung that holds less air is denser all over, and in a lying patient it is denser towards the back. Both are as large
as faint ground glass, so a network that has seen few patients takes a dense lung for a diseased one. What is healthy
in a lung lies at its lower values, so a line from front to back through their lower quartile follows both, and is not
moved by lesions unless they fill three quarters of the lung. That line becomes one value everywhere.
"""

__all__ = ["levelled", "lung_line"]

import numpy as np
from scipy import optimize

QUARTILE = 0.25
# HU from front to back (lying patients' lungs have about 30 to 250), and HU that no healthy lung's lower quartile is
# above: what is steeper or denser stays, it is disease.
LIMITS = (400.0, -550.0)
MOST_VOXELS = 100_000  # enough for the quartile; every voxel would take seconds


def levelled(hu, lungs, level, limits=LIMITS):
    """A CT whose lungs' lower quartile is ``level`` HU from front to back; as it was relative to that line.

    Args:
        hu: (slices, rows, columns), rows from front to back.
        lungs: bool, the same shape, with some lung in it.
        level: HU.
        limits: the steepest slope and the densest quartile that are levelled.

    Returns:
        (slices, rows, columns) float32, also outside of the lungs.
    """
    return hu + (level - lung_line(hu, lungs, limits)).astype(np.float32)[:, None]


def lung_line(hu, lungs, limits=LIMITS):
    """HU (rows,): the straight line through the lower quartile of the lungs' values within ``limits``.

    It is the line that quantile regression finds (Koenker and Bassett 1978): for each slope the intercept is the
    quartile of what is left, and the mean tilted error is convex in the slope.
    """
    voxels = np.flatnonzero(lungs)
    voxels = voxels[::-(-len(voxels) // MOST_VOXELS)]
    values = hu.reshape(-1)[voxels].astype(np.float64)
    rows = voxels // hu.shape[2] % hu.shape[1]
    first, last = rows.min(), rows.max()
    place = (rows - first) / max(last - first, 1) - 0.5

    def rest(slope):
        left = values - slope * place
        intercept = np.quantile(left, QUARTILE)
        return left - intercept, intercept

    def tilted_error(slope):
        left, _ = rest(slope)
        return np.mean(np.maximum(QUARTILE * left, (QUARTILE - 1) * left))

    steepest, densest = limits
    slope = 0.0
    if last > first:
        slope = optimize.minimize_scalar(tilted_error, bounds=(-steepest, steepest), method="bounded",
                                         options={"xatol": 0.1}).x
    places = np.clip((np.arange(hu.shape[1]) - first) / max(last - first, 1), 0.0, 1.0) - 0.5
    return np.minimum(rest(slope)[1] + slope * places, densest)
