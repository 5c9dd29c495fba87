"""Trains the 3D GAN of a preset on prepared cases, in a run directory."""

__all__ = ["train_gan"]

from pathlib import Path

import numpy as np

from covid3dgan.data.batches import pipelines
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.errors import InputError
from covid3dgan.inference import pseudo_masks
from covid3dgan.training.callbacks import CollapseMonitor, Panels
from covid3dgan.training.loop import run_training
from covid3dgan.training.shabani.gan3d import build_gan

SHOWN = ("reconstruction_loss", "discriminator_loss", "generator_loss")


def train_gan(data, path, preset, execution):
    """Trains and returns the Run.

    Args:
        data: a folder of prepared cases, healthy and COVID (``covid3dgan preprocess``), or a list of them.
        path: the run directory.
        preset: a preset with a ``gan`` stage.
        execution: training.loop.TrainingOptions.
    """
    options = preset.gan
    folders = [data] if isinstance(data, (str, Path)) else list(data)
    cases = open_prepared(*folders)
    healthy, covid = cases.only("healthy"), cases.only("covid")
    for name, group in (("healthy", healthy), ("COVID", covid)):
        if not len(group):
            raise InputError(folders[0], f"{name} cases to train on", "none",
                             "preprocess a data set that has both kinds")
    if cases.shape != tuple(options.volume_shape):
        raise InputError(folders[0], f"volumes of {options.volume_shape} (gan.volume_shape)", f"{cases.shape}",
                         "preprocess with the same preset, or set gan.volume_shape")
    refuse_other_preparation(cases, preset.preprocess)
    devices = execution.devices()
    precision = execution.prepare()
    devices.share_batch(options.batch_size, "gan.batch_size", execution.accumulate)
    run = devices.start_run(path, "gan", preset, execution.seed, inputs=cases.files(), resume=execution.resume,
                            overwrite=execution.overwrite,
                            details={"precision": precision, "deterministic": execution.deterministic,
                                     "strategy": execution.strategy, "devices": devices.replicas,
                                     "lungs": cases.lungs})
    with devices.scope():
        network = build_gan(options, execution.accumulate, execution.recompute)
    arrays = healthy.array("lung"), covid.array("lung"), healthy.array("lung_mask")
    batches = pipelines.gan_batches(*arrays, options, execution.seed)
    if not execution.resume:
        for step in range(options.discriminator_warmup):  # discriminator-only steps; published: one batch
            devices.run(network.discriminator_phase, batches(step), pipelines.GAN_AXES)

    def draw():
        return _panels(network, covid, preset, execution.seed)

    run_training(network, run, execution, lambda first, last: devices.dataset(batches, first, last, pipelines.GAN_AXES),
                 options.steps, options.log_every, options.checkpoint_every, shown=SHOWN,
                 callbacks=[CollapseMonitor, lambda recorder: Panels(recorder, draw)], devices=devices)
    return run


def _panels(network, covid, preset, seed):
    """COVID, pseudo-healthy and difference side by side: the middle slices of the first volumes."""
    volumes, lungs = covid.array("lung")[:2], covid.array("lung_mask")[:2]
    masks = pseudo_masks.make_pseudo_masks(network.averaged or network.generator, volumes, lungs, preset.pseudo, seed)
    middle = volumes.shape[1] // 2
    rows = [np.concatenate([v[middle], h[middle], np.clip(0.5 + d[middle], 0, 1)], 1)
            for v, h, d in zip(volumes, masks.healthy, masks.difference)]
    return {"covid, pseudo-healthy, difference + 0.5": np.stack(rows)[..., None]}
