"""Batches of slices of CTs with masks that people drew or corrected, seen by one scanner or another."""

__all__ = ["Corrected", "corrected", "corrected_batches"]

import dataclasses
import functools
import threading

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.painted_batches import (
    KEPT_TURNS,
    LEAST_LESION,
    LEAST_LUNG,
    PLACES,
    STEPS_PER_TURN,
    VOLUMES_PER_TURN,
    healthy_lungs,
)
from covid3dgan.data.noise.scanner_looks import scanned, thickened
from covid3dgan.data.preprocess.prepared_set import PreparedSet


@dataclasses.dataclass(frozen=True)
class Corrected:
    """One CT with its mask: ``image`` with what is around the lungs, bool ``lungs`` and ``mask``, each
    (slices, rows, columns)."""

    image: np.ndarray
    lungs: np.ndarray
    mask: np.ndarray


def corrected(case):
    """The :class:`Corrected` of a data.preprocess.prepared_case.PreparedCase with an infection mask."""
    whole = healthy_lungs(PreparedSet((case,), (None,)))  # levelled all around; healthy or not is all the same there
    return Corrected(whole.images[0], whole.lungs[0], case.infection > 0.5)


def corrected_batches(cases, batch_size, seed):
    """A function step -> dict with ``slice`` and ``target`` (B, H, W, 1) and ``step``.

    Every case comes equally often, however many slices it has. Slices are drawn, and look, as those of
    data.batches.painted_batches.

    Args:
        cases: :class:`Corrected`, several.
        batch_size: slices of a batch.
        seed: the run's seed.
    """
    @functools.lru_cache(maxsize=KEPT_TURNS)
    def drawn(turn):
        rng = np.random.default_rng([seed, streams.CORRECTED_VOLUMES, turn])
        chosen = rng.choice(len(cases), VOLUMES_PER_TURN, replace=len(cases) < VOLUMES_PER_TURN)
        return [_volume(cases[number], rng) for number in chosen]

    drawing = threading.Lock()  # else two steps that are made at once would both draw

    def at(step):
        with drawing:
            volumes = drawn(step // STEPS_PER_TURN)
        rng = np.random.default_rng([seed, streams.CORRECTED_SLICES, step])
        pairs = []
        for _ in range(batch_size):
            image, extent, lungs, places = volumes[rng.integers(len(volumes))]
            place = rng.choice(places[rng.choice(len(places), p=PLACES)])
            pairs.append(scanned(image[place], extent[place], lungs[place], rng))
        slices, targets = (np.stack(part).astype(np.float32)[..., None] for part in zip(*pairs))
        return {"slice": slices, "target": targets, "step": np.int64(step)}

    return at


def _volume(case, rng):
    """(image, extent, lungs) with slices as thick as drawn, and which slices have a lesion (with enough lung, where
    none has), with enough lung, with any."""
    image, extent = thickened([case.image.astype(np.float32), case.mask.astype(np.float32)], rng)
    filled = case.lungs.mean((1, 2))
    any_lung = np.flatnonzero(filled > 0)
    lung = np.flatnonzero(filled > LEAST_LUNG)
    lung = lung if len(lung) else any_lung
    lesion = np.flatnonzero(extent.mean((1, 2)) > LEAST_LESION)
    return image, extent, case.lungs, (lesion if len(lesion) else lung, lung, any_lung)
