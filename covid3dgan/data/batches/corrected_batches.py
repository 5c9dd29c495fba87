"""Batches of slices of CTs with masks that people drew or corrected, seen by one scanner or another."""

__all__ = ["Corrected", "corrected", "corrected_batches"]

import dataclasses

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.painted_batches import VOLUMES_PER_TURN, healthy_lungs, places_of, scanned_batches
from covid3dgan.data.noise.scanner_looks import thickened
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

    Every case comes equally often, however many slices it has, and slices as data.batches.painted_batches draws them.

    Args:
        cases: :class:`Corrected`, several.
        batch_size: slices of a batch.
        seed: the run's seed.
    """
    def volumes_of(turn):
        rng = np.random.default_rng([seed, streams.CORRECTED_VOLUMES, turn])
        chosen = rng.choice(len(cases), VOLUMES_PER_TURN, replace=len(cases) < VOLUMES_PER_TURN)
        return [_volume(cases[number], rng) for number in chosen]

    return scanned_batches(volumes_of, batch_size, [seed, streams.CORRECTED_SLICES])


def _volume(case, rng):
    image, extent = thickened([case.image.astype(np.float32), case.mask.astype(np.float32)], rng)
    return image, extent, case.lungs, places_of(extent, case.lungs)
