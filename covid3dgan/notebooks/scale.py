"""How long the project's own notebooks run: as the demos do, or only a few steps where CI executes them.

Both use the demos' networks, volumes and images; the short run has fewer cases and steps, so its scores mean nothing.
"""

__all__ = ["FOLDER", "VARIABLE", "cohort_sizes", "is_short", "preset", "run_folder", "training_options"]

import dataclasses
import os
from pathlib import Path

from covid3dgan import papers, presets
from covid3dgan.errors import check_choice

VARIABLE = "COVID3DGAN_NOTEBOOK_SCALE"
FOLDER = "COVID3DGAN_NOTEBOOK_RUN"  # where the four notebooks of paper 001 share one run



def is_short():
    """Whether the notebook runs only a few steps."""
    return check_choice(VARIABLE, os.environ.get(VARIABLE, "demo"), ("demo", "short")) == "short"


def preset(name, settings=()):
    """The preset ``name``, with the few steps of a short run and the user's ``settings`` on top."""
    found = presets.get(name)
    return presets.override(found, [*(papers.get(found.system).short_run if is_short() else ()), *settings])


def cohort_sizes():
    """systems.cohorts.CohortSizes of the phantoms."""
    from covid3dgan.systems.cohorts import DEMO_SIZES, CohortSizes

    few = CohortSizes(healthy=4, covid=2, validation=2, test=2, size=DEMO_SIZES.size)
    return few if is_short() else DEMO_SIZES


def training_options(seed, precision="auto"):
    """training.loop.TrainingOptions; in a short run such that two are equal bit for bit."""
    from covid3dgan.training.loop import TrainingOptions

    chosen = TrainingOptions(seed=seed, precision=precision)
    return dataclasses.replace(chosen, precision="float32", deterministic=True) if is_short() else chosen


def run_folder():
    """The folder that the four notebooks of paper 001 share: runs/notebooks in the repository, or what FOLDER names."""
    here = Path.cwd()
    root = here.parent if here.name == "notebooks" else here
    return Path(os.environ.get(FOLDER) or root / "runs" / "notebooks")
