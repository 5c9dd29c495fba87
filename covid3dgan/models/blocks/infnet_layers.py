"""The custom layers of Inf-Net and of the coach: bilinear resizing by a factor, reverse attention, sampling."""

import keras
import tensorflow as tf

__all__ = ["BilinearResize", "PaintingRange", "ReverseAttention", "SampleNormal", "resize_align_corners"]


def resize_align_corners(images, rows, columns):
    """Bilinear resizing that maps corner pixels onto corner pixels; (B, H, W, C) -> (B, rows, columns, C) float32."""
    # tf.image.resize has no align_corners; the kernel below it does.
    return tf.raw_ops.ResizeBilinear(images=images, size=tf.stack([rows, columns]), align_corners=True)


@keras.saving.register_keras_serializable(package="covid3dgan")
class BilinearResize(keras.layers.Layer):
    """Bilinear resizing by a factor: (B, H, W, C) -> (B, H factor, W factor, C).

    Args:
        factor: a power of two, also below one. No low-pass filter is applied: a factor of 0.25 is the mean of the
            middle 2 x 2 pixels of every 4 x 4 block, as in PyTorch.
        align_corners: corner pixels map onto corner pixels (Inf-Net's decoders), instead of pixel areas onto pixel
            areas (its reverse attention and its outputs).
    """

    def __init__(self, factor, align_corners=False, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.align_corners = factor, align_corners

    def call(self, inputs):
        shape = tf.shape(inputs)
        rows, columns = (self._resized(inputs.shape[axis], shape[axis]) for axis in (1, 2))
        if self.align_corners:
            return tf.cast(resize_align_corners(inputs, rows, columns), inputs.dtype)
        return tf.cast(tf.image.resize(inputs, (rows, columns), antialias=False), inputs.dtype)

    def _resized(self, known, dynamic):
        if known is not None:
            return int(known * self.factor)
        return tf.cast(tf.cast(dynamic, tf.float32) * self.factor, tf.int32)

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        return (batch, *(None if side is None else int(side * self.factor) for side in (rows, columns)), channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "align_corners": self.align_corners}


@keras.saving.register_keras_serializable(package="covid3dgan")
class ReverseAttention(keras.layers.Layer):
    """Features times (1 - sigmoid(logit)): what the coarser map did not find is looked at again.

    Call: features (B, H, W, C), logit (B, H, W, 1) -> (B, H, W, C).
    """

    def call(self, features, logit):
        return features * tf.sigmoid(-logit)

    def compute_output_shape(self, features_shape, logit_shape=None):
        return features_shape


@keras.saving.register_keras_serializable(package="covid3dgan")
class PaintingRange(keras.layers.Layer):
    """tanh, ``repeats`` times; any shape.

    Written as -tanh(-x): TensorFlow 2.15's graph optimiser fuses a tanh into the batch normalisation before it and then
    finds that its CPU kernel does not exist.
    """

    def __init__(self, repeats=1, **kwargs):
        super().__init__(**kwargs)
        self.repeats = repeats

    def call(self, inputs):
        for _ in range(self.repeats):
            inputs = -tf.tanh(-inputs)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "repeats": self.repeats}


@keras.saving.register_keras_serializable(package="covid3dgan")
class SampleNormal(keras.layers.Layer):
    """mean + noise * exp(log_variance / 2), each (B, H, W, C); the noise comes from the caller, so runs repeat."""

    def call(self, mean, log_variance, noise):
        return mean + tf.cast(noise, mean.dtype) * tf.exp(0.5 * log_variance)

    def compute_output_shape(self, mean_shape, log_variance_shape=None, noise_shape=None):
        return mean_shape
