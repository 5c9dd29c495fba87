"""Batches of slices of healthy lungs with lesions painted into them, seen by one scanner or another."""

__all__ = ["Healthy", "healthy_lungs", "painted_batches"]

import dataclasses
import functools
import threading

import numpy as np

from covid3dgan import streams
from covid3dgan.data.noise import healthy_noise
from covid3dgan.data.noise.scanner_looks import scanned, thickened

VOLUMES_PER_TURN = 3
STEPS_PER_TURN = 8  # painting a volume takes as long as some steps, and it has 64 slices
KEPT_TURNS = 3
# How often a slice is drawn among those with a lesion (where there are any), with enough lung, with any.
PLACES = (0.45, 0.4, 0.15)
LEAST_LESION, LEAST_LUNG = 0.002, 0.02  # of a slice's pixels

LIKE_COVID = healthy_noise.LIKE_COVID
# From faint haze to dense consolidation, wherever it lies.
VARIED = dataclasses.replace(LIKE_COVID, ground_glass=(90.0, 430.0), consolidation=0.45, veiled=0.3,
                             softness=(0.1, 0.5), peripheral=2.5, posterior=1.5, basal=0.5)
LOOKS = (LIKE_COVID, VARIED)


@dataclasses.dataclass(frozen=True)
class Healthy:
    """Healthy volumes (N, slices, rows, columns): ``images`` with what is around the lungs, bool ``lungs``.

    ``spacings`` are the millimetres between the slices of each.
    """

    images: np.ndarray
    lungs: np.ndarray
    spacings: tuple

    def __len__(self):
        return len(self.images)


def healthy_lungs(cases):
    """The :class:`Healthy` of a data.preprocess.prepared_set.PreparedSet: levelled as their lungs are, all around."""
    images, masks = [], []
    for case in cases.cases:
        lungs = case.lung_mask > 0.5
        images.append(np.where(lungs, case.lung, np.clip(case.base + _level(case, lungs)[:, None], 0, 1)))
        masks.append(lungs)
    return Healthy(np.stack(images).astype(np.float16), np.stack(masks), tuple(case.spacing[0] for case in cases.cases))


def _level(case, lungs):
    """What levelling added to each row (rows,), read from the lungs; rows without lung take their neighbours'."""
    inside = lungs & (case.lung > 0) & (case.base > 0)
    known = np.flatnonzero(inside.any((0, 2)))
    added = [np.median((case.lung - case.base)[:, row][inside[:, row]]) for row in known]
    return np.interp(np.arange(lungs.shape[1]), known, added).astype(np.float32)


def painted_batches(sources, shares, batch_size, untouched_share, seed):
    """A function step -> dict with ``slice`` and ``target`` (B, H, W, 1) and ``step``.

    Args:
        sources: a :class:`Healthy` for each kind of lungs, real ones and phantoms.
        shares: how often a volume of each is drawn.
        batch_size: slices of a batch.
        untouched_share: of the volumes that get no lesion: their slices teach what vessels look like.
        seed: the run's seed.
    """
    shares = np.asarray(shares, float) / np.sum(shares)

    @functools.lru_cache(maxsize=KEPT_TURNS)
    def painted(turn):
        rng = np.random.default_rng([seed, streams.PAINTED_LESIONS, turn])
        return [_painted(sources[rng.choice(len(sources), p=shares)], untouched_share, rng)
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
            pairs.append(scanned(image[place], extent[place], lungs[place], rng))
        slices, targets = (np.stack(part).astype(np.float32)[..., None] for part in zip(*pairs))
        return {"slice": slices, "target": targets, "step": np.int64(step)}

    return at


def _painted(source, untouched_share, rng):
    """One volume: (image, extent, lungs), and its slices with a lesion, with enough lung, and with any."""
    number = rng.integers(len(source))
    image, lungs = source.images[number].astype(np.float32), source.lungs[number]
    extent = np.zeros_like(image)
    if rng.random() >= untouched_share:
        look = LOOKS[rng.integers(len(LOOKS))]
        noisy, reach = healthy_noise.painted_lesions(image[None], lungs[None], rng, look)
        image, extent = noisy[0], reach[0]
    image, extent = thickened([image, extent], rng)
    filled = lungs.mean((1, 2))
    lung, any_lung = np.flatnonzero(filled > LEAST_LUNG), np.flatnonzero(filled > 0)
    lesion = np.flatnonzero(extent.mean((1, 2)) > LEAST_LESION)
    return image, extent, lungs, (lesion if len(lesion) else lung, lung, any_lung)
