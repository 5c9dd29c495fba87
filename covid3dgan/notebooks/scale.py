"""How large the project's own notebooks run: at demo size, or tiny where CI executes them."""

__all__ = ["FOLDER", "VARIABLE", "cohort_sizes", "how", "is_test", "preset", "run_folder"]

import dataclasses
import os
from pathlib import Path

from covid3dgan import presets
from covid3dgan.errors import check_choice

VARIABLE = "COVID3DGAN_NOTEBOOK_SCALE"
FOLDER = "COVID3DGAN_NOTEBOOK_RUN"  # where the four notebooks of paper 001 share one run

_GAN = ("gan.steps=4", "gan.generator_width=1", "gan.discriminator_width=4", "gan.batch_size=2",
        "gan.reconstructions=1", "gan.log_every=1", "gan.checkpoint_every=4")
_SEGMENTER = ("segmenter.steps=4", "segmenter.width=4", "segmenter.batch_size=8", "segmenter.log_every=1",
              "segmenter.checkpoint_every=4")
# What test scale changes of a system's demo preset.
TINY = {
    "shabani": (*_GAN, *_SEGMENTER),
    "khali": (*_GAN, *_SEGMENTER, "transunet.steps=4", "transunet.first_phase_steps=1", "transunet.width=8",
              "transunet.blocks=1", "transunet.checkpoint_every=4"),
    "afseg": ("images.size=64", "coarse.erosion=0", "background.width=4", "background.patch=32",
              "background.batch_size=2", "background.first_check=2", "background.check_every=2",
              "background.most_steps=4", "synthesis.patch=32", "synthesis.batch_size=2",
              "synthesis.constant_epochs=1", "synthesis.decay_epochs=1", "synthesis.patches_per_image=1",
              "synthesis.generator_width=4", "synthesis.generator_depth=2", "synthesis.discriminator_width=4",
              "synthesis.discriminator_levels=1", "synthesis.segmenter_width=4", "synthesis.segmenter_depth=2",
              "synthesis.log_every=1"),
    "ssinfnet": ("slices.size=32", "slices.per_case=3", "slices.phantom_cases=6", "slices.phantom_unlabelled=2",
                 "slices.phantom_size=48,48,12", "single.width=4", "single.channels=4", "single.batch_size=4",
                 "single.epochs=1", "multi.width=2", "multi.batch_size=4", "multi.epochs=1",
                 *(f"{stage}_inpainting.{setting}" for stage in ("single", "multi") for setting in (
                     "crop=32", "batch_size=4", "first_round=1", "later_round=1", "coach_first_round=1",
                     "network_epochs=1", "coach_width=4", "coach_latent=3"))),
}


def is_test():
    """Whether the notebook runs at test scale."""
    return check_choice(VARIABLE, os.environ.get(VARIABLE, "demo"), ("demo", "test")) == "test"


def preset(name, settings=()):
    """The preset ``name``, made tiny at test scale, with the user's ``settings`` on top."""
    found = presets.get(name)
    return presets.override(found, [*(TINY[found.system] if is_test() else ()), *settings])


def cohort_sizes():
    """systems.cohorts.CohortSizes of the phantoms."""
    from covid3dgan.systems.cohorts import DEMO_SIZES, CohortSizes

    return CohortSizes(healthy=3, covid=2, validation=2, test=2, size=(64, 64, 24)) if is_test() else DEMO_SIZES


def how(seed, precision="auto"):
    """training.conduct.How; at test scale such that two runs are equal bit for bit."""
    from covid3dgan.training.conduct import How

    chosen = How(seed=seed, precision=precision)
    return dataclasses.replace(chosen, precision="float32", deterministic=True) if is_test() else chosen


def run_folder():
    """The folder that the four notebooks of paper 001 share: runs/notebooks in the repository, or what FOLDER names."""
    here = Path.cwd()
    root = here.parent if here.name == "notebooks" else here
    return Path(os.environ.get(FOLDER) or root / "runs" / "notebooks")
