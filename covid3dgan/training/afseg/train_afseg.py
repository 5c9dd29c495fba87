"""Trains AF-SEG's networks, and Table 1's supervised U-Net, each in its own run directory."""

__all__ = ["contrast_shares", "epochs_in_steps", "load_segmenter", "train_afseg", "train_supervised"]

import numpy as np
from scipy import ndimage

from covid3dgan import compat, models, streams
from covid3dgan.data.batches.patches import patch_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.runs import state
from covid3dgan.runs.directory import Run, open_run
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


def load_segmenter(path, with_generator=False, input_shape=(None, None, 1)):
    """The networks of an AF-SEG (or supervised) run, for inference and export.

    Args:
        path: the run directory.
        with_generator: return the generator too.
        input_shape: (H, W, 1); TFLite needs fixed sides, inference takes any that the network's depth divides.

    Returns:
        (segmenter, preset) or (segmenter, preset, generator).
    """
    run, preset = open_run(path)
    if run.manifest["kind"] not in (AFSEG, SUPERVISED):
        raise InputError(path, f"a run of kind {AFSEG!r} or {SUPERVISED!r}", f"kind {run.manifest['kind']!r}",
                         "name the run's folder, for example OUT/afseg")
    found = run.newest_checkpoint()
    options = preset.synthesis
    with compat.precision("float32"):  # whatever it was trained in
        segmenter = models.build_afseg_segmenter(input_shape, options.segmenter_width, options.segmenter_depth)
        generator = models.build_afseg_generator(input_shape, options.generator_width, options.generator_depth,
                                                 options.generator_backbone, options.generator_head)
    state.put_weights(segmenter, "segmenter", found.arrays, path)
    if not with_generator:
        return segmenter, preset
    state.put_weights(generator, "generator", found.arrays, path)
    return segmenter, preset, generator
