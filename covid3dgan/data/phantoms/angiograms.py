"""Synthetic angiograms with the true mask of the vessels.

They stand in for the coronary angiographies of paper 003, which cannot be redistributed: branching, tapering dark
vessels that absorb by their thickness, over a heart's shadow, a diaphragm and ribs, with X-ray noise. The share of
foreground (about 13 %) and how many vessels a Hessian filter misses are set after the paper's Table 1.
"""

__all__ = ["angiogram", "stamp_ball"]

import numpy as np
from scipy import ndimage

from covid3dgan import streams

FOREGROUND = 0.134  # what Table 1's rows imply
THICKEST, THINNEST = 6.5, 1.1  # radii in pixels at 256 x 256


def angiogram(seed, number, size=256, foreground=FOREGROUND):
    """One angiogram; the same arguments always give the same pixels.

    Args:
        seed: of the cohort.
        number: of the angiogram in the cohort.
        size: side in pixels.
        foreground: share of the image that is vessels; the mean over many angiograms.

    Returns:
        image: (size, size) float32 in [0, 1], vessels dark.
        mask: (size, size) bool.
    """
    rng = np.random.default_rng([seed, streams.ANGIOGRAMS, number])
    scale = size / 256.0
    thickness = np.zeros((size, size), np.float32)  # of contrast agent along the ray, in pixels
    target = foreground * rng.uniform(0.8, 1.2)
    mask = np.zeros((size, size), bool)
    while mask.mean() < target:
        _grow_tree(rng, thickness, mask, target, scale)
    background = _background(rng, size, scale)
    agent = rng.uniform(0.05, 0.075) / scale
    absorbance = background + agent * ndimage.gaussian_filter(thickness, 0.7 * scale)
    image = 0.95 * np.exp(-absorbance)
    grain = ndimage.gaussian_filter(rng.normal(0.0, 1.0, image.shape), 0.6 * scale)
    image += 0.03 * np.sqrt(image) * grain / grain.std()
    return np.clip(image, 0.0, 1.0).astype(np.float32), mask


def _grow_tree(rng, thickness, mask, target, scale):
    """One tree from a border inwards; branches wait in a queue, thick ones first, until the target is reached."""
    size = mask.shape[0]
    side, along = rng.integers(4), rng.uniform(0.2, 0.8) * size
    start = np.array([(0.0, along), (size - 1.0, along), (along, 0.0), (along, size - 1.0)][side])
    heading = np.arctan2(*(size / 2 + rng.normal(0, size / 8, 2) - start))
    queue = [(THICKEST * scale * rng.uniform(0.6, 1.0), start, heading)]
    while queue and mask.mean() < target:
        queue.sort(key=lambda branch: -branch[0])
        radius, position, heading = queue.pop(0)
        queue += _grow_branch(rng, thickness, mask, radius, position, heading, scale)


def _grow_branch(rng, thickness, mask, radius, position, heading, scale):
    """Draws one branch as a chain of discs and returns its children (radius, position, heading)."""
    size = mask.shape[0]
    length = rng.uniform(25, 60) * scale * (radius / (3 * scale))**0.3
    turn = rng.normal(0, 0.01) / scale
    steps = max(int(length), 4)
    end_radius = radius * rng.uniform(0.75, 0.95)
    for i in range(steps):
        stamp_ball(thickness, mask, position, radius + (end_radius - radius) * i / steps)
        turn += rng.normal(0, 0.006) / scale
        heading += np.clip(turn, -0.06 / scale, 0.06 / scale)
        position = position + np.array([np.sin(heading), np.cos(heading)])
        if (position < -10).any() or (position > size + 10).any():
            return []
    large, small = end_radius * rng.uniform(0.8, 0.95), end_radius * rng.uniform(0.45, 0.75)
    side = rng.choice((-1.0, 1.0))
    children = [(large, position, heading - side * rng.uniform(0.1, 0.4)),
                (small, position, heading + side * rng.uniform(0.5, 1.1))]
    return [child for child in children if child[0] >= THINNEST * scale]


def stamp_ball(thickness, mask, position, radius):
    """Draws a ball's chord length, in place; along a chain of balls the largest one gives a tube's.

    Args:
        thickness: (size, size) float32, the chord lengths so far, in pixels.
        mask: (size, size) bool, where there is any.
        position: (row, column) of the centre.
        radius: in pixels.
    """
    size = mask.shape[0]
    low = np.maximum(np.floor(position - radius).astype(int), 0)
    high = np.minimum(np.ceil(position + radius).astype(int) + 1, size)
    if (low >= high).any():
        return
    rows, columns = np.ogrid[low[0]:high[0], low[1]:high[1]]
    square = radius**2 - (rows - position[0])**2 - (columns - position[1])**2
    box = slice(low[0], high[0]), slice(low[1], high[1])
    chord = 2.0 * np.sqrt(np.maximum(square, 0.0)).astype(np.float32)
    np.maximum(thickness[box], chord, out=thickness[box])
    mask[box] |= square > 0


def _background(rng, size, scale):
    """Absorbance of organs and ribs: smooth clouds, a heart's shadow, a diaphragm's edge, ribs and the spine."""
    y, x = np.mgrid[:size, :size] / size
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, (size, size)), 22 * scale, mode="reflect")
    absorbance = 0.35 + 0.06 * clouds / clouds.std()
    centre = rng.uniform(0.35, 0.65, 2)
    heart = ((y - centre[0]) / rng.uniform(0.3, 0.45))**2 + ((x - centre[1]) / rng.uniform(0.25, 0.4))**2
    absorbance += 0.15 * _soft(1.0 - heart, 0.15)
    height, arch = rng.uniform(0.75, 1.0), rng.uniform(0.1, 0.4)
    absorbance += 0.25 * _soft(y - height - arch * (x - rng.uniform(0.3, 0.7))**2, 0.02)
    spine = rng.uniform(0.0, 1.0)
    absorbance += 0.12 * np.exp(-((x - spine) / 0.07)**2)
    gap, slope, bow = rng.uniform(0.2, 0.3), rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.4)
    place = y + slope * x + bow * (x - 0.5)**2 + rng.uniform(0, gap)
    within = np.abs((place % gap) / gap - 0.5) * 2.0  # 0 in the middle of a rib, 1 between two
    return (absorbance + rng.uniform(0.04, 0.09) * _soft(0.4 - within, 0.08)).astype(np.float32)


def _soft(value, width):
    """A step from 0 to 1 at value 0, ``width`` wide."""
    return 1.0 / (1.0 + np.exp(-np.clip(value / (0.25 * width), -40, 40)))
