"""Inf-Net's semi-supervised training, which paper 004 sets its inpainting against (section II): pseudo-labels.

A trained Inf-Net labels a few slices that nobody labelled, trains on with them and all before, labels the next few, and
so on. Each round's labels are kept in the run directory, so that an interrupted run goes on with the same ones.
"""

__all__ = ["Round", "make_rounds", "train_pseudo_labels"]

import dataclasses
import itertools

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets.slices import join
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path
from covid3dgan.inference.classes import load_network
from covid3dgan.inference.ssinfnet import infection_probability
from covid3dgan.models.from_presets import infnet_or_unet
from covid3dgan.training.ssinfnet.infnet import InfNetTraining
from covid3dgan.training.ssinfnet.running import conduct, per_epoch, start_run, validation_keeper

METHOD = "pseudo-labels"


@dataclasses.dataclass(frozen=True)
class Round:
    """Labels the slices ``first`` to ``last`` of those that nobody labelled, then trains from step ``start`` to
    ``end``."""

    first: int
    last: int
    start: int
    end: int


def make_rounds(labelled, unlabelled, options):
    """The rounds: each trains ``options.epochs`` times on everything that has labels by then.

    Args:
        labelled, unlabelled: how many slices there are.
        options: presets.ssinfnet.PseudoLabels.
    """
    count = unlabelled if options.images is None else min(unlabelled, options.images)
    lasts = [min(first + options.group, count) for first in range(0, count, options.group)]
    steps = [options.epochs * -(-(labelled + last) // options.batch_size) for last in lasts]
    ends = list(itertools.accumulate(steps))
    return [Round(first, last, start, end)
            for first, last, start, end in zip([0, *lasts], lasts, [0, *ends], ends)]


def train_pseudo_labels(train, validation, unlabelled, path, preset, execution, start, inputs=()):
    """Trains SInfNet's network on with pseudo-labels; returns the Run.

    Args:
        train, validation: labelled SliceSets.
        unlabelled: a SliceSet; its slices are labelled in an order that the seed draws.
        start: run directory of the trained SInfNet.
        path, preset, execution, inputs: as for ``train_ssinfnet.train_single``.
    """
    rounds = make_rounds(len(train), len(unlabelled), preset.pseudo_labels)
    if not rounds:
        raise InputError("unlabelled slices", "at least one to label", "none", "add slices without labels")
    run = start_run(path, "ssinfnet-single", preset, execution, inputs, {"method": METHOD, "start": str(start)})
    options = dataclasses.replace(preset.single, batch_size=preset.pseudo_labels.batch_size)
    training = InfNetTraining(infnet_or_unet(preset), infnet_or_unet(preset), options)
    for network in (training.network, training.best):
        network.set_weights(load_network(start)[0].get_weights())
    training.compile()
    order = np.random.default_rng([execution.seed, streams.PSEUDO_LABEL_ORDER]).permutation(len(unlabelled))
    checks = [slice_batches.single_batches(validation, options, lambda s: 0.0, execution.seed)(s)
              for s in range(per_epoch(validation, options))]
    callbacks = [validation_keeper(training, checks, ("image", "mask", "edge"),
                                   preset.validate_every * per_epoch(train, options))]
    reached, pool = _reached(run, execution), train
    limit = rounds[-1].end if execution.pause_after is None else reached + execution.pause_after
    for number, turn in enumerate(rounds):
        if turn.start >= limit:
            break
        kept = run.path / f"round_{number:04d}.npz"
        pool = join([pool, _labelled(training.network, unlabelled.take(order[turn.first:turn.last]), preset, kept)])
        if turn.end > reached:
            own = dataclasses.replace(execution, resume=turn.start > 0 or execution.resume,
                                      pause_after=min(turn.end, limit) - max(turn.start, reached))
            conduct(training, run, own, slice_batches.single_batches(
                pool, options, lambda step: preset.pseudo_labels.learning_rate, execution.seed),
                rounds[-1].end, preset, ("loss",), callbacks)
    return run


def _reached(run, execution):
    """The step of the newest checkpoint, where an earlier call is gone on with."""
    found = run.checkpoints.load() if execution.resume else None
    return 0 if found is None else found.step


def _labelled(network, group, preset, path):
    """``group`` with the network's own masks as labels, kept at ``path``; a round that was begun keeps its labels."""
    if path.is_file():
        with np.load(path) as kept:
            return dataclasses.replace(group, labels=kept["labels"])
    found = infection_probability(network, group.images)
    labels = (found >= preset.single.threshold).astype(np.uint8)
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, labels=labels)
    return dataclasses.replace(group, labels=labels)
