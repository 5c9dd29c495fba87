"""Healthy-noisy volumes: the input of the generator's reconstruction step, whose target is the clean volume.

`published` adds the papers' 2D Perlin fields (F30: 8 of 32 slices, also outside the lungs, either sign). Since they
look nothing like disease, a generator soon learns the identity on everything else; `lesions` paints what it has to
remove instead: soft, brighter, lesion-like densities inside the lungs.
"""

__all__ = ["ANYWHERE", "LIKE_COVID", "Look", "lesions", "painted_lesions", "published"]

import dataclasses
import functools
from typing import Optional

import numpy as np
from scipy import ndimage

from covid3dgan.data.noise import perlin
from covid3dgan.errors import InputError
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

OCTAVES, LACUNARITY, REPEAT = 10, 2.0, 140
NOISY_SLICES = 8 / 32

CONSOLIDATION_HU = (-150.0, 60.0)
BRIGHTEST_HU = 90.0
TEXTURE_HU = 60.0
FAINTEST_HU = 40.0  # what a veil adds at least, also where the lung is already bright
VEILED_HU = -790.0  # brighter tissue shines less through the veil


@dataclasses.dataclass(frozen=True)
class Look:
    """What painted lesions look like, and where they lie.

    ``peripheral``, ``posterior`` and ``basal`` are preferences for the lung's border, its back and its bottom:
    logarithms of how much more likely a centre is at one end than at the other.
    """

    ground_glass: tuple[float, float]  # HU that a veil adds to the lung's density; a consolidation replaces the lung
    consolidation: float               # share of the lesions that have some, in their cores
    veiled: float                      # share of what tissue has above VEILED_HU that the veil hides
    softness: tuple[float, float]      # width of the border, in radii
    on_ellipsoid: float                # extent there: 0.5 is a border half inside and half outside
    # Disease is focal in some patients and all over the lungs in others: (share of volumes, fewest, most lesions).
    focal: tuple[float, int, int]
    spread: tuple[float, int, int]
    peripheral: float
    posterior: float = 0.0
    basal: float = 0.0
    blur: Optional[tuple[float, float, float]] = None  # what a voxel and its neighbours on each axis give to it
    radius: tuple[float, float] = (0.015, 0.16)  # smallest and largest, as a share of the rows, columns and slices
    patchy: float = 0.0  # share of the lesions in which air and thickened septa alternate; readers outline the whole


# What the generator has to remove: from the brightest to the faintest, wherever it lies, and as sharp as the grid, so
# that it learns to change nothing beside it. On softer ones (LIKE_COVID) it changed more of what is around one.
ANYWHERE = Look(ground_glass=(110.0, 380.0), consolidation=0.45, veiled=0.3, softness=(0.3, 0.9), on_ellipsoid=0.3,
                focal=(0.4, 1, 3), spread=(0.6, 3, 12), peripheral=2.0)

# What the segmenter has to find: peripheral, posterior and in the lower lungs, as most of COVID-19 is (82 % and 81 % of
# 552 patients, 73 to 76 % of 2655: PMC7355135, PMC8119228), and blurred, since the scanner and the way to the
# network's few voxels blur a patient's lesions, too: a point spreads as by a Gaussian of 0.4 voxels.
LIKE_COVID = Look(ground_glass=(110.0, 340.0), consolidation=0.3, veiled=0.4, softness=(0.16, 0.45), on_ellipsoid=0.5,
                  focal=(0.35, 1, 5), spread=(0.65, 5, 24), peripheral=4.0, posterior=3.0, basal=1.0,
                  blur=(0.08, 0.84, 0.08))


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


def lesions(volumes, lung_masks, rng):
    """Healthy volumes with what the generator has to remove: lesion-like densities in the lungs (``ANYWHERE``).

    Arguments as of :func:`painted_lesions`.

    Returns:
        float32 (B, slices, rows, columns), a new array in [0, 1] wherever ``volumes`` is.
    """
    return painted_lesions(volumes, lung_masks, rng, ANYWHERE)[0]


def painted_lesions(volumes, lung_masks, rng, look, count=None, radius=None):
    """Paints lesions into healthy lungs, 3D, soft, never darker than the lung was, and says where.

    Args:
        volumes: float32 (B, slices, rows, columns), 0 = -1000 HU, 1 = 400 HU; slices upwards, rows front to back.
        lung_masks: the same shape; above 0.5 is lung.
        rng: `numpy.random.Generator`.
        look: :class:`Look`, for example ``LIKE_COVID``.
        count: fewest and most lesions per volume; by default few in some volumes and many in others.
        radius: smallest and largest radius of a lesion, by default the look's; drawn evenly in its logarithm, since
            small lesions are the frequent ones.

    Returns:
        (noisy, extent), both new float32 arrays (B, slices, rows, columns). ``extent`` is how much of a voxel a lesion
        takes, in [0, 1]: a reader's outline runs at about one half, in faint lesions as in dense ones.
    """
    volumes = _volumes(volumes)
    lung_masks = np.asarray(lung_masks)
    if lung_masks.shape != volumes.shape:
        raise InputError("lung_masks", f"the volumes' shape {volumes.shape}", f"{lung_masks.shape}",
                         "pass one lung mask per volume")
    noisy, extent = volumes.copy(), np.zeros_like(volumes)
    for index, lungs in enumerate(lung_masks > 0.5):
        if not lungs.any():
            raise InputError(f"lung_masks[{index}]", "some lung", "an empty mask", "leave this case out")
        fewest, most = count or (look.focal if rng.random() < look.focal[0] else look.spread)[1:]
        centres = _centres(lungs, int(rng.integers(fewest, most + 1)), look, rng)
        for centre in centres:
            _paint(noisy[index], extent[index], lungs, centre, radius or look.radius, look, rng)
        if look.blur:
            noisy[index] = volumes[index] + _blurred(noisy[index] - volumes[index], lungs, look.blur)
            extent[index] = _blurred(extent[index], lungs, look.blur)
    return noisy, extent


def _blurred(values, lungs, blur):
    """(slices, rows, columns): ``values`` spread by ``blur``, in the lungs; what they lose to the outside is gone."""
    for axis in range(3):
        values = ndimage.correlate1d(values, blur, axis, mode="constant")
    return np.where(lungs, values, 0)


def _volumes(volumes):
    volumes = np.asarray(volumes, np.float32)
    if volumes.ndim != 4:
        raise InputError("volumes", "an array (batch, slices, rows, columns)", f"shape {volumes.shape}",
                         "drop the channel axis or add a batch axis")
    return volumes


def _centres(lungs, count, look, rng):
    """``count`` voxels of the lungs, (count, 3), drawn by the preferences of ``look``."""
    around = ndimage.uniform_filter(lungs.astype(np.float32), [max(3, size // 6) for size in lungs.shape])
    voxels = np.flatnonzero(lungs)
    slices, rows, _ = np.unravel_index(voxels, lungs.shape)
    # Half of what is around a voxel of the border is lung: `around` goes from 1/2 to 1.
    preference = (-2 * look.peripheral * around.reshape(-1)[voxels].astype(np.float64)
                  + look.posterior * _place(rows) - look.basal * _place(slices))
    cumulative = np.cumsum(np.exp(preference - preference.max()))
    drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1])
    return np.stack(np.unravel_index(voxels[drawn], lungs.shape), axis=1)


def _place(indices):
    """From the first index, 0, to the last, 1."""
    first, last = indices.min(), indices.max()
    return (indices - first) / max(last - first, 1)


def _paint(volume, extent, lungs, centre, radius, look, rng):
    """Adds one lesion to ``volume`` and ``extent`` in place: a veil of ground glass, in some with a solid core."""
    size = np.array(volume.shape)
    radii = np.exp(rng.uniform(*np.log(radius))) * np.exp(rng.uniform(-0.45, 0.45, 3)) * np.array(
        [size[0], min(size[1:]), min(size[1:])])
    radii = np.maximum(radii, (0.5, 0.8, 0.8))  # voxels: less would vanish between them
    low = np.maximum(np.floor(centre - 1.7 * radii - 1).astype(int), 0)
    high = np.minimum(np.ceil(centre + 1.7 * radii + 1).astype(int) + 1, size)
    box = tuple(slice(a, b) for a, b in zip(low, high))
    grid = np.ogrid[box]
    distance = np.sqrt(sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radii))).astype(np.float32)
    shape, part = distance.shape, volume[box]

    # 1 at the centre, 0 on the ellipsoid; the border wanders and is soft, each lesion's in its own measure.
    softness, ragged = rng.uniform(*look.softness), rng.uniform(0.2, 0.5)
    depth = 1.0 - distance + ragged * _smooth_noise(shape, 6, rng)
    envelope = np.where(lungs[box], np.clip(depth / softness + look.on_ellipsoid, 0.0, 1.0), 0.0).astype(np.float32)

    texture = rng.uniform(0.3, 1.5) * TEXTURE_HU * _smooth_noise(shape, 7, rng)
    veil = (rng.uniform(*look.ground_glass) + texture) / HU_SPAN
    added = np.maximum(veil - look.veiled * np.maximum(part - _scaled(VEILED_HU), 0.0), FAINTEST_HU / HU_SPAN)
    if look.patchy and rng.random() < look.patchy:
        added *= _patches(shape, rng)
    if rng.random() < look.consolidation:
        core = np.clip((depth - rng.uniform(0.0, 0.8) + 0.5 * _smooth_noise(shape, 6, rng)) / 0.3, 0.0, 1.0)
        solid = _scaled(rng.uniform(*CONSOLIDATION_HU) + TEXTURE_HU * _smooth_noise(shape, 7, rng))
        added += core * np.maximum(solid - part - added, 0.0)
    added = np.minimum(added, _scaled(BRIGHTEST_HU) - part)
    part += envelope * np.clip(added, 0.0, 1.0).astype(np.float32)
    np.maximum(extent[box], envelope, out=extent[box])


def _patches(shape, rng):
    """By how much of its veil a patchy lesion is as dense as it would be (slices, rows, columns), 0.15 to 1.3."""
    fine = _smooth_noise(shape, int(rng.integers(8, 24)), rng)
    return np.clip(rng.uniform(0.6, 1.0) + rng.uniform(0.4, 1.0) * fine, 0.15, 1.3)


def _scaled(hu):
    """HU as the volumes hold it."""
    return (hu - HU_RANGE[0]) / HU_SPAN


def _smooth_noise(shape, knots, rng):
    """Noise of standard deviation about 0.6: ``shape``, interpolated from at most ``knots`` values per axis."""
    coarse = rng.standard_normal([min(knots, max(2, size)) for size in shape]).astype(np.float32)
    for axis, size in enumerate(shape):
        low, high, left, share = _between_knots(coarse.shape[axis], size, axis)
        coarse = coarse.take(low, axis) * left + coarse.take(high, axis) * share
    return coarse


@functools.lru_cache(maxsize=1024)
def _between_knots(knots, size, axis):
    """The knot below and above each of ``size`` places (size,), and the share of each, (size,) along ``axis`` of 3."""
    position = np.linspace(0, knots - 1, size)
    low = np.minimum(position.astype(int), knots - 2)
    share = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    return low, low + 1, 1 - share, share
