"""The lungs of one axial slice: the method for whole CTs on a stack of copies, and what that leaves out in a slice.

In a CT a consolidated lung is recognised by the slices above and below. A slice has none, so every piece of aerated
tissue inside the chest counts, and gaps between the pieces of a side are closed.
"""

__all__ = ["find_slice_lungs", "millimetres"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.preprocess.chest.lung_threshold import find_lungs
from covid3dgan.data.preprocess.slice_turn import dark_regions

COPIES, THICKNESS = 5, 5.0     # slices of the stack, and mm of each
RIM = (40.0, 25.0, 15.0)       # HU and mm of the chest wall, and mm of the air, put around a picture cut to its lungs
AERATED = -350.0               # HU: ground glass is darker than this, fat is not
SMOOTHING = 1.5                # mm
SKIN = 12.0                    # mm below the skin, where there is no lung
SMALLEST = 150.0               # mm^2 of a piece of lung
AIRWAY = (-900.0, 700.0)       # HU, mm^2: a piece as dark and as small as this is an airway or gas in the gullet
BOWEL = (-930.0, 2500.0)       # HU, mm^2: the same of gas in stomach and bowel
BODY, ACROSS = 370.0, 260.0    # mm across the body and both lungs, where a picture does not say its spacing
CLOSING = 12.0                 # mm, radius that closes over consolidations between pieces


def find_slice_lungs(hu, spacing):
    """The lungs of one axial slice.

    Args:
        hu: (rows, columns) float, anterior up.
        spacing: mm between rows and between columns.

    Returns:
        (rows, columns) bool; all False where there are none.
    """
    hu = np.clip(np.asarray(hu, np.float32), -1024, 1500)
    edges = [int(np.ceil((RIM[1] + RIM[2]) / step)) for step in spacing]
    wide = _with_rim(hu, edges, spacing)
    # Canonical order is X to the right, Y to the front: columns run to the left and rows to the back.
    stack = np.repeat(wide[::-1, ::-1].T[..., None], COPIES, axis=2)
    found = find_lungs(stack, (spacing[1], spacing[0], THICKNESS))[..., COPIES // 2].T[::-1, ::-1]
    found = _without_gas(found | _pieces(wide, found, spacing), wide, spacing)
    middle = _middle(wide > AERATED)
    for half in (slice(None, middle), slice(middle, None)):
        found[:, half] |= _closed(found[:, half], spacing) & (wide[:, half] < 200)  # bone is no lung
    return ndimage.binary_fill_holes(found)[edges[0]:-edges[0], edges[1]:-edges[1]]


def millimetres(hu):
    """The size of a picture's pixels (rows, columns) in mm, as if the patient were as wide as most are."""
    for region, across in zip(dark_regions(hu)[::-1], (BODY, ACROSS)):  # the body where all of it is shown, else lungs
        columns = np.flatnonzero(region.any(axis=0))
        if len(columns):
            return (across / (np.ptp(columns) + 1),) * 2
    return (ACROSS / hu.shape[1],) * 2


def _with_rim(hu, edges, spacing):
    """The slice with air around it; and with a chest wall between, where the picture is cut within the patient."""
    wall = [int(np.ceil(RIM[1] / step)) for step in spacing]
    border = np.concatenate([hu[0], hu[-1], hu[:, 0], hu[:, -1]])
    cut = np.mean(border < -950) < 0.25  # a whole slice shows air along its edges
    inner = np.pad(hu, [(n, n) for n in wall], constant_values=RIM[0] if cut else -1000.0)
    return np.pad(inner, [(edge - n,) * 2 for edge, n in zip(edges, wall)], constant_values=-1000.0)


def _pieces(hu, found, spacing):
    """Aerated tissue inside the chest that the method for CTs left out."""
    smooth = ndimage.gaussian_filter(hu, [SMOOTHING / step for step in spacing])
    tissue = ndimage.binary_opening(smooth > AERATED, iterations=2)
    labels, count = ndimage.label(tissue)
    if not count:
        return np.zeros(hu.shape, bool)
    body = ndimage.binary_fill_holes(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))
    deep = ndimage.distance_transform_edt(body, sampling=spacing) > SKIN
    labels, count = ndimage.label((smooth < AERATED) & deep & ~found)
    numbers = np.arange(1, count + 1)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:] * spacing[0] * spacing[1]
    kept = numbers[(area >= SMALLEST) & ~_gas(hu, labels, numbers, area, AIRWAY)]
    return np.isin(labels, kept)


def _without_gas(found, hu, spacing):
    """``found`` without the pieces that are gas in stomach or bowel."""
    labels, count = ndimage.label(found)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:] * spacing[0] * spacing[1]
    numbers = np.arange(1, count + 1)
    return np.isin(labels, numbers[~_gas(hu, labels, numbers, area, BOWEL)])


def _gas(hu, labels, numbers, area, kind):
    """Which of the labelled pieces are as dark and as small as a kind of gas."""
    if not len(numbers):
        return np.zeros(0, bool)
    return (ndimage.median(hu, labels, numbers) < kind[0]) & (area < kind[1])


def _middle(tissue):
    """The column that halves the body."""
    weight = np.cumsum(tissue.sum(axis=0))
    return int(np.searchsorted(weight, weight[-1] / 2))


def _closed(mask, spacing):
    if not mask.any():
        return mask
    edges = [(int(np.ceil(CLOSING / step)) + 1,) * 2 for step in spacing]
    grown = ndimage.distance_transform_edt(~np.pad(mask, edges), sampling=spacing) <= CLOSING
    closed = ndimage.distance_transform_edt(grown, sampling=spacing) > CLOSING
    return closed[edges[0][0]:-edges[0][0], edges[1][0]:-edges[1][0]]
