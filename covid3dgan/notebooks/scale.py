"""How long the project's own notebooks run: as the demos do, a tenth of it, or only a few steps.

All use the demos' networks, volumes and images. ``small`` has fewer cases and steps, for the outputs that the notebooks
carry; ``short`` as few as let every cell run, for CI. The scores of both mean nothing.
"""

__all__ = ["FOLDER", "SCALES", "VARIABLE", "cohort_sizes", "is_short", "name", "preset", "run_folder",
           "training_options"]

import dataclasses
import os
from pathlib import Path

from covid3dgan import papers, presets
from covid3dgan.errors import check_choice

VARIABLE = "COVID3DGAN_NOTEBOOK_SCALE"
FOLDER = "COVID3DGAN_NOTEBOOK_RUN"  # where the four notebooks of paper 001 share one run
# What each is, in the words of the notebooks that carry its outputs.
SCALES = {"demo": "the demo's size",
          "small": "a small size (the demo's networks, fewer cases and steps, so scores mean nothing)",
          "short": "the shortest size, a few steps, so that pictures and scores mean nothing"}


def name():
    """Which of ``SCALES`` the environment asks for."""
    return check_choice(VARIABLE, os.environ.get(VARIABLE, "demo"), tuple(SCALES))


def is_short():
    """Whether the notebook runs only a few steps."""
    return name() == "short"


def preset(of, settings=()):
    """The preset ``of``, with what a shorter run changes and the user's ``settings`` on top."""
    found = presets.get(of)
    paper = papers.get(found.system)
    fewer = {"demo": (), "small": paper.small_run, "short": paper.short_run}[name()]
    return presets.override(found, [*fewer, *settings])


def cohort_sizes():
    """systems.cohorts.CohortSizes of the phantoms."""
    from covid3dgan.systems.cohorts import DEMO_SIZES, CohortSizes

    return {"demo": DEMO_SIZES,
            "small": CohortSizes(healthy=6, covid=3, validation=2, test=3, size=DEMO_SIZES.size),
            "short": CohortSizes(healthy=4, covid=2, validation=2, test=2, size=DEMO_SIZES.size)}[name()]


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
