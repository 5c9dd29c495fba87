"""Healthy-noisy volumes: the input of the generator's reconstruction step, whose target is the clean volume.

`published` adds the papers' 2D Perlin fields (F30: 8 of 32 slices, also outside the lungs, either sign). Since they
look nothing like disease, a generator soon learns the identity on everything else; `lesions` paints what it has to
remove instead: soft, brighter, lesion-like densities inside the lungs.
"""

__all__ = ["lesions", "published"]

import numpy as np
from scipy import ndimage

from covid3dgan.data import perlin
from covid3dgan.errors import InputError

OCTAVES, LACUNARITY, REPEAT = 10, 2.0, 140
NOISY_SLICES = 8 / 32

# Density ranges of the two kinds of lesion (HU) and the share of lesions that are consolidations.
GROUND_GLASS_HU = (-700.0, -300.0)
CONSOLIDATION_HU = (-100.0, 60.0)
CONSOLIDATION_SHARE = 0.3
TEXTURE_HU = 60.0


def published(volumes, rng):
    """Adds the papers' Perlin fields to a quarter of each volume's slices (paper 001, section 3.1; F30).

    Args:
        volumes: float32 (B, slices, rows, columns).
        rng: `numpy.random.Generator`.

    Returns:
        float32 (B, slices, rows, columns), a new array, not clipped.
    """
    volumes = _volumes(volumes)
    batch, slices = volumes.shape[:2]
    count = max(1, round(slices * NOISY_SLICES))
    chosen = np.stack([rng.choice(slices, count, replace=False) for _ in range(batch)])
    fields = perlin.pnoise2_batch(volumes.shape[2:], rng.integers(10, 30, batch * count), OCTAVES,
                                  0.01 * rng.integers(-50, 50, batch * count), LACUNARITY, REPEAT,
                                  rng.integers(0, 1000, batch * count))
    noisy = volumes.copy()
    noisy[np.arange(batch)[:, None], chosen] += fields.reshape(batch, count, *volumes.shape[2:])
    return noisy


def lesions(volumes, lung_masks, rng, count=(1, 6), radius=(0.04, 0.16), peripheral=2.0):
    """Paints lesion-like densities into healthy lungs: 3D, soft, never darker than the lung was.

    Args:
        volumes: float32 (B, slices, rows, columns), 0 = -1000 HU, 1 = 400 HU.
        lung_masks: the same shape; above 0.5 is lung.
        rng: `numpy.random.Generator`.
        count: fewest and most lesions per volume.
        radius: smallest and largest radius of a lesion, as a share of the rows, columns (and of the slices).
        peripheral: preference for the lung's border; 0 draws centres evenly.

    Returns:
        float32 (B, slices, rows, columns), a new array in [0, 1] wherever ``volumes`` is.
    """
    volumes = _volumes(volumes)
    lung_masks = np.asarray(lung_masks)
    if lung_masks.shape != volumes.shape:
        raise InputError("lung_masks", f"the volumes' shape {volumes.shape}", f"{lung_masks.shape}",
                         "pass one lung mask per volume")
    noisy = volumes.copy()
    for index, (volume, lungs) in enumerate(zip(noisy, lung_masks > 0.5)):
        if not lungs.any():
            raise InputError(f"lung_masks[{index}]", "some lung", "an empty mask", "leave this case out")
        centres = _centres(lungs, int(rng.integers(count[0], count[1] + 1)), peripheral, rng)
        for centre in centres:
            _paint(volume, lungs, centre, radius, rng)
    return noisy


def _volumes(volumes):
    volumes = np.asarray(volumes, np.float32)
    if volumes.ndim != 4:
        raise InputError("volumes", "an array (batch, slices, rows, columns)", f"shape {volumes.shape}",
                         "drop the channel axis or add a batch axis")
    return volumes


def _centres(lungs, count, peripheral, rng):
    """``count`` voxels of the lungs, (count, 3), drawn more often where less lung is around them."""
    around = ndimage.uniform_filter(lungs.astype(np.float32), [max(3, size // 6) for size in lungs.shape])
    voxels = np.flatnonzero(lungs)
    weight = np.exp(-peripheral * 2 * around.reshape(-1)[voxels].astype(np.float64))
    cumulative = np.cumsum(weight)
    drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1])
    return np.stack(np.unravel_index(voxels[drawn], lungs.shape), axis=1)


def _paint(volume, lungs, centre, radius, rng):
    """Raises ``volume`` in place towards one lesion's density, inside a soft irregular ellipsoid around ``centre``."""
    size = np.array(volume.shape)
    radii = rng.uniform(*radius) * rng.uniform(0.6, 1.4, 3) * np.array([size[0], min(size[1:]), min(size[1:])])
    radii = np.maximum(radii, 1.0)
    low = np.maximum(np.floor(centre - 1.5 * radii).astype(int), 0)
    high = np.minimum(np.ceil(centre + 1.5 * radii).astype(int) + 1, size)
    box = tuple(slice(a, b) for a, b in zip(low, high))
    grid = np.ogrid[box]
    distance = np.sqrt(sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radii))).astype(np.float32)
    shape = distance.shape
    # The border wanders by a third of the radius; the density by some tens of HU around the lesion's own.
    envelope = np.clip((1.0 - distance + 0.35 * _smooth_noise(shape, 6, rng)) / 0.4, 0.0, 1.0)
    consolidation = rng.random() < CONSOLIDATION_SHARE
    density = rng.uniform(*(CONSOLIDATION_HU if consolidation else GROUND_GLASS_HU))
    target = (density + 1000.0 + TEXTURE_HU * _smooth_noise(shape, 7, rng)) / 1400.0
    part = volume[box]
    part += np.where(lungs[box], envelope * np.clip(target - part, 0.0, 1.0), 0.0).astype(np.float32)


def _smooth_noise(shape, knots, rng):
    """Noise of standard deviation about 0.6: ``shape``, interpolated from at most ``knots`` values per axis."""
    coarse = rng.standard_normal([min(knots, max(2, size)) for size in shape]).astype(np.float32)
    for axis, size in enumerate(shape):
        position = np.linspace(0, coarse.shape[axis] - 1, size)
        low = np.minimum(position.astype(int), coarse.shape[axis] - 2)
        share = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        coarse = np.take(coarse, low, axis) * (1 - share) + np.take(coarse, low + 1, axis) * share
    return coarse
