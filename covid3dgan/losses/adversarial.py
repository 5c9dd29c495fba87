"""Adversarial losses of the 3D GAN on the discriminator's two columns (0 generated, 1 healthy).

F02: the notebook trains on the mean squared error of the softmax, the text's Eq. 2 and Algorithm 1 on logarithms.
"""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["ADVERSARIAL_LOSSES", "discriminator_loss", "generator_loss", "uses_logits"]

ADVERSARIAL_LOSSES = ("mse", "log", "nonsaturating")
# The smallest probability whose logarithm is taken: log 0 would turn the whole run into NaN.
SMALLEST = 1e-7


def uses_logits(kind):
    """Whether ``kind`` reads the discriminator's logits (``build_discriminator(return_logits=True)``)."""
    return check_choice("adversarial_loss", kind, ADVERSARIAL_LOSSES) == "nonsaturating"


def discriminator_loss(kind, scores, labels):
    """How wrong the discriminator is, averaged over the batch; a scalar.

    Args:
        kind: "mse" and "log" read softmax outputs, "nonsaturating" reads logits. "log" is the negative of Eq. 2's
            first two terms with equally many real and generated volumes, halved by the mean over both.
        scores: (B, 2).
        labels: (B,), 1 for healthy and 0 for generated.
    """
    wanted = tf.one_hot(tf.cast(labels, tf.int32), 2, dtype=scores.dtype)
    if uses_logits(kind):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=scores))
    if kind == "mse":
        return tf.reduce_mean(tf.square(scores - wanted))
    return -tf.reduce_mean(_log(tf.reduce_sum(scores * wanted, axis=-1)))


def generator_loss(kind, scores):
    """How far the generated volumes are from passing for healthy, averaged over the batch; a scalar.

    Args:
        kind: "mse" against the target "healthy"; "log" is Algorithm 1's log(1 - D(G(ct))), whose gradient vanishes
            where the discriminator is sure; "nonsaturating" is -log D(G(ct)) (Goodfellow et al. 2014), whose does not.
        scores: (B, 2) of generated volumes: softmax outputs, or logits for "nonsaturating".
    """
    if uses_logits(kind):
        return -tf.reduce_mean(tf.nn.log_softmax(scores)[:, 1])
    if kind == "mse":
        return tf.reduce_mean(tf.square(scores - tf.constant([0.0, 1.0], scores.dtype)))
    return tf.reduce_mean(_log(scores[:, 0]))


def _log(probability):
    return tf.math.log(tf.clip_by_value(probability, SMALLEST, 1.0))
