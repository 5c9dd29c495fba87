"""One "epoch" of the published segmenter: two contrastive steps and one MSE step, each on 8 slices of 128x128.

The published way, written anew: Keras' own ConvLSTM2D and augmentation layers, train_on_batch for each step, functions
run eagerly, as the notebook Segmentation2D sets it.
"""

import dataclasses
import functools
import gc
from unittest import mock

import numpy as np

from benchmarks.bench import Bench, median_after_first

SIDE = 128


def published(batch, steps):
    import keras
    import tensorflow as tf

    from covid3dgan import compat, models
    from covid3dgan.losses import npairs_loss
    from covid3dgan.models import bcdunet, contrastive
    from covid3dgan.models.blocks import convlstm

    def keras_convlstm(filters, kernel, go_backwards, gate, **options):
        if compat.KERAS_3:  # whose default gate is another function
            options["recurrent_activation"] = convlstm.GATES[gate]
        return keras.layers.ConvLSTM2D(filters, kernel, padding="same", go_backwards=go_backwards, **options)

    def keras_augmentation(shape):
        layers = [keras.layers.Normalization(), keras.layers.RandomFlip("horizontal"),
                  keras.layers.RandomRotation(0.04)]
        if not compat.KERAS_3:  # which has no random width and height any more
            layers += [keras.layers.RandomWidth(0.2), keras.layers.RandomHeight(0.2)]
        return keras.Sequential([keras.Input(shape), *layers], name="augmentation")

    class Contrast(keras.losses.Loss):
        def call(self, labels, features):
            return npairs_loss(features, tf.reshape(labels, [-1]), 0.05)

    tf.config.run_functions_eagerly(True)
    with mock.patch.object(bcdunet, "ConvLSTM2D", keras_convlstm), \
            mock.patch.object(contrastive, "build_augmentation", keras_augmentation):
        segmenter = models.build_segmenter((SIDE, SIDE, 1))
        encoder = models.build_contrastive_encoder(input_shape=(SIDE, SIDE, 1))
    encoder.compile(optimizer=keras.optimizers.Adam(1e-4), loss=Contrast(), jit_compile=False)
    segmenter.compile(optimizer=keras.optimizers.Adam(5e-5), loss="mse", jit_compile=False)
    rng = np.random.default_rng(0)
    slices, targets = (rng.random((4 * batch, SIDE, SIDE, 1), np.float32) for _ in range(2))
    labels = np.repeat(np.array([1.0, 0.0], np.float32), batch // 2)

    def epoch():
        for _ in range(2):
            encoder.train_on_batch(slices[rng.choice(len(slices), batch, replace=False)], labels)
        chosen = rng.choice(len(slices), batch, replace=False)
        segmenter.train_on_batch(slices[chosen], targets[chosen])

    return {"seconds": median_after_first(epoch, steps)}


def ours(precision, batch, steps):
    import tensorflow as tf

    from covid3dgan import compat, presets
    from covid3dgan.data.batches.pipelines import step_dataset
    from covid3dgan.data.batches.segmenter_batches import segmenter_batches
    from covid3dgan.data.batches.slice_groups import SliceGroups
    from covid3dgan.training.shabani.segmenter import build_segmenter_training

    compat.seed_everything(0)
    compat.set_precision(precision)
    preset = presets.get("shabani/published")
    preset = dataclasses.replace(preset, segmenter=dataclasses.replace(preset.segmenter, batch_size=batch))
    rng = np.random.default_rng(0)
    slices, targets = (rng.random((4 * batch, SIDE, SIDE), np.float32) for _ in range(2))
    high, low = np.arange(2 * batch), np.arange(2 * batch, 4 * batch)
    groups = SliceGroups(high, low, "covid", "covid", high, low, "sums")
    at = segmenter_batches(slices, targets, groups, preset.segmenter, preset.contrastive, 0)
    training = build_segmenter_training(preset, (SIDE, SIDE))
    step = tf.function(training.train_step, jit_compile=False)
    batches = iter(step_dataset(at, 0, steps + 1))

    def epoch():
        {name: float(value) for name, value in step(next(batches)).items()}

    flops = _flops(preset, at(0))
    gc.collect()  # the network that was counted is not part of the step's peak of memory
    return {"seconds": median_after_first(epoch, steps), "dtype": precision, "flops": flops}


def _flops(preset, batch):
    """Operations of a step, without the augmentation, whose sizes vary."""
    import tensorflow as tf

    from benchmarks.flops import count_flops
    from covid3dgan.training.shabani.segmenter import build_segmenter_training

    fixed = dataclasses.replace(preset, contrastive=dataclasses.replace(preset.contrastive, augmentation=False))
    step = tf.function(build_segmenter_training(fixed, (SIDE, SIDE)).train_step, jit_compile=False)
    return count_flops(step, batch)


BENCH = Bench("segmenter, two contrastive steps and one MSE step at 128x128", "epoch",
              {"published": published, "ours, float32": functools.partial(ours, "float32"),
               "ours, bfloat16": functools.partial(ours, "mixed_bfloat16")},
              options={"batch": 8, "steps": 7}, quick={"batch": 4, "steps": 1},
              quick_sides=("published", "ours, float32"), alternating=True)
