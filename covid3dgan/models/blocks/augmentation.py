"""The contrastive model's augmentation: normalisation, flip, rotation, random width and height.

Keras 3 has no random width and height any more, and both Keras versions copy the normalisation's statistics into
constants that a restored checkpoint does not reach; the three layers here are the same in both environments.
"""

from collections.abc import Sequence
from typing import Optional

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat

__all__ = ["AdaptedNormalization", "RandomHeight", "RandomWidth", "build_augmentation"]


def build_augmentation(input_shape: Sequence[Optional[int]], name: str = "augmentation") -> keras.Sequential:
    """The augmentation of the notebook Segmentation2D as a ``keras.Sequential``.

    (B, H, W, C) -> (B, about H, about W, C), float32. Apart from the normalisation, which is always on and does nothing
    until ``adapt`` has seen images, it changes images only when called with ``training=True``.
    """
    return keras.Sequential([
        keras.Input(input_shape),
        AdaptedNormalization(dtype="float32", name="normalization"),
        keras.layers.RandomFlip("horizontal", dtype="float32", name="flip"),
        keras.layers.RandomRotation(0.04, dtype="float32", name="rotation"),
        RandomWidth(0.2, dtype="float32", name="width"),
        RandomHeight(0.2, dtype="float32", name="height"),
    ], name=name)


@keras.saving.register_keras_serializable(package="covid3dgan")
class AdaptedNormalization(keras.layers.Layer):
    """Subtracts the mean and divides by the standard deviation, per channel, of the images that ``adapt`` saw."""

    def build(self, input_shape):
        channels = (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=channels, initializer="zeros", trainable=False)
        self.variance = self.add_weight(name="variance", shape=channels, initializer="ones", trainable=False)
        self.count = self.add_weight(name="count", shape=(), initializer="zeros", trainable=False)
        super().build(input_shape)

    def adapt(self, images):
        """Takes the statistics of ``images`` (N, H, W, C)."""
        images = np.asarray(images)
        axes = tuple(range(images.ndim - 1))
        self.mean.assign(images.mean(axes, dtype=np.float64).astype(np.float32))
        self.variance.assign(images.var(axes, dtype=np.float64).astype(np.float32))
        self.count.assign(float(len(images)))

    def call(self, inputs):
        deviation = tf.maximum(tf.sqrt(tf.convert_to_tensor(self.variance)), 1e-7)
        return (inputs - tf.convert_to_tensor(self.mean)) / deviation

    def compute_output_shape(self, input_shape):
        return input_shape


class _RandomSide(keras.layers.Layer):
    """Resizes one side of a whole batch by one random factor in [1 - factor, 1 + factor), bilinearly."""

    axis: int  # 1: rows, 2: columns

    def __init__(self, factor, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = float(factor)
        self.seed = seed
        self.seed_generator = compat.SeedGenerator(seed)

    def call(self, inputs, training=False):
        def resized():
            seed = tf.cast(self.seed_generator.next(), tf.int64)
            scale = tf.random.stateless_uniform((), seed, 1.0 - self.factor, 1.0 + self.factor)
            sides = [tf.shape(inputs)[1], tf.shape(inputs)[2]]
            sides[self.axis - 1] = tf.cast(scale * tf.cast(sides[self.axis - 1], tf.float32), tf.int32)
            return tf.cast(tf.image.resize(inputs, sides), inputs.dtype)

        # A conditional rather than an ``if``, so that the graph knows the side as variable in both modes.
        return tf.cond(tf.cast(training, tf.bool), resized, lambda: tf.identity(inputs))

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        shape[self.axis] = None
        return tuple(shape)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}


@keras.saving.register_keras_serializable(package="covid3dgan")
class RandomHeight(_RandomSide):
    """Random height, (B, H, W, C) -> (B, H', W, C)."""

    axis = 1


@keras.saving.register_keras_serializable(package="covid3dgan")
class RandomWidth(_RandomSide):
    """Random width, (B, H, W, C) -> (B, H, W', C)."""

    axis = 2
