"""The published preprocessing written down slowly, with scipy and scikit-image: the slow side of tests and benchmarks.

Facts of the notebook (section by section in docs/FIDELITY.md); nothing here is shared with covid3dgan.
"""

import numpy as np
import scipy.ndimage
from skimage.transform import resize

SHAPE = (32, 128, 128)


def resampled(array, spacing, shape=SHAPE):
    """Rotated, brought to 2 mm in the plane, then resized: (rows, columns, slices)."""
    array = np.asarray(array, np.float64)
    array = scipy.ndimage.rotate(array, -90, axes=(1, 0), reshape=False, order=3)
    factor = np.array(spacing) / [2, 2, 8]
    factor[2] = 1
    new = np.round(array.shape * factor)
    array = scipy.ndimage.zoom(array, new / array.shape, order=3, mode="constant")
    return resize(array, (shape[1], shape[2], shape[0]), order=5, anti_aliasing=True, mode="constant")


def lung_mask(array, spacing, shape=SHAPE):
    """A mask on the CT's grid as (slices, rows, columns) of 0 and 1."""
    return np.where(resampled(array, spacing, shape) >= 0.5, 1, 0).transpose(2, 0, 1).astype(np.float64)


def prepared(array, spacing, lungs, infection=None, shape=SHAPE):
    """Lung image, infection mask, lung mask and base image.

    Args:
        array: HU (X, Y, Z).
        lungs: 0/1 (slices, rows, columns) on the resampled grid, as a lung net gives them.
        infection: 0/1 (X, Y, Z).
    """
    base = resampled(array, spacing, shape)
    base[base < -1000] = -1000
    base[base > 400] = 400
    base = ((base + 1000) / 1400).astype(np.float32).transpose(2, 0, 1)
    volumes = [base * lungs, lungs, base]
    if infection is not None:
        volumes.append(lung_mask(infection, spacing, shape))
    filled = [z for z in range(lungs.shape[0]) if lungs[z].max() > 0]
    volumes = [v[filled[0]:filled[-1]] for v in volumes]  # the last slice is lost
    rows = [y for y in range(lungs.shape[1]) if volumes[1][:, y].max() > 0]
    columns = [x for x in range(lungs.shape[2]) if volumes[1][:, :, x].max() > 0]
    volumes = [v[:, rows[0]:rows[-1], columns[0]:columns[-1]] for v in volumes]  # as are the last row and column
    volumes = [resize(v, shape, order=5, anti_aliasing=True, mode="constant") for v in volumes]
    return dict(zip(("lung", "lung_mask", "base", "infection"), volumes))
