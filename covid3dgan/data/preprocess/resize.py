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
from threadpoolctl import threadpool_limits

from covid3dgan.errors import ArgumentError

# Numbers in one product's float64 input or output, whichever has more: 8 MB.
SLAB = 2**20
# Rows of a matrix that are multiplied together.
BLOCK = 64
# Share of a matrix' largest weight below which a weight is left out: it is lost in float32 and among the rounding of
# float64.
NEGLIGIBLE = 1e-13


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


def apply(array, matrices, layout="C"):
    """``array`` with ``matrices[axis]`` (new size, size) applied along each of its three axes; None leaves an axis.

    Splines reach only a few samples far, so rows of a matrix are multiplied in blocks, each with the columns that weigh
    anything; samples without weight are never read, and rows of zeros stay zeros. One product for all would write
    float64 copies of the whole volume, which takes longer than the product; BLAS has one thread, for several wait for
    each other longer than these products take where others use the cores, too.
    The products are float64 also for float32 arrays: how BLAS splits a float32 product among its threads shows in the
    last digit, and a training that starts one digit apart ends somewhere else.

    Args:
        layout: how the result lies in memory: "C", or "K" for the array's own order of axes, which costs nothing.

    Returns:
        (new size, new size, new size), float32 where ``array`` is and float64 otherwise.
    """
    array = np.asarray(array)
    dtype = np.float32 if array.dtype == np.float32 else np.float64
    sizes = [size if matrix is None else len(matrix) for size, matrix in zip(array.shape, matrices)]
    if any(matrix is not None and not matrix.any() for matrix in matrices):
        return np.zeros(sizes, dtype)
    used = [(slice(0, size),) * 2 if matrix is None else _used(matrix) for size, matrix in zip(array.shape, matrices)]
    array = array[tuple(columns for _, columns in used)]
    matrices = [None if matrix is None else matrix[rows, columns] for matrix, (rows, columns) in zip(matrices, used)]
    axes = [axis for axis, matrix in enumerate(matrices) if matrix is not None]
    with threadpool_limits(1, user_api="blas"):
        for axis in sorted(axes, key=lambda axis: np.divide(*matrices[axis].shape)):  # what shrinks most goes first
            array = _along(array, axis, matrices[axis], dtype)
    array = array.astype(dtype, copy=False)
    if list(array.shape) != sizes:
        place = _memory_order(array)
        whole = np.zeros([sizes[axis] for axis in place], dtype).transpose(np.argsort(place))
        whole[tuple(rows for rows, _ in used)] = array
        array = whole
    return np.ascontiguousarray(array) if layout == "C" else array


def _along(array, axis, matrix, dtype):
    """``array`` with ``matrix`` applied along one axis, in the array's own order of axes in memory."""
    place = _memory_order(array)
    array, axis = array.transpose(place), place.index(axis)
    applied = np.empty([len(matrix) if k == axis else size for k, size in enumerate(array.shape)], dtype)
    cut = 1 if axis == 0 else 0
    step = max(1, SLAB // (max(matrix.shape) * array.size // (array.shape[axis] * array.shape[cut])))
    starts = range(0, len(matrix), BLOCK)
    blocks = [(slice(start, start + BLOCK), _used(matrix[start:start + BLOCK])[1]) for start in starts]
    blocks = [(rows, columns if columns.stop else slice(0, 1)) for rows, columns in blocks]  # of zeros alone
    for start in range(0, array.shape[cut], step):
        part = (slice(None),) * cut + (slice(start, start + step),)
        given, wanted = array[part], applied[part]
        if axis == 2:  # nothing is moved
            for rows, columns in blocks:
                slab = np.ascontiguousarray(given[:, :, columns], np.float64)
                product = _product(slab.reshape(-1, slab.shape[2]), matrix[rows, columns].T)
                wanted[:, :, rows] = product.reshape(*slab.shape[:2], -1)
            continue
        slab = np.ascontiguousarray(np.moveaxis(given, axis, 0), np.float64)
        wanted = np.moveaxis(wanted, axis, 0)
        for rows, columns in blocks:
            product = _product(matrix[rows, columns], slab[columns].reshape(columns.stop - columns.start, -1))
            wanted[rows] = product.reshape(-1, *slab.shape[1:])
    return applied.transpose(np.argsort(place))


def _memory_order(array):
    """The axes from the one whose neighbours lie farthest apart in memory to the closest."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))


def _used(matrix):
    """(rows, columns): the slices outside of which ``matrix`` is 0, or as good as."""
    weights = np.abs(matrix)
    weighs = weights > NEGLIGIBLE * weights.max(initial=0)
    return tuple(slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
                 for found in (np.flatnonzero(weighs.any(axis=other)) for other in (1, 0)))


def _product(matrix, columns):
    """``matrix @ columns`` of 2D float64 arrays, by scipy's BLAS.

    The one in numpy 1.26 takes some newer processors for ones without vector units (a Xeon with AMX: 6 times as slow).
    """
    # BLAS wants columns first in memory: that is each array's transpose, without a copy.
    return blas.dgemm(1.0, columns.T, matrix.T).T


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
