"""Paper 004's two networks and the prior between them: infection maps, priors, class probabilities, one model."""

__all__ = ["as_prior", "build_predictor", "class_probabilities", "infection_probability"]

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.data.batches import slice_batches

BATCH = 8


def infection_probability(network, images):
    """(N, S, S) float32: Inf-Net's last map (or a U-Net's) through a sigmoid.

    Args:
        network: of a single run.
        images: (N, S, S) in [0, 1].
    """
    def probability(image):
        found = network(image, training=False)
        return tf.sigmoid(tf.cast(found["s3"] if isinstance(found, dict) else found, tf.float32))[..., 0]

    return _in_batches(probability, slice_batches.normalised(images))


def as_prior(probability, minmax=True, eight_bits=True):
    """What the multi-class network gets as its prior.

    As published every image is stretched to 0..1, which also blows up the noise of a healthy one, and is rounded to
    8 bits.
    """
    if minmax:
        low = probability.min((1, 2), keepdims=True)
        probability = (probability - low) / np.maximum(probability.max((1, 2), keepdims=True) - low, 1e-8)
    return (np.rint(255 * probability) / 255 if eight_bits else probability).astype(np.float32)


def class_probabilities(network, images, priors=None):
    """(N, S, S, 3) float32: a sigmoid per class; the largest is the label.

    Args:
        network: of a multi run.
        priors: (N, S, S) in [0, 1]; None for the U-Net.
    """
    inputs = slice_batches.normalised(images)
    if priors is not None:
        inputs = np.concatenate([inputs, slice_batches.normalised(priors)], -1)
    return _in_batches(lambda x: tf.sigmoid(tf.cast(network(x, training=False), tf.float32)), inputs)


def _in_batches(function, inputs):
    compiled = tf.function(function, reduce_retracing=True)
    return np.concatenate([np.asarray(compiled(tf.constant(inputs[start:start + BATCH], tf.float32)))
                           for start in range(0, len(inputs), BATCH)])


def build_predictor(predictor):
    """All networks as one ``keras.Model`` of fixed size, for export: (B, S, S, 1) grey in [0, 1] -> (B, S, S, K).

    The output holds what ``ClassPredictor.probabilities`` gives: of background, ground glass and consolidation, or of
    infection alone. The prior between the networks is not rounded to 8 bits: that would turn the 1e-7 by which two
    machines differ into 4e-3, and no file would compute the same.
    """
    size = predictor.preset.slices.size
    grey = keras.Input((size, size, 1), name="slice")
    image = _three_channels(grey, "image")
    if predictor.multi is not None and predictor.multi.input_shape[-1] == 3:
        logits = predictor.multi(image)
    else:
        logits = predictor.single(image)
        logits = logits["s3"] if isinstance(logits, dict) else logits
        if predictor.multi is not None:
            prior = PriorFrom(predictor.preset.multi.prior_minmax, name="prior")(logits)
            both = [image, _three_channels(prior, "prior_image")]
            logits = predictor.multi(keras.layers.Concatenate(name="image_and_prior")(both))
    output = keras.layers.Activation("sigmoid", dtype="float32", name="probabilities")(logits)
    return compat.never_xla(keras.Model(grey, output, name="ssinfnet"))


def _three_channels(grey, name):
    repeated = keras.layers.Concatenate(name=f"{name}_channels")([grey] * 3)
    return keras.layers.Normalization(mean=list(slice_batches.CHANNEL_MEAN),
                                      variance=list(slice_batches.CHANNEL_STD**2), name=f"{name}_normalised")(repeated)


@keras.saving.register_keras_serializable(package="covid3dgan")
class PriorFrom(keras.layers.Layer):
    """Logits (B, H, W, 1) to the prior that ``as_prior`` makes of their sigmoid, before it is rounded."""

    def __init__(self, minmax=True, **kwargs):
        super().__init__(**kwargs)
        self.minmax = minmax

    def call(self, inputs):
        prior = tf.sigmoid(inputs)
        if self.minmax:
            low = tf.reduce_min(prior, (1, 2), keepdims=True)
            prior = (prior - low) / tf.maximum(tf.reduce_max(prior, (1, 2), keepdims=True) - low, 1e-8)
        return prior

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "minmax": self.minmax}
