"""The trachea and the main bronchi: dark tubes that are followed from the neck down until they open into the lungs."""

__all__ = ["find_airways"]

from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Cross-sections in mm^2 and lengths in mm; a trachea measures 10 to 27 mm across.
SMALLEST_SECTION, LARGEST_SECTION = 25.0, 900.0
WIDEST_SECTION = 50.0     # an oblique bronchus, or both bronchi right under the carina
FARTHEST_FROM_MIDDLE = 35.0
SHORTEST_TRACHEA = 18.0   # anything shorter at the top of a scan is a lung's apex or noise
REACH = 4.0               # how far a section may lie beside the one above it, besides the slices' own distance


class _Section(NamedTuple):
    """One region of air in an axial slice."""

    slice: int
    mask: np.ndarray    # (X, Y) bool


def find_airways(air, middle, spacing):
    """The trachea and main bronchi of a chest.

    A region of air belongs to them if it is small, lies under the region found in the slice above, and - at the start -
    in the middle of the body. Where a bronchus opens into a lung its region becomes large, and the search ends.

    Args:
        air: (X, Y, Z) bool, air inside the body, canonical order (Z runs up).
        middle: (Z,) where the body's middle lies along X at every level, in voxels.
        spacing: mm.

    Returns:
        (X, Y, Z) bool; empty where no trachea is seen.
    """
    tried = np.zeros_like(air)
    best, longest = np.zeros_like(air), 0.0
    for level in range(air.shape[2] - 1, air.shape[2] // 3, -1):
        for section in _sections(air[:, :, level], level, spacing):
            offset = abs(np.nonzero(section.mask.any(axis=1))[0].mean() - middle[level]) * spacing[0]
            if offset > FARTHEST_FROM_MIDDLE or (tried[:, :, level] & section.mask).any():
                continue
            tree = _follow(air, section, middle, spacing)
            tried |= tree
            length = tree.any(axis=(0, 1)).sum() * spacing[2]
            if length > longest:
                best, longest = tree, length
        if longest >= SHORTEST_TRACHEA:
            return best
    return np.zeros_like(air)


def _sections(air, level, spacing):
    """The regions of one slice (X, Y) that are as small and as compact as an airway."""
    labels, _ = ndimage.label(air)
    area = np.bincount(labels.ravel())[1:] * spacing[0] * spacing[1]
    for index, box in enumerate(ndimage.find_objects(labels)):
        across = max((s.stop - s.start) * step for s, step in zip(box, spacing))
        if SMALLEST_SECTION <= area[index] <= LARGEST_SECTION and across <= WIDEST_SECTION:
            yield _Section(level, labels == index + 1)


def _follow(air, start, middle, spacing):
    """Everything (X, Y, Z) bool that hangs on ``start``, downwards, while it stays an airway."""
    tree = np.zeros_like(air)
    tree[:, :, start.slice] = start.mask
    reach = REACH + 0.5 * spacing[2]  # main bronchi run at up to 45 degrees
    central = np.abs(np.arange(air.shape[0])[:, None, None] - middle) * spacing[0] <= FARTHEST_FROM_MIDDLE
    for level in range(start.slice - 1, -1, -1):
        near = ndimage.distance_transform_edt(~tree[:, :, level + 1], sampling=spacing[:2]) <= reach
        for section in _sections(air[:, :, level], level, spacing):
            if (section.mask & near).any():
                tree[:, :, level] |= section.mask
        if not tree[:, :, level].any():
            # Here the bronchi run level and open into the lungs; what lies between the lungs is still airway.
            tree[:, :, level] = air[:, :, level] & near & central[:, :, level]
            break
    return tree
