"""What makes a CT or slice unlike those that a network has learned from: one warning sentence each."""

__all__ = ["doubts", "slice_doubts"]

import numpy as np

from covid3dgan.data.preprocess.chest.shapes import block_mean
from covid3dgan.errors import sentence

LUNGS_ML = (1000.0, 9000.0)     # of an adult's lungs in one whole CT
THICKEST = 8.0                  # mm
MOST_SLICES = 40                # that noise is measured in
MOST_NOISE = 120.0             # HU, standard deviation in the lungs; soft kernels have 15 to 30, sharp ones 45 and more
DENSEST = -550.0                # HU of the lungs' lower quartile: no breath leaves healthy lungs denser
CONTRAST = (180.0, 450.0)       # HU of blood with contrast agent; without any it has 30 to 60
CONTRAST_SHARE = 0.22           # of the tissue in the box round the lungs; bones alone have 0.10 to 0.17
HALF = 50.0                     # percent of the lungs


def doubts(ct, lungs, rate):
    """Sentences on what is unlikely in a CT and its result.

    Args:
        ct: a Volume in HU.
        lungs: (X, Y, Z), above 0 in the lungs.
        rate: percent of the lungs that is marked.
    """
    name = ct.source or "ct"
    inside = lungs > 0
    found = []

    def doubt(expected, seen, action):
        found.append(sentence(name, expected, seen, action))

    volume = inside.sum() * float(np.prod(ct.spacing)) / 1000
    if not LUNGS_ML[0] <= volume <= LUNGS_ML[1]:
        doubt(f"lungs of {LUNGS_ML[0] / 1000:g} to {LUNGS_ML[1] / 1000:g} litres", f"{volume / 1000:.2f} litres",
              "look at the lungs in the overlay, pass a lung mask if they are wrong, and trust no share of the lung"
              " where the CT shows a part of them")
    thickness = ct.canonical().spacing[2]
    if thickness > THICKEST:
        doubt(f"slices of at most {THICKEST:g} mm", f"{thickness:.3g} mm", "use a thinner reconstruction")
    _doubt_lungs(ct.canonical().array, ct.like(lungs).canonical().array > 0, doubt)
    share = _contrast(ct.array, inside)
    if share > CONTRAST_SHARE:
        doubt("a CT without contrast agent",
              f"{100 * share:.0f} % of the tissue between the lungs as bright as blood with it",
              "look at what is marked beside vessels")
    _doubt_rate(rate, doubt)
    return found


def slice_doubts(image, lungs, rate):
    """The same of a single slice, as far as a slice tells it.

    Args:
        image: data.slice_image.SliceImage.
        lungs: (rows, columns) bool, of the upright slice.
        rate: percent of its lungs that is marked.
    """
    found = []

    def doubt(expected, seen, action):
        found.append(sentence(image.source or "slice", expected, seen, action))

    # Columns run along X.
    _doubt_lungs(image.upright.T, lungs.T, doubt)
    _doubt_rate(rate, doubt)
    return found


def _doubt_lungs(hu, inside, doubt):
    noise = _noise(hu, inside)
    if noise > MOST_NOISE:
        doubt(f"noise below {MOST_NOISE:g} HU in the lungs", f"{noise:.0f} HU", "use a softer reconstruction kernel")
    by_slice = hu.flags.f_contiguous  # picking voxels against their order in memory takes several times as long
    quartile = float(np.quantile(hu.T[inside.T] if by_slice else hu[inside], 0.25))
    if quartile > DENSEST:
        doubt(f"a quarter of the lungs darker than {DENSEST:g} HU", f"{quartile:.0f} HU",
              "look whether the values are HU and the lungs were found")


def _doubt_rate(rate, doubt):
    if rate >= HALF:
        doubt(f"less than {HALF:g} % of the lungs marked", f"{rate:.0f} %", "look at the overlay: so much is rare")


def _noise(hu, inside):
    """Standard deviation of the noise in the lungs (X, ...), from second differences along X, which follow no slow
    change; half of the voxels lie away from vessels, so the median is theirs. Some slices are enough."""
    if hu.ndim == 3:
        hu, inside = (array[:, :, ::-(-array.shape[2] // MOST_SLICES)] for array in (hu, inside))
    whole = inside[2:] & inside[1:-1] & inside[:-2]
    if not whole.any():
        return 0.0
    second = (hu[2:] - 2 * hu[1:-1] + hu[:-2])[whole]
    return float(np.median(np.abs(second)) / 0.6745 / np.sqrt(6))


def _contrast(hu, inside):
    """Share of the tissue in the box round the lungs that is as bright as blood with contrast agent, bone left out."""
    sides = []
    for axis in range(3):
        occupied = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        sides.append(slice(occupied[0], occupied[-1] + 1))
    part = block_mean(hu[tuple(sides)], (3, 3, 1))  # without most of the noise
    tissue = np.count_nonzero((part > 0) & (part < CONTRAST[1]))
    return np.count_nonzero((part > CONTRAST[0]) & (part < CONTRAST[1])) / max(tissue, 1)
