"""What looks like a lesion in a slice and is none: the top of the diaphragm in a thick slice, vessels of the hilum.

Painted into healthy lungs they teach a segmenter that sees one slice what it cannot follow from slice to slice. A dome
replaces the lung smoothly, vessels and all, where ground glass lies over it; a hilum is dense, sharp and central.
"""

__all__ = ["lookalikes"]

import numpy as np

from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

DOMES, HILA = 3, 6  # the most of a volume
DOME_HU, DOME_RADIUS, DOME_SOFT = (-760.0, 40.0), (0.04, 0.16), (0.25, 1.0)  # radius: share of the rows
HILUM_HU, HILUM_RADIUS = (0.0, 260.0), (0.012, 0.05)
DEEP = 0.35  # of a slice's lung, the part farthest from its border, where domes appear
MEDIAL, MIDDLE = 0.3, (0.25, 0.75)  # hila: share of the width around the midline, of the lungs' height


def lookalikes(image, lungs, rng):
    """A healthy volume with some of both.

    Args:
        image: (slices, rows, columns) float32 in [0, 1], 0 = -1000 HU.
        lungs: bool, the same shape.
        rng: `numpy.random.Generator`.

    Returns:
        (image, share): new arrays; ``share`` is how much of a voxel was painted over.
    """
    image, painted = image.copy(), np.zeros_like(image)
    occupied = np.flatnonzero(lungs.any((1, 2)))
    for _ in range(rng.integers(0, DOMES + 1)):
        number = int(rng.choice(occupied))
        _dome(image, painted, number, lungs[number], rng)
    low, high = (int(occupied[0] + part * (occupied[-1] - occupied[0])) for part in MIDDLE)
    for _ in range(rng.integers(0, HILA + 1)):
        _hilum(image, painted, int(rng.integers(low, high + 1)), lungs, rng)
    return image, painted


def _dome(image, painted, number, lung, rng):
    """The top of a dome in one slice, and less of it in the next."""
    rows, columns = np.nonzero(lung)
    if len(rows) < 50:
        return
    # Far from the border: the lung's own rows and columns, trimmed.
    order = np.abs(rows - np.median(rows)) + np.abs(np.abs(columns - columns.mean()) - np.abs(columns - columns.mean())
                                                    .mean())
    pick = rng.choice(np.argsort(order)[:max(1, int(DEEP * len(order)))])
    radii = np.exp(rng.uniform(*np.log(DOME_RADIUS))) * np.exp(rng.uniform(-0.3, 0.3, 2)) * len(lung)
    share = _disc(lung.shape, (rows[pick], columns[pick]), radii, rng.uniform(*DOME_SOFT))
    value = (rng.uniform(*DOME_HU) - HU_RANGE[0]) / HU_SPAN
    for step, part in ((0, 1.0), (1, rng.uniform(0.0, 0.4))):
        if number + step < len(image):
            _lay(image[number + step], painted[number + step], part * share, max(value, image[number].min()))


def _hilum(image, painted, number, lungs, rng):
    """A clump of vessels beside the midline, through a few slices."""
    columns = np.flatnonzero(lungs.any((0, 1)))
    middle, width = columns.mean(), columns[-1] - columns[0] + 1
    rows, at = np.nonzero(lungs[number])
    near = np.flatnonzero(np.abs(at - middle) < MEDIAL * width)
    if not len(near):
        return
    pick = near[rng.integers(len(near))]
    value = (rng.uniform(*HILUM_HU) - HU_RANGE[0]) / HU_SPAN
    for slice_ in range(number, min(len(image), number + int(rng.integers(1, 5)))):
        for _ in range(rng.integers(1, 4)):
            centre = np.array([rows[pick], at[pick]]) + rng.normal(0, 0.02 * len(lungs[0]), 2)
            radii = np.exp(rng.uniform(*np.log(HILUM_RADIUS))) * np.exp(rng.uniform(-0.5, 0.5, 2)) * len(lungs[0])
            _lay(image[slice_], painted[slice_], _disc(lungs[0].shape, centre, radii, 0.25), value)


def _disc(shape, centre, radii, softness):
    """1 in an ellipse (rows, columns), 0 outside, soft by ``softness`` of its radius."""
    rows, columns = np.ogrid[:shape[0], :shape[1]]
    distance = np.hypot((rows - centre[0]) / radii[0], (columns - centre[1]) / radii[1])
    share = np.clip((1 - distance) / softness + 0.5, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _lay(image, painted, share, value):
    """Lays ``value`` over a slice in place, never darker than it was."""
    image += share * np.maximum(value - image, 0)
    np.maximum(painted, share, out=painted)
