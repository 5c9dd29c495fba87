"""Synthetic photographs of the fundus, in colour, with the true mask of the vessels and the field of view.

They stand in for DRIVE and CHASE_DB1 where vessel filters are tried: a bright optic disc with a sharp edge, four
arcades that leave it and bend around a dark macula, veins darker than arteries, arteries with a bright reflex along
their middle, thin side branches close to the noise, a mottled choroid, light that falls off, and a black surround.
Green shows vessels best, red hardly, as in photographs.
"""

__all__ = ["fundus"]

import numpy as np
from scipy import ndimage

from covid3dgan import streams
from covid3dgan.data.phantoms.angiograms import stamp_ball

SIZE = 565.0  # pixels of DRIVE's shorter side, which all lengths below are for
DISC_RADIUS, FIELD_RADIUS = 42.0, 270.0
THICKEST, THINNEST = 4.3, 0.8  # radii of vessels
SATURATED = 3.5  # thickness at which a vessel has two thirds of its strongest absorbance
NOISE = 0.013


def fundus(seed, number, size=565, bright=False):
    """One photograph; the same arguments always give the same pixels.

    Args:
        seed: of the cohort.
        number: of the photograph in the cohort.
        size: side in pixels.
        bright: vessels brighter than their ground, as in an angiogram with fluorescein.

    Returns:
        image: (size, size, 3) float32 in [0, 1].
        mask: (size, size) bool, the vessels.
        field: (size, size) bool, where there is image at all.
    """
    rng = np.random.default_rng([seed, streams.FUNDI, number])
    scale = size / SIZE
    y, x = (np.mgrid[:size, :size].astype(np.float32) - size / 2) / scale
    field = y**2 + x**2 < FIELD_RADIUS**2
    side = rng.choice((-1.0, 1.0))  # where the disc lies: left or right eye
    disc = np.array([rng.normal(0, 12), side * rng.uniform(150, 190)])
    macula = disc + (rng.normal(15, 10), -side * 165.0)
    absorbance, mask = _vessels(rng, size, scale, disc, side)
    ground = _ground(rng, y, x, scale, disc, macula)
    green = ground * np.exp(absorbance if bright else -absorbance)
    red = np.clip(0.35 + 0.9 * ground, 0, 1) * np.exp(-0.15 * absorbance)
    image = np.stack([red, green, 0.45 * green + 0.05], -1)
    grain = ndimage.gaussian_filter(rng.normal(0, 1, image.shape), (0.7 * scale, 0.7 * scale, 0))
    image += NOISE * grain / grain.std()
    outside = np.array([0.02, 0.01, 0.01]) + 0.004 * rng.normal(0, 1, image.shape)
    share = ndimage.gaussian_filter(field.astype(np.float32), 1.2 * scale)[..., None]
    image = share * image + (1 - share) * outside
    return np.clip(image, 0, 1).astype(np.float32), mask & field, field


def _ground(rng, y, x, scale, disc, macula):
    """The green light of a fundus without vessels, about 0.2 to 0.8."""
    light = rng.uniform(0.36, 0.46) * (1.0 - rng.uniform(0.25, 0.5) * (y**2 + x**2) / FIELD_RADIUS**2)
    light = light * (1.0 + rng.uniform(0.0, 0.25) * (x * rng.choice((-1.0, 1.0)) + y * rng.normal(0, 0.5)) / 270)
    for width, strength in ((45.0, 0.05), (9.0, 0.02), (3.5, 0.01)):  # clouds, choroid, mottle
        texture = ndimage.gaussian_filter(rng.normal(0, 1, y.shape), width * scale, mode="reflect")
        light = light * (1.0 + strength * texture / texture.std())
    distance = np.hypot(y - macula[0], x - macula[1])
    light = light * (1.0 - rng.uniform(0.25, 0.45) * np.exp(-(distance / rng.uniform(35, 55))**2))
    distance = np.hypot((y - disc[0]) / 1.08, x - disc[1])
    edge = 1.0 / (1.0 + np.exp(np.clip((distance - DISC_RADIUS) / 2.5, -40, 40)))
    cup = np.exp(-(distance / 18.0)**2)
    return light * (1.0 + rng.uniform(0.5, 0.8) * edge + 0.35 * cup)


def _vessels(rng, size, scale, disc, side):
    """(absorbance, mask): two arcades above the disc and two below, an artery and a vein each, and nasal ones."""
    absorbance, mask = np.zeros((size, size), np.float32), np.zeros((size, size), bool)
    towards = np.pi if side > 0 else 0.0  # the macula's side, as a heading
    for artery in (False, True):
        for up in (-1.0, 1.0):
            turn = up * side  # so that the arcade leaves upwards or downwards and bends towards the macula
            for spread, radius in ((rng.uniform(1.0, 1.35), 1.0), (rng.uniform(2.0, 2.6), 0.55)):
                heading = towards + turn * spread * (1.0 if artery else 1.1)
                bend = -turn * rng.uniform(0.0035, 0.006) * (1.0 if radius == 1.0 else 0.2)
                start = disc + rng.normal(0, 6, 2)
                width = THICKEST * radius * rng.uniform(0.8, 1.0) * (0.78 if artery else 1.0)
                _grow(rng, absorbance, mask, (width, start, heading, bend), artery, scale)
    return ndimage.gaussian_filter(absorbance, 0.8 * scale), mask


def _grow(rng, absorbance, mask, first, artery, scale):
    """One tree: branches wait in a queue; each gives off side branches and forks at its end."""
    size = mask.shape[0]
    strength = rng.uniform(0.40, 0.55) * (0.75 if artery else 1.0)
    queue = [(*first, 420.0)]
    while queue:
        radius, position, heading, bend, left = queue.pop(0)
        thickness, own = np.zeros_like(absorbance), np.zeros_like(mask)
        until_branch = rng.uniform(20, 45)
        while left > 0 and radius > THINNEST and np.hypot(*position) < FIELD_RADIUS + 8:
            stamp_ball(thickness, own, position * scale + size / 2, max(radius * scale, 0.75))
            heading += bend + rng.normal(0, 0.022)
            position = position + np.array([np.sin(heading), np.cos(heading)])
            radius, left, until_branch = radius * (1 - 0.0016), left - 1, until_branch - 1
            if until_branch < 0:
                until_branch = rng.uniform(20, 45)
                side = rng.choice((-1.0, 1.0))
                child = radius * rng.uniform(0.4, 0.75)
                if child > THINNEST:
                    queue.append((child, position, heading + side * rng.uniform(0.5, 1.2),
                                  rng.normal(0, 0.004), rng.uniform(50, 190)))
        depth = strength * (1.0 - np.exp(-thickness / (SATURATED * scale)))
        if artery:  # the reflex along the middle of wide ones
            depth -= 0.15 * strength * np.clip(thickness / scale - 4.0, 0.0, 2.0)
        np.maximum(absorbance, depth, out=absorbance)
        mask |= own
