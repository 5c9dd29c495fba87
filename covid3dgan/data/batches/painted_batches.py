"""Batches of slices of healthy lungs with lesions painted into them, seen by one scanner or another."""

__all__ = ["Healthy", "healthy_lungs", "painted_batches"]

import dataclasses
import functools
import threading
from typing import Optional

import numpy as np

from covid3dgan import streams
from covid3dgan.data.noise import healthy_noise
from covid3dgan.data.noise.scanner_looks import scanned, thickened
from covid3dgan.data.preprocess.lung_level import lung_line
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

VOLUMES_PER_TURN = 3
STEPS_PER_TURN = 8  # painting a volume takes as long as some steps, and it has 64 slices
KEPT_TURNS = 3
# How often a slice is drawn among those with a lesion (where there are any), with enough lung, with any.
PLACES = (0.6, 0.32, 0.08)
LEAST_LESION, LEAST_LUNG = 0.002, 0.02  # of a slice's pixels

LIKE_COVID = healthy_noise.LIKE_COVID
# From faint haze to dense consolidation, wherever it lies.
VARIED = dataclasses.replace(LIKE_COVID, ground_glass=(90.0, 430.0), consolidation=0.45, veiled=0.3,
                             softness=(0.1, 0.5), patchy=0.3, peripheral=2.5, posterior=1.5, basal=0.5)
# What fills much of a lung.
EXTENSIVE = dataclasses.replace(VARIED, ground_glass=(130.0, 480.0), consolidation=0.5, softness=(0.1, 0.6),
                                focal=(0.5, 1, 3), spread=(0.5, 3, 9), peripheral=2.0, posterior=2.0, basal=0.7,
                                radius=(0.07, 0.45), patchy=0.6)
LOOKS = (LIKE_COVID, VARIED, EXTENSIVE)
# Lungs are levelled with the disease in them, a single slice on its own: how often that is done again after painting,
# and what is levelled at most then, HU from front to back and HU above the lungs' level.
LEVELLED, ALONE = 0.6, 0.35
STEEPEST, DENSEST = (60.0, 170.0), (20.0, 150.0)
HEALTHY, VESSEL = 0.02, (-600.0 - HU_RANGE[0]) / HU_SPAN  # share of a pixel that is lesion at most; brightness at least


@dataclasses.dataclass(frozen=True)
class Healthy:
    """Healthy volumes (N, slices, rows, columns): ``images`` with what is around the lungs, bool ``lungs``.

    ``spacings`` are each one's millimetres along the three axes. Phantoms may have lesions of their own, of which
    ``extents`` says where they are; nothing is painted into these.
    """

    images: np.ndarray
    lungs: np.ndarray
    spacings: tuple
    extents: Optional[np.ndarray] = None

    def __len__(self):
        return len(self.images)


def healthy_lungs(cases):
    """The :class:`Healthy` of a data.preprocess.prepared_set.PreparedSet: levelled as their lungs are, all around.

    Those of a set of COVID phantoms have ``extents``.
    """
    images, masks = [], []
    for case in cases.cases:
        lungs = case.lung_mask > 0.5
        images.append(np.where(lungs, case.lung, np.clip(case.base + _level(case, lungs)[:, None], 0, 1)))
        masks.append(lungs)
    diseased = any(case.infection is not None and case.infection.any() for case in cases.cases)
    return Healthy(np.stack(images).astype(np.float16), np.stack(masks), tuple(case.spacing for case in cases.cases),
                   cases.array("infection") > 0.5 if diseased else None)


def _level(case, lungs):
    """What levelling added to each row (rows,), read from the lungs; rows without lung take their neighbours'."""
    inside = lungs & (case.lung > 0) & (case.base > 0)
    known = np.flatnonzero(inside.any((0, 2)))
    added = [np.median((case.lung - case.base)[:, row][inside[:, row]]) for row in known]
    return np.interp(np.arange(lungs.shape[1]), known, added).astype(np.float32)


def painted_batches(sources, shares, batch_size, untouched_share, seed, level=-860.0, vessel_weight=1.0):
    """A function step -> dict with ``slice``, ``target``, and ``weight`` of each pixel (B, H, W, 1), and ``step``.

    Args:
        sources: a :class:`Healthy` for each kind of lungs, real ones and phantoms.
        shares: how often a volume of each is drawn.
        batch_size: slices of a batch.
        untouched_share: of the volumes that get no lesion: their slices teach what vessels look like.
        seed: the run's seed.
        level: HU of the lungs of ``sources``, see data.preprocess.lung_level.
        vessel_weight: of pixels that are dense and healthy: vessels look most like lesions, and are few.
    """
    shares = np.asarray(shares, float) / np.sum(shares)

    @functools.lru_cache(maxsize=KEPT_TURNS)
    def painted(turn):
        rng = np.random.default_rng([seed, streams.PAINTED_LESIONS, turn])
        return [_painted(sources[rng.choice(len(sources), p=shares)], untouched_share, level, rng)
                for _ in range(VOLUMES_PER_TURN)]

    painting = threading.Lock()  # else two steps that are made at once would both paint

    def at(step):
        with painting:
            volumes = painted(step // STEPS_PER_TURN)
        rng = np.random.default_rng([seed, streams.PAINTED_SLICES, step])
        pairs = []
        for _ in range(batch_size):
            image, extent, lungs, places = volumes[rng.integers(len(volumes))]
            place = rng.choice(places[rng.choice(len(places), p=PLACES)])
            image, extent, lungs = (array[place] for array in (image, extent, lungs))
            if rng.random() < ALONE:
                image = _levelled(image[None], lungs[None], level, rng)[0]
            pairs.append(scanned(image, extent, lungs, rng))
        slices, targets = (np.stack(part).astype(np.float32)[..., None] for part in zip(*pairs))
        weights = np.where((targets < HEALTHY) & (slices > VESSEL), np.float32(vessel_weight), np.float32(1))
        return {"slice": slices, "target": targets, "weight": weights, "step": np.int64(step)}

    return at


def _painted(source, untouched_share, level, rng):
    """One volume: (image, extent, lungs), and its slices with a lesion, with enough lung, and with any."""
    number = rng.integers(len(source))
    image, lungs = source.images[number].astype(np.float32), source.lungs[number]
    extent = np.zeros_like(image)
    if source.extents is not None:
        extent = source.extents[number].astype(np.float32)
    elif rng.random() >= untouched_share:
        look = LOOKS[rng.integers(len(LOOKS))]
        noisy, reach = healthy_noise.painted_lesions(image[None], lungs[None], rng, look)
        image, extent = noisy[0], reach[0]
    image, extent = thickened([image, extent], rng)
    if rng.random() < LEVELLED:
        image = _levelled(image, lungs, level, rng)
    filled = lungs.mean((1, 2))
    lung, any_lung = np.flatnonzero(filled > LEAST_LUNG), np.flatnonzero(filled > 0)
    lesion = np.flatnonzero(extent.mean((1, 2)) > LEAST_LESION)
    return image, extent, lungs, (lesion if len(lesion) else lung, lung, any_lung)


def _levelled(image, lungs, level, rng):
    """An image (slices, rows, columns) in [0, 1] as levelling leaves it, which takes wide disease for dense lung.

    The lungs are at their level, but for what was painted; where the CT stood is not known any more, so that the
    limits are drawn.
    """
    line = lung_line(image * HU_SPAN + HU_RANGE[0], lungs, (rng.uniform(*STEEPEST), level + rng.uniform(*DENSEST)))
    return image + ((level - line) / HU_SPAN).astype(np.float32)[:, None]
