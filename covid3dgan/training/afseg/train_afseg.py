"""Trains AF-SEG's networks, and Table 1's supervised U-Net, each in its own run directory."""

__all__ = ["contrast_shares", "epochs_in_steps", "train_afseg", "train_supervised"]

import numpy as np
from scipy import ndimage

from covid3dgan import streams
from covid3dgan.data.batches.patches import patch_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.errors import ArgumentError
from covid3dgan.runs.directory import Run
from covid3dgan.training.afseg.networks import build_afseg, build_patch_segmenter
from covid3dgan.training.loop import run_training

SHARE_SPACING = 24  # pixels, about an object's size at demo size
AFSEG, SUPERVISED = "afseg", "afseg-supervised"


def epochs_in_steps(count, options):
    """(constant, decaying) training steps for ``count`` images; every epoch shows each image the same number of times.

    Args:
        options: presets.afseg.Synthesis.
    """
    per_epoch = max(round(count * options.patches_per_image / options.batch_size), 1)
    return options.constant_epochs * per_epoch, options.decay_epochs * per_epoch


def train_afseg(arrays, path, preset, execution, inputs=()):
    """Trains generator, discriminator and segmenter; returns the Run.

    Args:
        arrays: ``image`` and ``background`` (N, H, W) in [0, 1] and ``weak`` (N, H, W) bool, the training images.
        path: the run directory.
        preset: presets.afseg.System.
        execution: training.loop.TrainingOptions.
        inputs: files that the arrays were read from.
    """
    options = preset.synthesis
    constant, decay = epochs_in_steps(len(arrays["image"]), options)
    patches = patch_batches(arrays, options.patch, options.batch_size, [execution.seed, streams.AFSEG_PATCHES],
                            options.flips, options.zoom_out,
                            max(options.generator_depth, options.segmenter_depth))

    def batches(step):
        rng = np.random.default_rng([execution.seed, streams.AFSEG_FADING, step])
        return {**patches(step), "share": contrast_shares(rng, options.fade, options.batch_size, options.patch)}

    precision = execution.prepare()
    run = _start(path, AFSEG, preset, execution, inputs, precision)
    network = build_afseg(options, constant, decay)
    run_training(network, run, execution, lambda first, last: step_dataset(batches, first, last), constant + decay,
                 options.log_every, options.checkpoint_every, shown=("shape_loss", "generator_loss",
                                                                     "segmentation_loss"))
    return run


def contrast_shares(rng, weakest, count, side):
    """Smoothly varying shares of contrast, (count, side, side, 1) in [weakest, 1], as often low as high in ratio.

    They vary within a patch: instance normalisation would undo one share for all of it.
    """
    if not 0.0 < weakest <= 1.0:
        raise ArgumentError("synthesis.fade", "a share above 0 and at most 1", f"{weakest:g}", "use 1 for no fading")
    nodes = max(side // SHARE_SPACING, 1) + 1
    exponents = rng.uniform(0.0, 1.0, (count, nodes, nodes))
    smooth = ndimage.zoom(exponents, (1, side / nodes, side / nodes), order=1, mode="nearest", grid_mode=True)
    return (weakest**smooth)[..., None].astype(np.float32)


def train_supervised(arrays, path, preset, execution, inputs=()):
    """Trains the same segmenter with the same schedule on true masks: the upper bound. Returns the Run.

    Args:
        arrays: ``image`` (N, H, W) in [0, 1] and ``label`` (N, H, W) bool, the training images.
        path, preset, execution, inputs: as in :func:`train_afseg`.
    """
    options = preset.synthesis
    constant, decay = epochs_in_steps(len(arrays["image"]), options)
    batches = patch_batches(arrays, options.patch, options.batch_size, [execution.seed, streams.AFSEG_PATCHES],
                            options.flips, options.zoom_out,
                            options.segmenter_depth)
    precision = execution.prepare()
    run = _start(path, SUPERVISED, preset, execution, inputs, precision)
    network = build_patch_segmenter(options.segmenter_width, options.segmenter_depth, options.learning_rate,
                                    options.beta_1, constant, decay)
    run_training(network, run, execution, lambda first, last: step_dataset(batches, first, last), constant + decay,
                 options.log_every, options.checkpoint_every, shown=("segmentation_loss",))
    return run


def _start(path, kind, preset, execution, inputs, precision):
    return Run.start(path, kind, preset, execution.seed, inputs=inputs, resume=execution.resume,
                     overwrite=execution.overwrite,
                     details={"precision": precision, "deterministic": execution.deterministic})
