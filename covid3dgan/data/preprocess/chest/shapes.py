"""Masks grown, shrunk and closed by millimetres, and a scan on a coarser grid and back."""

__all__ = ["block_mean", "closed", "coarsened", "dilated", "enlarged", "eroded"]

import numpy as np
from scipy import ndimage

SLICES = 16         # at once, so that what they need stays in the processor's cache
LARGEST_BALL = 200  # voxels; beyond, a distance transform is faster than the ball itself


def block_mean(array, factors, limits=(-np.inf, np.inf)):
    """Means of (X, Y, Z) values, clipped to ``limits``, over blocks of ``factors`` voxels: float32.

    The last block of an axis repeats its last voxel. Some slices at a time, in the array's own layout in memory.
    """
    parts = []
    for start in range(0, array.shape[2], SLICES):
        part = array[:, :, start:start + SLICES]
        if np.isfinite(limits).all():
            part = np.clip(part, *limits)
        parts.append(_axis_mean(_axis_mean(part, 0, factors[0]), 1, factors[1]))
    return _axis_mean(np.concatenate(parts, axis=2), 2, factors[2])


def _axis_mean(array, axis, factor):
    """Means of ``factor`` neighbours along an axis; the last of them repeat its last voxel."""
    if factor == 1:
        return array
    moved = np.moveaxis(array, axis, 0)
    total = moved[::factor].astype(np.float32)
    for place in range(1, factor):
        others = moved[place::factor]
        total[:len(others)] += others
        total[len(others):] += moved[-1]
    total /= factor
    return np.moveaxis(total, 0, axis)


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
