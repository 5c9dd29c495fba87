"""Trains the networks of paper 004 on slices, each in a run directory of its own."""

__all__ = ["METHODS", "train_inpainting", "train_multi", "train_single"]

import numpy as np

from covid3dgan import models, progress
from covid3dgan.data.batches import slice_batches
from covid3dgan.errors import InputError, check_choice
from covid3dgan.models.from_presets import infnet_or_unet, multi_class_network
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.keep_best import KeepBest
from covid3dgan.training.ssinfnet.infnet import InfNetTraining, decayed_rate
from covid3dgan.training.ssinfnet.infnet_multi import MultiTraining
from covid3dgan.training.ssinfnet.inpainting_plan import make_plan
from covid3dgan.training.ssinfnet.networks import build_inpainting, load_painted
from covid3dgan.training.ssinfnet.running import conduct, painted_panel, per_epoch, start_run, train_supervised

METHODS = ("U-Net", "SInfNet", "SSInfNet")
# The last layers, which "all-but-last" does not take over from the inpainting (I07).
_LAST = {"sg", "logits", "edge_map", "edge_map_bn", *(f"{m}_map{e}" for m in ("s5", "s4", "s3") for e in ("", "_bn"))}


def train_inpainting(images, path, preset, execution, priors=None, validation=None, backbone_weights=None, inputs=()):
    """The self-supervised stage; returns the Run.

    Args:
        images: (N, S, S) float32 in [0, 1]; no labels.
        path: the run directory.
        preset: an ssinfnet preset.
        execution: training.loop.TrainingOptions.
        priors: (N, S, S): pre-trains the multi-class network, which sees them too; None pre-trains Inf-Net.
        validation: (images, priors or None) on which the best weights are chosen; None keeps the last.
        backbone_weights: file of ImageNet weights for Inf-Net's trunk.
        inputs: files whose checksums go into run.json.
    """
    target = "single" if priors is None else "multi"
    options = preset.single_inpainting if priors is None else preset.multi_inpainting
    run = start_run(path, "ssinfnet-inpainting", preset, execution, inputs, {"pre_trains": target}, backbone_weights)
    training = build_inpainting(preset, target)
    if target == "single":
        _trunk(training.segmenter, backbone_weights, execution)
    training.best.set_weights(training.network.get_weights())

    in_epoch = max(1, len(images) // options.batch_size)
    plan, steps = make_plan(options, in_epoch)
    batch_at = slice_batches.inpainting_batches(images, priors, options, plan, options.coach_latent, execution.seed)
    callbacks = [lambda recorder: Panels(recorder, lambda: painted_panel(training, batch_at(recorder.step - 1)))]
    if validation is not None:
        count = max(1, min(4, len(validation[0]) // options.batch_size))
        checks = [slice_batches.inpainting_check(validation[0], options, execution.seed, i, validation[1])
                  for i in range(count)]

        def validation_loss(step):
            masks = {"random_mask": np.array(plan(step - 1).random_mask)}
            return np.mean([float(training.erased_error({**batch, **masks})) for batch in checks])

        # As published, each round of the network starts its own search for the best weights.
        callbacks.append(lambda recorder: KeepBest(
            recorder, training.network, training.best, training.score,
            lambda: validation_loss(recorder.step) if plan(recorder.step - 1).who == "network" else np.inf,
            preset.validate_every * in_epoch,
            forget=lambda step: step < steps and plan(step).who == "network" and plan(step).fresh
            and (step == 0 or plan(step - 1).who == "coach")))
    conduct(training, run, execution, batch_at, steps, preset, ("loss", "erased_error"), callbacks)
    return run


def train_single(train, validation, path, preset, execution, method="SInfNet", start=None, backbone_weights=None,
                 inputs=()):
    """Training on infection as one class; returns the Run.

    Args:
        train, validation: labelled data.datasets.slices.SliceSets.
        method: "U-Net", or Inf-Net from scratch ("SInfNet") or from ``start`` ("SSInfNet").
        start: run directory of the inpainting.
        path, preset, execution, backbone_weights, inputs: as for ``train_inpainting``.
    """
    _check_start(method, start)
    details = {"method": method, "start": str(start) if start else None}
    run = start_run(path, "ssinfnet-single", preset, execution, inputs, details, backbone_weights)
    if method == "U-Net" and not preset.alike:
        training = _multi_training(preset, method, lambda: infnet_or_unet(preset, method))
        batches = {name: slice_batches.single_batches(part, preset.single, lambda step: 0.0, execution.seed)
                   for name, part in (("train", train), ("validation", validation))}
        as_unet = {name: _unet_batches(at) for name, at in batches.items()}
        return train_supervised(training, run, execution, preset, preset.single, train, validation, as_unet,
                                 ("image", "target"))
    training = _infnet_training(preset, method)
    if method == "U-Net":
        progress.say("the U-Net starts random")
    elif start is None:
        _trunk(training.network, backbone_weights, execution)
    else:
        _take_over(training.network, start, "single", preset.single.transfer)
    in_epoch = per_epoch(train, preset.single)

    def rates(step):
        return decayed_rate(preset.single, 1 + step // in_epoch)

    batches = {name: slice_batches.single_batches(part, preset.single, rates, execution.seed)
               for name, part in (("train", train), ("validation", validation))}
    return train_supervised(training, run, execution, preset, preset.single, train, validation, batches,
                             ("image", "mask", "edge"))


def train_multi(train, validation, path, preset, execution, priors=None, method="SInfNet", start=None, inputs=()):
    """Training on ground glass and consolidation; returns the Run.

    Args:
        priors: (for training, for validation), each (N, S, S) in [0, 1]; None for the U-Net, which sees the image
            alone.
        train, validation, path, preset, execution, method, start, inputs: as for ``train_single``.
    """
    _check_start(method, start)
    if (priors is None) != (method == "U-Net"):
        raise InputError("priors", "priors for Inf-Net's U-Net and none for the plain U-Net",
                         "none" if priors is None else "some", f"correct the call for {method}")
    details = {"method": method, "start": str(start) if start else None}
    run = start_run(path, "ssinfnet-multi", preset, execution, inputs, details)
    training = _multi_training(preset, method, lambda: multi_class_network(preset, method), start)
    batches = {name: slice_batches.multi_batches(part, prior, preset.multi, execution.seed)
               for name, part, prior in zip(("train", "validation"), (train, validation), priors or (None, None))}
    return train_supervised(training, run, execution, preset, preset.multi, train, validation, batches,
                             ("image", "target"))


# === Building ===

def _twins(build):
    """(network, another of the same weights for the best ones)."""
    network, best = build(), build()
    best.set_weights(network.get_weights())
    return network, best


def _infnet_training(preset, method):
    training = InfNetTraining(*_twins(lambda: infnet_or_unet(preset, method)), preset.single)
    training.compile()
    return training


def _multi_training(preset, method, build, start=None):
    improved = preset.alike or method == "SSInfNet"
    network, best = _twins(build)
    if start is not None:
        # Before the optimizer is made: Lookahead copies its slow weights then, and would draw back to others.
        _take_over(network, start, "multi", preset.multi.transfer)
    training = MultiTraining(network, best, preset.multi, preset.multi.loss if improved else "bce",
                             improved and preset.multi.lookahead)
    training.compile()
    return training


def _trunk(network, weights, execution):
    if execution.resume:
        return
    if weights is None:
        progress.say("the trunk starts random (--backbone-weights reads ImageNet weights, as published)")
    else:
        count = models.load_backbone(network, weights)
        progress.say(f"filled {count} layers of the trunk from {weights}")


def _check_start(method, start):
    check_choice("method", method, METHODS)
    if (start is not None) != (method == "SSInfNet"):
        raise InputError("start", "an inpainting run for SSInfNet and none for the others", f"{start} for {method}",
                         "correct the call")


def _take_over(network, start, target, transfer):
    """Weights of the inpainting, by layer name; whatever it does not have keeps its random start."""
    source, of_source = load_painted(start)
    if of_source != target:
        raise InputError(start, f"an inpainting run that pre-trains the {target} network", f"one for {of_source}",
                         "name another run")
    given = {layer.name: layer.get_weights() for layer in source.layers}
    for layer in network.layers:
        if layer.weights and layer.name in given and not (transfer == "all-but-last" and layer.name in _LAST):
            layer.set_weights(given[layer.name])


def _unet_batches(batch_at):
    def at(step):
        batch = batch_at(step)
        return {"image": batch["image"], "target": batch["mask"]}

    return at
