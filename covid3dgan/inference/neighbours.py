"""Scores averaged with those of the slices above and below.

A lesion goes on from slice to slice. The top of the diaphragm, or a vessel of the hilum seen end on, is gone in the
next one, but looks like a lesion to a network that sees one slice alone.
"""

__all__ = ["averaged_across"]

import numpy as np
from scipy import ndimage


def averaged_across(scores, spacing, width):
    """Scores (slices, rows, columns), each slice averaged with its neighbours by a Gaussian.

    Args:
        spacing: millimetres between the slices.
        width: the Gaussian's standard deviation in millimetres; 0 leaves the scores as they are.
    """
    if not width or len(scores) == 1:
        return scores
    return ndimage.gaussian_filter1d(np.asarray(scores, np.float32), width / spacing, axis=0, mode="nearest")
