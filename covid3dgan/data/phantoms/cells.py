"""Synthetic blood smears with the true mask of the cells.

They stand in for the sickle-cell images of paper 003, which cannot be redistributed: dark discs and ellipses with
central pallor that overlap, some of them faint or sickle-shaped, under uneven light and among platelets and stains.
The share of foreground, and how hard a smear is for a level set, are set after the paper's Table 1.
"""

__all__ = ["blood_smear"]

import numpy as np
from scipy import ndimage

from covid3dgan import streams

SPARSE, DENSE = 0.06, 0.25  # of the image; the first is what Table 1's rows imply
RADIUS = 9.0  # pixels at 256 x 256
FAINT_SHARE = 0.3
NOISE = 0.025


def blood_smear(seed, number, size=256, foreground=SPARSE):
    """One smear; the same arguments always give the same pixels.

    Args:
        seed: of the cohort.
        number: of the smear in the cohort.
        size: side in pixels.
        foreground: share of the image that is cells; the mean over many smears.

    Returns:
        image: (size, size) float32 in [0, 1], cells dark.
        mask: (size, size) bool.
    """
    rng = np.random.default_rng([seed, streams.BLOOD_SMEARS, number])
    scale = size / 256.0
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    absorbance = np.zeros((size, size), np.float32)
    mask = np.zeros((size, size), bool)
    target = foreground * rng.uniform(0.8, 1.2)
    while mask.mean() < target:
        _add_cell(rng, absorbance, mask, rows, columns, scale)
    _add_debris(rng, absorbance, rows, columns, scale)
    light = _uneven_light(rng, rows / size, columns / size)
    image = light * np.exp(-ndimage.gaussian_filter(absorbance, 0.7 * scale))
    image += rng.normal(0.0, NOISE, image.shape)
    return np.clip(image, 0.0, 1.0).astype(np.float32), mask


def _elliptic_distance(rng, rows, columns, centre, radius, elongation):
    """1 on the outline of a slightly irregular, turned ellipse, 0 at its centre."""
    angle = rng.uniform(0, np.pi)
    y, x = rows - centre[0], columns - centre[1]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    along, across = along / (radius * np.sqrt(elongation)), across * np.sqrt(elongation) / radius
    turn = np.arctan2(across, along)
    outline = 1.0 + sum(rng.normal(0, 0.025) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5))
    return np.hypot(along, across) / outline


def _add_cell(rng, absorbance, mask, rows, columns, scale):
    size = mask.shape[0]
    radius = RADIUS * scale * rng.uniform(0.75, 1.25)
    elongation = rng.uniform(1.8, 3.0) if rng.random() < 0.15 else rng.uniform(1.0, 1.25)  # sickle or round
    distance = _elliptic_distance(rng, rows, columns, rng.uniform(0, size, 2), radius, elongation)
    inside = distance < 1.0
    depth = rng.uniform(0.07, 0.14) if rng.random() < FAINT_SHARE else rng.uniform(0.3, 0.6)
    pallor = rng.uniform(0.1, 0.65) if elongation < 1.5 else 0.0
    absorbance[inside] += (depth * (1.0 - pallor * np.exp(-(distance / 0.5)**2)))[inside]
    mask |= inside


def _add_debris(rng, absorbance, rows, columns, scale):
    """Platelets (small and dark) and out-of-focus stains (wide and faint); none of it is foreground."""
    size = absorbance.shape[0]
    for _ in range(rng.poisson(14)):
        distance = np.hypot(rows - rng.uniform(0, size), columns - rng.uniform(0, size))
        absorbance[distance < rng.uniform(1.0, 2.6) * scale] += rng.uniform(0.15, 0.5)
    for _ in range(rng.poisson(5)):
        distance = np.hypot(rows - rng.uniform(0, size), columns - rng.uniform(0, size))
        absorbance += (rng.uniform(0.03, 0.11) * np.exp(-(distance / (rng.uniform(6, 22) * scale))**2)).astype("f4")


def _uneven_light(rng, y, x):
    """Brightness that falls off to one side and towards the corners, by 10 to 30 percent."""
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.3)
    slope = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    corner = (x - rng.uniform(0.3, 0.7))**2 + (y - rng.uniform(0.3, 0.7))**2
    return 0.88 * (1.0 - fall * (0.5 + 0.5 * slope) - 0.5 * fall * corner)
