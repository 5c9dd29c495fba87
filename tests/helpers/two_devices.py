"""Trains the GAN and the segmenter on one logical CPU and on two: ``python two_devices.py CASES OUT``.

A process of its own, since TensorFlow takes the number of devices before it does anything else.
"""

import sys
from pathlib import Path

import tensorflow as tf

from covid3dgan import presets
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.shabani.train_gan import train_gan
from covid3dgan.training.shabani.train_segmenter import train_segmenter

# What devices draw each for themselves, dropout and augmentation, is off; all else must be the same number by number.
SETTINGS = ["gan.volume_shape=16,16,16", "gan.generator_width=2", "gan.discriminator_width=4", "gan.log_every=1",
            "gan.steps=6", "segmenter.width=4", "segmenter.dropout=0", "segmenter.steps=6", "segmenter.log_every=1",
            "segmenter.calibration_steps=20",
            "contrastive.augmentation=false", "contrastive.grouping=sorted"]


def main(cases, out):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    preset = presets.override(presets.get("shabani/demo"), SETTINGS)
    for strategy in ("none", "mirrored"):
        execution = TrainingOptions(seed=1, strategy=strategy)
        train_gan(data=cases, path=out / f"gan_{strategy}", preset=preset, execution=execution)
        train_segmenter(data=cases, path=out / f"segmenter_{strategy}", preset=preset, execution=execution,
                        gan=out / "gan_none")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
