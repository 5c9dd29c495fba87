"""The cohorts of synthetic chest CTs: how they differ, and how much of the lung each case's infection takes."""

__all__ = ["BLOCK", "COHORTS", "CtCohort", "find_cohort", "infection_rate", "random_of"]

import zlib
from dataclasses import dataclass
from typing import Optional

import numpy as np
from scipy.special import ndtri

from covid3dgan.data.phantoms.lesions import LesionStyle
from covid3dgan.errors import ArgumentError, nearest_names

GOLDEN = 0.6180339887498949
BLOCK = 20  # cases over which a cohort's mean infection rate is held


@dataclass(frozen=True)
class CtCohort:
    """How the cases of one cohort differ from another's."""

    infection_rate: Optional[float]  # mean percentage of the lung volume; None for healthy lungs
    spread: float = 0.0              # sigma of the lognormal infection rate
    style: Optional[LesionStyle] = None
    noise: tuple[float, float] = (20.0, 38.0)  # range of a scan's noise, see add_noise
    varied: bool = False             # each with hila, contrast agent, kernel and thickness of its own (variety.py)


# Infection rates: Shabani et al. 2022, Table 1.
COHORTS = {
    "healthy": CtCohort(None),
    "mosmed-like": CtCohort(1.47, 0.85, LesionStyle(consolidation=0.06, crazy_paving=0.15, lesion_volume=5.0)),
    "coronacases-like": CtCohort(7.92, 0.65, LesionStyle(consolidation=0.15, crazy_paving=0.30, lesion_volume=12.0)),
    "uestc-like": CtCohort(5.67, 0.75, LesionStyle(consolidation=0.17, crazy_paving=0.30, lesion_volume=10.0)),
    "radiopaedia-like": CtCohort(10.33, 0.65, LesionStyle(consolidation=0.18, crazy_paving=0.35, lesion_volume=14.0)),
    # Of no paper: from as many scanners as real CTs come from.
    "varied-healthy": CtCohort(None, noise=(8.0, 60.0), varied=True),
    "varied-covid": CtCohort(7.0, 0.9, LesionStyle(consolidation=0.2, crazy_paving=0.3, lesion_volume=12.0),
                             noise=(8.0, 60.0), varied=True),
}


def infection_rate(cohort, case, seed=0):
    """The infection rate in percent that case number ``case`` is drawn with; 0 in the healthy cohort.

    Every block of 20 cases holds each twentieth of the lognormal once and has exactly the cohort's mean, whatever the
    seed; quantiles step by the golden ratio, so a part of a block is spread evenly as well.
    """
    settings = find_cohort(cohort)
    if settings.infection_rate is None:
        return 0.0
    block, place = divmod(case, BLOCK)
    rng = random_of(cohort, seed, 0, block)
    steps = (rng.random() + GOLDEN * np.arange(BLOCK)) % 1.0
    quantiles = (np.argsort(np.argsort(steps)) + rng.uniform(0.2, 0.8, BLOCK)) / BLOCK
    relative = np.exp(settings.spread * ndtri(quantiles))
    return float(settings.infection_rate * relative[place] / relative.mean())


def find_cohort(cohort):
    """The CtCohort of a name; an error with the nearest names for one that is not known."""
    if cohort not in COHORTS:
        raise ArgumentError("cohort", f"one of {', '.join(COHORTS)}", f"{cohort!r}{nearest_names(cohort, COHORTS)}",
                            "choose one of them")
    return COHORTS[cohort]


def random_of(cohort, seed, *stream):
    """Random numbers of one concern; the name's checksum keeps cohorts of one seed from sharing patients."""
    return np.random.default_rng([seed, zlib.crc32(cohort.encode()), *stream])
