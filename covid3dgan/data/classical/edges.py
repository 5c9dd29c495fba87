"""Edges of masks by Canny's detector, on which Inf-Net's edge branch is trained."""

__all__ = ["canny"]

import numpy as np
from scipy import ndimage

LOW, HIGH = 0.1, 0.2  # of the gradient's length, for masks of 0 and 1


def canny(mask, sigma=1.0):
    """Thin edges of a mask, as scikit-image's ``feature.canny`` draws them by default.

    Args:
        mask: (H, W), 0 and 1.

    Returns:
        (H, W) bool; never on the outermost pixels.
    """
    mask = np.asarray(mask, np.float64)
    # What the Gaussian would take from beyond the border is divided out again.
    inside = ndimage.gaussian_filter(np.ones_like(mask), sigma, mode="constant") + np.finfo(float).eps
    smooth = ndimage.gaussian_filter(mask, sigma, mode="constant") / inside
    down, right = ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1)
    length = np.hypot(down, right)
    crest = _is_crest(down, right, length) & (length >= LOW)
    crest[[0, -1]] = crest[:, [0, -1]] = False
    parts, count = ndimage.label(crest, np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[np.unique(parts[crest & (length >= HIGH)])] = True
    return strong[parts] & crest


def _is_crest(down, right, length):
    """Whether no neighbour along the gradient is steeper, its value interpolated between two pixels."""
    steep, flat = np.maximum(abs(down), abs(right)), np.minimum(abs(down), abs(right))
    weight = np.divide(flat, steep, out=np.zeros_like(flat), where=steep > 0)
    rows, columns = np.indices(length.shape)
    vertical = abs(down) > abs(right)

    def neighbour(sign):
        i, j = sign * np.sign(down).astype(int), sign * np.sign(right).astype(int)
        straight = _at(length, rows + np.where(vertical, i, 0), columns + np.where(vertical, 0, j))
        return weight * _at(length, rows + i, columns + j) + (1 - weight) * straight

    return (neighbour(1) <= length) & (neighbour(-1) <= length)


def _at(array, rows, columns):
    """Values at pixel positions, held at the border."""
    return array[np.clip(rows, 0, array.shape[0] - 1), np.clip(columns, 0, array.shape[1] - 1)]
