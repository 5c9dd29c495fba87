"""Spline zooming and resizing of volumes as three matrix products.

`scipy.ndimage.zoom` and `skimage.transform.resize` are linear and act on each axis alone, so what either does to an
axis is a matrix, found by applying scipy to the identity once. Three small dense products then replace the
convolutions over the whole volume: the same numbers to 1e-6, many times faster.
"""

__all__ = ["apply", "centre_matrix", "normalised_shape", "resize", "resize_matrix", "zoom_matrix"]

import functools

import numpy as np
from scipy import ndimage
from scipy.linalg import blas

from covid3dgan.errors import ArgumentError

# Numbers in one product's float64 input or output, whichever has more: 8 MB.
SLAB = 2**20


def resize(array, shape, order=5):
    """`skimage.transform.resize(array, shape, order, mode="constant", anti_aliasing=True, preserve_range=True)`.

    A Gaussian of sigma (factor - 1) / 2 where an axis shrinks, a spline in grid mode (pixels are areas, and 0 lies all
    around them), and the result clipped to the range of ``array``.

    Args:
        array: 3D.
        shape: the new shape.

    Returns:
        ``shape``, float32 where ``array`` is and float64 otherwise.
    """
    shape = normalised_shape(shape)
    array = _floating(array)
    resized = apply(array, [resize_matrix(size, new, order) for size, new in zip(array.shape, shape)])
    low, high = array.min(), array.max()
    if resized.min() <= 0 <= resized.max():  # the 0 around the array is a value of its own
        low, high = min(low, 0), max(high, 0)
    return np.clip(resized, low, high, out=resized)


def apply(array, matrices):
    """``array`` with ``matrices[axis]`` (new size, size) applied along each of its three axes; None leaves an axis.

    A few large products per axis, not one per slice: many small ones wait for each other where BLAS shares busy cores.
    One for all would write float64 copies of the whole volume, which takes longer than the product.
    The products are float64 also for float32 arrays: how BLAS splits a float32 product among its threads shows in the
    last digit, and a training that starts one digit apart ends somewhere else.

    Returns:
        (new size, new size, new size), float32 where ``array`` is and float64 otherwise.
    """
    array = _floating(array)
    axes = [axis for axis, matrix in enumerate(matrices) if matrix is not None]
    for axis in sorted(axes, key=lambda axis: np.divide(*matrices[axis].shape)):  # what shrinks most goes first
        matrix, moved = matrices[axis], np.moveaxis(array, axis, 0)
        applied = np.empty((len(matrix), *moved.shape[1:]), array.dtype)
        rows = max(1, SLAB // (max(matrix.shape) * moved.shape[2]))
        for start in range(0, moved.shape[1], rows):
            slab = np.ascontiguousarray(moved[:, start:start + rows], np.float64)
            product = _product(matrix, slab.reshape(len(slab), -1))
            applied[:, start:start + rows] = product.reshape(len(matrix), *slab.shape[1:])
        array = np.moveaxis(applied, 0, axis)
    return np.ascontiguousarray(array)


def _product(matrix, columns):
    """``matrix @ columns`` in float64, by scipy's BLAS.

    The one in numpy 1.26 takes some newer processors for ones without vector units (a Xeon with AMX: 6 times as slow).
    """
    # BLAS wants columns first in memory: that is each array's transpose, without a copy.
    return blas.dgemm(1.0, columns.T, np.asarray(matrix, np.float64).T).T


def _floating(array):
    array = np.asarray(array)
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)


@functools.lru_cache(maxsize=64)
def zoom_matrix(size, new, order):
    """What `scipy.ndimage.zoom` does to an axis of ``size`` samples that becomes ``new``: (new, size), read-only."""
    return _frozen(ndimage.zoom(np.eye(size), (new / size, 1), order=order, mode="constant"))


@functools.lru_cache(maxsize=64)
def resize_matrix(size, new, order):
    """What `resize` does to an axis of ``size`` samples before the clipping: (new, size), read-only."""
    sigma = max(0.0, (size / new - 1) / 2)
    identity = np.eye(size)
    if sigma > 0:
        identity = ndimage.gaussian_filter1d(identity, sigma, axis=0, mode="constant")
    return _frozen(ndimage.zoom(identity, (new / size, 1), order=order, mode="grid-constant", grid_mode=True))


@functools.lru_cache(maxsize=64)
def centre_matrix(size, new, order):
    """An axis of ``size`` samples cut or filled with 0 to ``new`` around its centre: (new, size), read-only.

    Where the difference is odd the samples lie half a pixel off and are interpolated.
    """
    shift = (size - new) / 2
    return _frozen(ndimage.affine_transform(np.eye(size), np.eye(2), [shift, 0], (new, size), order=order))


def _frozen(matrix):
    matrix.setflags(write=False)
    return matrix


def normalised_shape(shape):
    """``shape`` as three positive ints, or ArgumentError."""
    try:
        sizes = tuple(int(size) for size in shape)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) != 3 or min(sizes) < 1:
        raise ArgumentError("shape", "three positive sizes (slices, rows, columns)", f"{shape}", "pass (32, 128, 128)")
    return sizes
