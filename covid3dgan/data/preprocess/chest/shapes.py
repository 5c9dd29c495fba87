"""Masks grown, shrunk and closed by millimetres, and a scan on a coarser grid and back."""

__all__ = ["block_mean", "closed", "coarsened", "dilated", "enlarged", "eroded"]

import numpy as np
from scipy import ndimage

LARGEST_BALL = 200  # voxels; beyond, a distance transform is faster than the ball itself


def block_mean(array, factors):
    """Means over blocks of ``factors`` voxels; the last block of an axis repeats its last voxel."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            missing = -array.shape[axis] % factor
            if missing:
                array = np.pad(array, [(0, missing if k == axis else 0) for k in range(array.ndim)], mode="edge")
            array = array.reshape(array.shape[:axis] + (-1, factor) + array.shape[axis + 1:]).mean(
                axis=axis + 1, dtype=np.float32)
    return array


def coarsened(mask, factors):
    """``mask`` over blocks: True where at least half of a block is."""
    return block_mean(mask.astype(np.float32), factors) >= 0.5


def enlarged(mask, factors, shape):
    """Each voxel as a block of ``factors`` voxels, cut to ``shape``."""
    for axis, factor in enumerate(factors):
        if factor > 1:
            mask = np.repeat(mask, factor, axis=axis)
    return mask[tuple(slice(0, n) for n in shape)]


def dilated(mask, radius, step):
    """``mask`` grown by ``radius`` mm."""
    ball = _ball(radius, step)
    if ball.sum() <= LARGEST_BALL:
        return ndimage.binary_dilation(mask, ball)
    return ndimage.distance_transform_edt(~mask, sampling=step) <= radius if mask.any() else mask.copy()


def eroded(mask, radius, step):
    """``mask`` shrunk by ``radius`` mm; beyond the array's edge the mask is taken to go on."""
    ball = _ball(radius, step)
    if ball.sum() <= LARGEST_BALL:
        return ndimage.binary_erosion(mask, ball, border_value=1)
    return ndimage.distance_transform_edt(mask, sampling=step) > radius if not mask.all() else mask.copy()


def closed(mask, radius, step):
    """``mask`` grown and shrunk again; it must lie ``radius`` away from the array's edges."""
    return eroded(dilated(mask, radius, step), radius, step)


def _ball(radius, step):
    """The voxels within ``radius`` mm of a voxel."""
    reach = [int(radius / size + 1e-9) for size in step]
    distances = [(np.arange(-n, n + 1) * size) ** 2 for n, size in zip(reach, step)]
    return sum(np.meshgrid(*distances, indexing="ij")) <= radius**2 * (1 + 1e-9)
