"""Orientation from the affine alone: spacing, axis codes, canonical (RAS+) voxel order and its exact inverse."""

__all__ = ["canonical_affine", "describe_grid", "from_canonical", "is_orthogonal", "is_usable", "orientation",
           "orientation_name", "same_grid", "spacing", "to_canonical"]

import nibabel as nib
import numpy as np

# A kilometre in mm: no voxel of a patient lies farther from the scanner's origin.
FARTHEST = 1e6


def spacing(affine):
    """Voxel sizes in mm: the lengths of the affine's three columns."""
    return tuple(float(s) for s in np.sqrt((np.asarray(affine, np.float64)[:3, :3] ** 2).sum(axis=0)))


def orientation(affine):
    """For each voxel axis, the world axis that it follows most closely and its sign.

    Returns:
        int array (3, 2): row i is (world axis 0, 1 or 2 = R, A or S; +1 or -1).
    """
    return nib.orientations.io_orientation(np.asarray(affine, np.float64)).astype(int)


def orientation_name(affine):
    """Three letters such as 'RAS' or 'LPS': where each voxel axis points to."""
    return "".join(nib.orientations.ornt2axcodes(orientation(affine)))


def describe_grid(shape, affine):
    """A grid in words, for messages: voxels, their size, where their axes point to, where the first one lies."""
    size = " x ".join(str(n) for n in shape)
    step = " x ".join(f"{s:.3g}" for s in spacing(affine))
    corner = ", ".join(f"{c:.4g}" for c in np.asarray(affine)[:3, 3])
    return f"{size} voxels of {step} mm, {orientation_name(affine)}, first voxel at ({corner}) mm"


def is_usable(affine):
    """Whether ``affine`` is an invertible 4x4 matrix of millimetres that a scanner could have written."""
    affine = np.asarray(affine, np.float64)
    return bool(affine.shape == (4, 4) and np.isfinite(affine).all() and np.abs(affine).max() < FARTHEST
                and abs(np.linalg.det(affine)) > 1e-9)


def is_orthogonal(affine, tolerance=1e-4):
    """Whether the voxel axes stand at right angles: a tilted gantry's do not, and a qform cannot hold such axes."""
    columns = np.asarray(affine, np.float64)[:3, :3]
    columns = columns / np.sqrt((columns ** 2).sum(axis=0))
    return bool(np.abs(columns.T @ columns - np.eye(3)).max() < tolerance)


def axial(array):
    """The radiological view of (X, Y, Z) in canonical (RAS+) order: (slices, rows, columns), slices from below.

    Anterior is up and the patient's right on the left; no voxel is copied.
    """
    return np.transpose(array[::-1, ::-1], (2, 1, 0))


def from_axial(slices):
    """Undoes ``axial``."""
    return np.transpose(slices, (2, 1, 0))[::-1, ::-1]


def to_canonical(array, affine):
    """The same voxels with axes flipped and swapped so that they run closest to right, anterior, superior.

    No voxel is interpolated: an oblique volume stays oblique.

    Args:
        array: (X, Y, Z) in the order of ``affine``.
        affine: 4x4 voxel -> RAS+ mm.

    Returns:
        The array in canonical order (a view where possible).
    """
    axes, signs = _axes_and_signs(affine)
    flipped = array[tuple(slice(None, None, -1) if sign < 0 else slice(None) for sign in signs)]
    return np.transpose(flipped, np.argsort(axes))


def from_canonical(array, affine):
    """Undoes ``to_canonical`` exactly: from canonical order to the voxel order of ``affine``."""
    axes, signs = _axes_and_signs(affine)
    swapped = np.transpose(array, axes)
    return swapped[tuple(slice(None, None, -1) if sign < 0 else slice(None) for sign in signs)]


def canonical_affine(affine, shape):
    """The affine of ``to_canonical(array, affine)`` for an array of ``shape``: no voxel moves in the world."""
    axes, signs = _axes_and_signs(affine)
    to_original = np.zeros((4, 4))
    to_original[3, 3] = 1
    for axis, (world, sign) in enumerate(zip(axes, signs)):
        to_original[axis, world] = sign
        to_original[axis, 3] = shape[axis] - 1 if sign < 0 else 0
    return np.asarray(affine, np.float64) @ to_original


def same_grid(shape_a, affine_a, shape_b, affine_b, tolerance=0.1):
    """Whether two volumes have the same shape and no corner lies more than ``tolerance`` voxels apart."""
    if tuple(shape_a) != tuple(shape_b):
        return False
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape_a[:3]], [1], indexing="ij")).reshape(4, -1)
    apart = ((np.asarray(affine_a) - np.asarray(affine_b)) @ corners)[:3]
    return bool(np.sqrt((apart ** 2).sum(axis=0)).max() <= tolerance * min(spacing(affine_a)))


def _axes_and_signs(affine):
    table = orientation(affine)
    return table[:, 0], table[:, 1]
