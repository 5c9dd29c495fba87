"""Which pieces of a mask are lesions: a low threshold outlines them, one of two witnesses says that they are there.

A lesion's rim scores low, and so do the soft edges of vessels and of the diaphragm. What tells them apart: in a lesion
the network is sure of some voxels, or much of it is ground glass that is wider than any vessel's blurred edge.
"""

__all__ = ["found", "ground_glass", "pieces", "without_doubtful"]

import numpy as np
from scipy import ndimage

from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

WINDOW = (-700.0, -200.0)   # HU of ground glass, and of the edges of all that is denser
RADII = (4.0, 3.0, 3.0)     # mm across slices, rows and columns of what has to fit into it
LEAST_GLASS = 1 / 3         # of a piece's voxels


def without_doubtful(scores, threshold, sure, glass):
    """Scores (slices, rows, columns) whose connected pieces above ``threshold`` are real finds.

    Args:
        threshold: what outlines a lesion.
        sure: what one of its voxels has to exceed where it is no ground glass.
        glass: what :func:`ground_glass` says of the image.

    Returns:
        The same shape; the pieces that are dropped are lowered to ``threshold``, all else is as it was.
    """
    labels, *measured = pieces(scores, threshold, glass)
    dropped = np.concatenate([[False], ~found(*measured, sure)])[labels]
    return np.where(dropped, np.asarray(threshold, scores.dtype), scores)


def pieces(scores, threshold, glass):
    """The connected pieces above a threshold: (number of each voxel's piece from 1, highest score of each piece, its
    voxels, its voxels of ``glass``)."""
    labels, count = ndimage.label(scores > threshold, ndimage.generate_binary_structure(3, 3))
    inside = labels > 0  # few voxels as a rule, and sorting the whole volume takes several times as long
    highest = (np.asarray(ndimage.maximum(scores[inside], labels[inside], np.arange(1, count + 1))) if count
               else np.zeros(0))
    sizes, held = (np.bincount(labels[part], minlength=count + 1)[1:] for part in (inside, inside & glass))
    return labels, highest, sizes, held


def found(highest, sizes, glass, sure):
    """Which pieces stay, bool, of what :func:`pieces` says of them."""
    return (highest > sure) | (glass >= LEAST_GLASS * sizes)


def ground_glass(image, spacing):
    """Bool (slices, rows, columns): what lies in ``WINDOW`` and is wide enough for ``RADII``; of one slice, in it.

    Args:
        image: the lungs (slices, rows, columns) in [0, 1], as the network sees them.
        spacing: mm along each axis.
    """
    hu = np.asarray(image, np.float32) * HU_SPAN + HU_RANGE[0]
    reach = [max(1, round(radius / step)) for radius, step in zip(RADII, spacing)]
    if len(image) == 1:
        reach[0] = 0
    grid = np.ogrid[tuple(slice(-side, side + 1) for side in reach)]
    octahedron = sum(np.abs(axis) / max(side, 1) for axis, side in zip(grid, reach)) <= 1 + 1e-6
    return ndimage.binary_opening((hu > WINDOW[0]) & (hu < WINDOW[1]), octahedron)
