"""Trains the segmenter of a preset on a GAN run's pseudo-masks, or on people's masks, and finds its threshold."""

__all__ = ["store_threshold", "train_segmenter", "validation_curve"]

import numpy as np

from covid3dgan import models, progress
from covid3dgan.data.batches.segmenter_batches import SEGMENTER_AXES, segmenter_batches
from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.errors import InputError
from covid3dgan.evaluation.thresholds import threshold_curve
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.loop import run_training
from covid3dgan.training.pseudo_slices import as_slices, load_mask_slices, load_pseudo_slices
from covid3dgan.training.shabani.segmenter import build_segmenter_training

SILENT_SLICES, SILENT_RANGE = 8, 1e-4
MASKS, PSEUDO_MASKS = "masks of the cases", "pseudo-masks"  # what run.json says of the targets


def train_segmenter(data, gan, path, preset, execution, validation=None, masks=None):
    """Trains and returns the Run.

    Args:
        data: a folder of prepared cases, or a list of them; the COVID ones train, the healthy ones serve the pairs that
            need them (Table 4).
        gan: the GAN run whose generator makes the pseudo-masks; None with ``masks``.
        path: the run directory.
        preset: a preset with the stages ``pseudo``, ``segmenter``, ``contrastive`` and ``threshold``.
        execution: training.loop.TrainingOptions.
        validation: folder of prepared cases with infection masks on which the threshold is tuned; without one the
            preset's value stays.
        masks: whether the cases' own masks are the targets, in place of pseudo-masks.
    """
    devices, precision = execution.devices(), execution.prepare()
    devices.share_batch(preset.segmenter.batch_size, "segmenter.batch_size")
    found = (load_mask_slices(data, preset.gan.volume_shape) if masks else
             load_pseudo_slices(data, gan, preset.pseudo, execution.seed, preset.segmenter))
    refuse_other_preparation(found.cases, preset.preprocess)
    from_gan = {} if masks else {"gan": str(gan), "gan_step": found.gan_step}
    learned = MASKS if masks else PSEUDO_MASKS
    run = devices.start_run(path, "segmenter", preset, execution.seed, inputs=found.cases.files(),
                            resume=execution.resume, overwrite=execution.overwrite,
                            details={"precision": precision, "deterministic": execution.deterministic,
                                     "targets": learned, **from_gan, "strategy": execution.strategy,
                                     "devices": devices.replicas, "lungs": found.cases.lungs})
    if run.manifest.get("targets", PSEUDO_MASKS) != learned:
        raise InputError(path, f"a run that learns from {learned}", run.manifest.get("targets", PSEUDO_MASKS),
                         "resume it as it was begun, or name another folder")
    slices, targets, lung_pixels = found.slices, found.targets, found.lung_pixels
    groups = _groups(found, preset, run)
    with devices.scope():
        training = build_segmenter_training(preset, slices.shape[1:], execution.recompute)
    devices.join_norms(training.segmenter)
    if preset.contrastive.enabled and preset.contrastive.augmentation and not preset.segmenter.shared_encoder:
        models.adapt_normalization(training.contrastive_model, slices[..., None])
    batches = segmenter_batches(slices, targets, groups, preset.segmenter, preset.contrastive, execution.seed,
                                found.healthy, found.healthy_lungs, np.flatnonzero(lung_pixels > 0))

    def draw():
        chosen = np.argsort(-targets.sum((1, 2)))[:4]
        network = training.averaged or training.segmenter
        scores = score_maps(network, slices[chosen])
        return {"slice, pseudo-mask, output": np.clip(np.concatenate([slices[chosen], targets[chosen], scores], 2), 0,
                                                      1)[..., None]}

    run_training(training, run, execution, lambda first, last: devices.dataset(batches, first, last, SEGMENTER_AXES),
                 preset.segmenter.steps, preset.segmenter.log_every, preset.segmenter.checkpoint_every,
                 shown=("loss", "contrastive_loss"), callbacks=[lambda recorder: Panels(recorder, draw)],
                 devices=devices)
    if run.manifest["status"] == "done" and devices.is_chief:
        network = load_segmenter(path).network
        warn_if_silent(run, score_maps(network, slices[np.argsort(-lung_pixels)[:SILENT_SLICES]]))
        store_threshold(run, network, preset, validation)
    return run


def _groups(found, preset, run):
    """The groups of highly and little infected slices, also noted in run.json; None where nothing asks for them."""
    if not (preset.contrastive.enabled or preset.segmenter.only_grouped_slices):
        return None
    sums, pixels = found.targets.sum((1, 2), dtype=np.float64), found.lung_pixels
    if found.gan_step is None:
        # A pseudo-mask is nowhere quite empty; many slices of people's masks are, and belong to neither group.
        pixels = np.where(sums > 0, pixels, 0)
    groups = group_slices(sums, preset.contrastive, pixels, found.healthy_pixels)
    run.update(groups={"rule": groups.rule, "high": len(groups.high), "low": len(groups.low)})
    progress.say(f"{len(groups.high)} high and {len(groups.low)} low slices ({groups.rule})")
    return groups


def warn_if_silent(run, scores):
    """Says so, here and in run.json, where the output (S, H, W) is the same everywhere: it does not learn any more."""
    if np.ptp(scores) < SILENT_RANGE:
        message = ("the segmenter's output is the same everywhere: its last ReLU fell silent; use "
                   "segmenter.head=linear or another seed")
        run.update(collapse={"silent": {"step": run.manifest["step"], "message": message}})
        progress.say(f"warning: {message}")


def store_threshold(run, network, preset, validation):
    """Stores the threshold in run.json: the preset's own, or the best on the validation cases (Table 5)."""
    threshold = {"value": preset.threshold.value, "relative": preset.threshold.relative, "tuned": False}
    if preset.threshold.tune and validation is not None:
        cases = open_prepared(validation).only("covid")
        curve = validation_curve(network, cases, preset)
        threshold.update(value=curve.best, tuned=True, grid=list(curve.grid), dice=list(curve.dice),
                         cases=list(cases.ids))
    elif preset.threshold.tune:
        progress.say(f"no validation cases: the threshold stays at {preset.threshold.value}")
    run.update(threshold=threshold)


def validation_curve(network, cases, preset):
    """The mean Dice of a network on prepared cases with infection masks: an evaluation.thresholds.ThresholdCurve.

    Args:
        network: (B, H, W, 1) -> scores (B, H, W, 1).
        cases: data.preprocess.prepared_set.PreparedSet.
        preset: a preset with the stages ``threshold`` and ``evaluation``.
    """
    volumes = cases.array("lung")
    scores = score_maps(network, as_slices(volumes)).reshape(volumes.shape)
    lungs = cases.array("lung_mask") > 0.5 if preset.evaluation.within_lung else None
    return threshold_curve(scores, cases.array("infection") > 0.5, lungs, preset.threshold)
