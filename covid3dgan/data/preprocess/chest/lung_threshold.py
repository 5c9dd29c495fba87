"""The built-in lung segmentation: air and ground glass inside the body, without the airways, closed over the rest.

All of it happens in millimetres on a grid of about 3 mm, where shapes cost little; only the border is decided on the
scan's own voxels.
"""

__all__ = ["find_lungs"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.preprocess.chest.lung_disease import with_consolidations
from covid3dgan.data.preprocess.chest.lung_regions import body_middle, find_lung_air, lung_density
from covid3dgan.data.preprocess.chest.shapes import block_mean, dilated, enlarged, eroded

COARSE = 3.0                    # mm, the grid that shapes are handled on
WINDOW = (-1024.0, 200.0)       # HU beyond which values only disturb a mean: padding, bone, metal
AIR = -400.0                    # HU, half way between lung and soft tissue
AIR_LIMITS = (-480.0, -320.0)   # what half way may be in a given scan
SOFT_TISSUE = -60.0             # HU of what borders on the lungs: muscle and fat
OPENING = 3.0                   # mm, cuts the couch and blankets off the body


def find_lungs(hu, spacing):
    """The lungs of a chest CT.

    Args:
        hu: (X, Y, Z) float32 in canonical order: X to the patient's right, Y to the front, Z up.
        spacing: mm.

    Returns:
        (X, Y, Z) bool; all False where there are none.
    """
    factors = [max(1, int(COARSE / size + 0.25)) for size in spacing]
    coarse = block_mean(hu, factors, WINDOW)
    step = tuple(size * factor for size, factor in zip(spacing, factors))
    body = _find_body(coarse, step)
    box = _bounds(body)
    coarse, body = coarse[box], body[box]
    density = lung_density(coarse, body & (coarse < AIR), step)
    found = np.zeros_like(hu, bool)
    if density is None:
        return found
    level = float(np.clip(0.5 * (density + SOFT_TISSUE), *AIR_LIMITS))
    air = body & (coarse < level)
    lungs, airways = find_lung_air(coarse, air, body, step)
    if not lungs:
        return found
    middle = body_middle(body)
    whole = np.logical_or.reduce([with_consolidations(lung, coarse, middle, step) for lung in lungs])
    fine = tuple(slice(side.start * factor, side.stop * factor) for side, factor in zip(box, factors))
    found[fine] = _refine(hu[fine], whole & body & ~airways, air, airways, level, factors)
    return found


def _find_body(coarse, step):
    """The trunk with everything in it (X, Y, Z) bool: the largest piece of tissue, filled slice by slice."""
    radius = max(OPENING, min(step[:2]))  # at least one voxel along the finer axis
    tissue = coarse > AIR
    labels, count = ndimage.label(eroded(tissue, radius, step))
    if not count:
        return np.zeros(coarse.shape, bool)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    trunk = tissue & dilated(largest, radius, step)
    for level in range(trunk.shape[2]):
        trunk[:, :, level] = ndimage.binary_fill_holes(trunk[:, :, level])
    return trunk


def _bounds(mask):
    """Three slices around ``mask``; the whole where it is empty."""
    return ndimage.find_objects(mask.view(np.uint8))[0] if mask.any() else tuple(slice(0, n) for n in mask.shape)


def _refine(hu, closed, air, airways, level, factors):
    """The lungs on the scan's own voxels (X, Y, Z) bool: certain inside, decided by ``level`` at the border."""
    if max(factors) == 1:
        return closed
    cube = np.ones((3, 3, 3), bool)
    certain = ndimage.binary_erosion(closed, cube, border_value=1) | (closed & ~air)
    possible = ndimage.binary_dilation(closed, cube) & ~airways
    # Axes as they lie in memory: masks laid out otherwise than the scan would take most of the time.
    axes = np.argsort([-abs(stride) for stride in hu.strides], kind="stable")
    hu, factors = hu.transpose(axes), [factors[axis] for axis in axes]
    certain, possible = (enlarged(mask.transpose(axes), factors, hu.shape) for mask in (certain, possible))
    refined = hu < level
    refined &= possible
    refined |= certain
    return refined.transpose(np.argsort(axes))
