"""One plain gradient step on the contrastive loss on one logical CPU and on two: ``python two_device_contrast.py OUT``.

OUT.npz holds for each strategy and reduction the loss and how far the weights moved. A process of its own, since
TensorFlow takes the number of devices before it does anything else.
"""

import dataclasses
import sys

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat, presets
from covid3dgan.data.batches.segmenter_batches import SEGMENTER_AXES
from covid3dgan.presets.stages import Contrastive, Segmenter
from covid3dgan.training.devices import start_devices
from covid3dgan.training.shabani.segmenter import build_segmenter_training

SLICES = np.random.default_rng(0).random((1, 8, 16, 16, 1)).astype(np.float32)
# Each device has two slices of either label.
BATCH = {"pairs": SLICES, "label": np.int32([1, 0, 1, 0, 1, 0, 1, 0])}


def step(strategy, reduction):
    """(loss, what the weights changed by) of a step down the gradient itself: Adam's would not know a factor."""
    devices = start_devices(strategy)
    compat.seed_everything(1)
    preset = dataclasses.replace(
        presets.get("shabani/demo"), segmenter=Segmenter(width=4, dropout=0.0, shared_encoder=True),
        contrastive=Contrastive(loss="supcon", reduction=reduction, temperature=1.0, augmentation=False))
    with devices.scope():
        training = build_segmenter_training(preset, (16, 16))
        training.compile(compat.loss_scaling(keras.optimizers.Adam(1e-3)),
                         compat.loss_scaling(keras.optimizers.SGD(1e-2)))
    devices.join_norms(training.segmenter)
    weights = training.contrastive_model.trainable_weights
    before = [compat.variable_value(weight) for weight in weights]
    losses = devices.run(lambda batch: training.contrastive_step(batch["pairs"][0], batch["label"]), BATCH,
                         SEGMENTER_AXES)
    loss = losses if devices.strategy is None else devices.strategy.experimental_local_results(losses)[0]
    moved = [(compat.variable_value(weight) - start).ravel() for weight, start in zip(weights, before)]
    return float(loss), np.concatenate(moved)


def main(out):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    found = {}
    for strategy in ("none", "mirrored"):
        for reduction in ("mean", "sum"):
            loss, moved = step(strategy, reduction)
            found[f"{strategy}_{reduction}_loss"], found[f"{strategy}_{reduction}_moved"] = loss, moved
    np.savez(out, **found)


if __name__ == "__main__":
    main(sys.argv[1])
