"""Trains the TransUNet of a preset on the pseudo-masks of a GAN run, and finds its threshold."""

__all__ = ["KIND", "train_on_slices", "train_transunet"]

import dataclasses
import warnings

import numpy as np

from covid3dgan import progress
from covid3dgan.data.batches.grouped_batches import contrasted, grouped_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.batches.segmenter_batches import segmenter_batches
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.errors import InputError, InputWarning
from covid3dgan.inference.lesions import load_transunet, score_maps
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.keep_best import KeepBest
from covid3dgan.training.khali.temperature import FitTemperature, fit_on_groups
from covid3dgan.training.khali.transunet import (
    build_training,
    loss_weights,
    prepared_targets,
    start_at_mean,
)
from covid3dgan.training.loop import run_training
from covid3dgan.training.pseudo_slices import load_pseudo_slices
from covid3dgan.training.shabani.train_segmenter import store_threshold, validation_curve

KIND = "transunet"
SHOWN = ("contrastive_loss", "mse", "sensitivity_loss")
PANELS = 4


def train_transunet(data, gan, path, preset, execution, validation=None):
    """Trains and returns the Run.

    Args:
        data: a folder of prepared cases, or a list of them; the COVID ones train.
        gan: the GAN run whose generator makes the pseudo-masks.
        path: the run directory.
        preset: presets.khali.System.
        execution: training.loop.TrainingOptions.
        validation: folder of prepared cases with infection masks on which the threshold is tuned and the best weights
            are chosen, as the preset says; without one its threshold and the last weights stay.
    """
    execution.prepare()
    found = load_pseudo_slices(data, gan, preset.pseudo, execution.seed, preset.segmenter)
    refuse_other_preparation(found.cases, preset.preprocess)
    return train_on_slices(found, path, preset, execution, validation, {"gan": str(gan), "gan_step": found.gan_step})


def train_on_slices(found, path, preset, execution, validation=None, details=None):
    """Like :func:`train_transunet`, on a ``training.pseudo_slices.PseudoSlices``; ``details`` go into run.json."""
    options = preset.transunet
    _check(options, preset.contrastive)
    groups = group_slices(found.targets.sum((1, 2), dtype=np.float64), preset.contrastive, found.lung_pixels)
    precision = execution.prepare()
    run = Run.start(path, KIND, preset, execution.seed, inputs=found.cases.files(), resume=execution.resume,
                    overwrite=execution.overwrite,
                    details={"precision": precision, "deterministic": execution.deterministic,
                             "sides": list(found.slices.shape[1:]), "lungs": found.cases.lungs,
                             **(details or {})})
    run.update(groups={"rule": groups.rule, "high": len(groups.high), "low": len(groups.low)})
    progress.say(f"{len(groups.high)} high and {len(groups.low)} low slices ({groups.rule})")
    targets = prepared_targets(found.targets, options)
    training = build_training(options, found.slices.shape[1:])
    if options.start_at_mean:
        start_at_mean(training, targets)
    batches = grouped_batches(found.slices, targets, groups, options, loss_weights(options), execution.seed,
                              _others(found, preset, execution.seed))
    shown = np.argsort(-targets.sum((1, 2)), kind="stable")[:PANELS]

    def draw():
        scores = score_maps(training.inference_network(), found.slices[shown])
        rows = np.concatenate([found.slices[shown], targets[shown], scores], axis=2)
        return {"slice, pseudo-mask, output": np.clip(rows, 0.0, 1.0)[..., None]}

    callbacks = [*_keepers(training, preset, validation),
                 *_temperature_fits(training, found.slices, groups, run, execution.seed),
                 lambda recorder: Panels(recorder, draw)]
    run_training(training, run, execution, lambda first, last: step_dataset(batches, first, last), options.steps,
                 options.log_every, options.checkpoint_every, shown=SHOWN, callbacks=callbacks)
    if run.manifest["status"] == "done":
        _record_kept(run, training.score)
        store_threshold(run, load_transunet(path).network, preset, validation)
    return run


def _keepers(training, preset, validation):
    """The callback that keeps the best weights, where the preset wants those: a list of one function, or none.

    The best have the highest Dice on the validation cases, at the threshold that will be used. They are looked for
    where all losses train.
    """
    options = preset.transunet
    if options.keep == "last":
        return []
    if validation is None:
        progress.say("no validation cases: the last weights are kept, not the best")
        return []
    if not preset.threshold.tune:
        preset = dataclasses.replace(preset, threshold=dataclasses.replace(preset.threshold,
                                                                           grid=(preset.threshold.value,)))
    cases, network = open_prepared(validation).only("covid"), training.inference_network()

    def loss(step):
        if step <= options.first_phase_steps:
            return np.inf
        return 1.0 - max(validation_curve(network, cases, preset).dice)

    return [lambda recorder: KeepBest(recorder, training.averaged or training.network, training.best, training.score,
                                      lambda: loss(recorder.step), options.checkpoint_every)]


def _temperature_fits(training, slices, groups, run, seed):
    """The callback that fits the temperature, where the preset wants that: a list of one function, or none."""
    if training.temperature is None:
        return []

    def fit(initial):
        return fit_on_groups(training.features, slices, groups, seed, initial)

    return [lambda recorder: FitTemperature(recorder, training, fit, lambda facts: run.update(temperature=facts))]


def _record_kept(run, score):
    """Says in run.json, and here, which step's weights are the best."""
    if score is not None and float(score.step.numpy()) > 0:
        kept = {"step": int(score.step.numpy()), "dice": round(1.0 - float(score.loss.numpy()), 6)}
        run.update(kept=kept)
        progress.say(f"kept the weights of step {kept['step']}: Dice {kept['dice']:.3f} on the validation cases")


def _others(found, preset, seed):
    """The slices that are not contrasted: what the UNet sees in its end-to-end steps, in smaller batches."""
    options = preset.transunet
    if options.only_grouped_slices:
        return None
    stage = dataclasses.replace(preset.segmenter, batch_size=options.batch_size - contrasted(options),
                                only_grouped_slices=False)
    off = dataclasses.replace(preset.contrastive, enabled=False)
    batches = segmenter_batches(found.slices, found.targets, None, stage, off, seed, found.healthy, found.healthy_lungs,
                                np.flatnonzero(found.lung_pixels > 0))

    def batch_at(step):
        batch = batches(step)
        return {"slice": batch["slice"], "target": prepared_targets(batch["target"], options)}

    return batch_at


def _check(options, contrastive):
    if contrastive.pairs != "low-high":
        raise InputError(f"contrastive.pairs={contrastive.pairs}", "low-high for the TransUNet",
                         "pairs with healthy slices", "paper 002 contrasts COVID slices alone")
    least = 2 if options.only_grouped_slices else 4
    if options.batch_size % least or options.batch_size < 2 * least:
        raise InputError("transunet.batch_size", f"a multiple of {least}, at least {2 * least}, so that each group "
                         "gives two slices or more", f"{options.batch_size}", "change it")
    if options.sampler == "published":
        warnings.warn(InputWarning("the published sampler draws slices of high infection alone, so the contrastive "
                                   "loss is 0 throughout (K20); transunet.sampler=balanced draws both groups"),
                      stacklevel=3)
