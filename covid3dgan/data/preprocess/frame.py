"""The network's frame (slices, rows, columns) and its way back to a CT's voxels.

Slices run from caudal to cranial, rows from anterior to posterior, columns from the patient's right to left: the
radiological view. With ``orientation="affine"`` every CT comes into it by its affine. The published rotation (F10)
turns the array by -90 degrees whatever its affine says; files whose voxels run right, posterior, superior (RPS) come
into the same frame by it, others are mirrored.

A step's 4x4 matrix leads from its output indices to its input indices; the product of all of them, from the CT on, is
a prepared case's ``to_voxel``.
"""

__all__ = ["ORIENTATIONS", "centre_step", "crop_step", "resize_step", "view", "zoom_step"]

import numpy as np

from covid3dgan.data.files import geometry

ORIENTATIONS = ("rotate", "affine")


def view(array, affine, orientation):
    """An array (X, Y, Z) seen in the network's frame; no voxel is interpolated or copied.

    Returns:
        The view (slices, rows, columns), and the 4x4 matrix from its indices to voxel indices.
    """
    if orientation == "rotate":
        return array.transpose(2, 1, 0)[:, :, ::-1], _flipped((None, None, array.shape[0]), np.eye(4))
    canonical = geometry.to_canonical(array, affine)
    to_voxel = np.linalg.inv(affine) @ geometry.canonical_affine(affine, array.shape)
    size_x, size_y, _ = canonical.shape
    return geometry.axial(canonical), np.rint(_flipped((None, size_y, size_x), to_voxel))


def _flipped(sizes, to_voxel):
    """From (slice, row, column) to voxel: the three axes reversed in order, those with a size also in direction."""
    step = np.zeros((4, 4))
    step[3, 3] = 1
    for axis, size in enumerate(sizes):
        step[2 - axis, axis] = 1 if size is None else -1
        step[2 - axis, 3] = 0 if size is None else size - 1
    return to_voxel @ step


def centre_step(sizes, new):
    """For axes cut or filled around their centres."""
    return _diagonal([1, 1, 1], [(size - n) / 2 for size, n in zip(sizes, new)])


def zoom_step(sizes, new):
    """For `scipy.ndimage.zoom`: the first and last samples keep their places."""
    return _diagonal([(size - 1) / (n - 1) if n > 1 else 1 for size, n in zip(sizes, new)], [0, 0, 0])


def resize_step(sizes, new):
    """For `resize.resize`: the outer edges of the first and last samples keep their places."""
    factors = [size / n for size, n in zip(sizes, new)]
    return _diagonal(factors, [0.5 * factor - 0.5 for factor in factors])


def crop_step(box):
    """For a crop to ``box``, three slices."""
    return _diagonal([1, 1, 1], [side.start for side in box])


def _diagonal(scale, offset):
    step = np.diag([*scale, 1.0]).astype(np.float64)
    step[:3, 3] = offset
    return step
