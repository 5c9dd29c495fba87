"""A small TransUNet trained on slices with one bright square each: for tests of its training."""

import dataclasses

import numpy as np

from covid3dgan import presets
from covid3dgan.data.preprocess.prepared_set import PreparedSet
from covid3dgan.presets.stages import Threshold
from covid3dgan.training.khali.train_transunet import train_on_slices
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.pseudo_slices import PseudoSlices

SIDE, PHASE, EVERY, STEPS = 32, 3, 4, 80
CUT = 0.03  # below the mean target, at which every probability starts


def preset(**changes):
    chosen = presets.get("khali/demo")
    small = {"width": 16, "blocks": 1, "heads": 2, "ema_decay": 0.0, "batch_size": 8, "first_phase_steps": PHASE,
             "steps": STEPS, "learning_rate": 2e-3, "checkpoint_every": EVERY, "keep": "best", **changes}
    return dataclasses.replace(chosen, threshold=Threshold(value=CUT, relative=False),
                               segmenter=dataclasses.replace(chosen.segmenter, synthetic_share=0.0),
                               transunet=dataclasses.replace(chosen.transunet, **small))


def slices(count=48):
    """Slices with one bright square each, whose size sorts them into groups."""
    targets = np.zeros((count, SIDE, SIDE), np.float32)
    for index in range(count):
        side = 2 + index % 12
        targets[index, 4:4 + side, 6:6 + side] = 1.0
    images = targets + np.random.default_rng(0).random(targets.shape).astype(np.float32) * 0.1
    return PseudoSlices(PreparedSet((), ()), 0, images, targets, np.full(count, 900), None, None)


def train(path, validation, chosen=None, **execution):
    options = TrainingOptions(seed=1, deterministic=True, **execution)
    return train_on_slices(slices(), path, chosen or preset(), options, validation)


def arrays(run):
    return run.checkpoints.load().arrays
