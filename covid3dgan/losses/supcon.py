"""The supervised contrastive loss of paper 001, Eq. 6 (after Khosla et al. 2020)."""

import tensorflow as tf

from covid3dgan.errors import check_choice
from covid3dgan.losses.contrastive_labels import check_contrastive_labels

__all__ = ["supcon_loss"]


def supcon_loss(features, labels, temperature=0.05, reduction="sum"):
    """For every anchor: the mean, over the other samples of its label, of how unlikely the softmax over all others
    makes them.

    Args:
        features: (B, d), of any length: they are L2-normalised here.
        labels: (B,) integers, at least two classes of at least two samples: an anchor without another sample of its
            label has no term in Eq. 6.
        temperature: 0.05 in the text; Eq. 6 is printed without it (F19), which is ``temperature=1``.
        reduction: "sum" over the anchors as the text says, or "mean".

    Returns:
        A scalar.
    """
    check_choice("reduction", reduction, ("sum", "mean"))
    labels = tf.reshape(check_contrastive_labels(labels, per_class=2), [-1])
    unit = tf.math.l2_normalize(tf.cast(features, tf.float32), axis=1)
    similarity = tf.matmul(unit, unit, transpose_b=True) / temperature

    anchor = tf.eye(tf.shape(labels)[0])
    positive = tf.cast(tf.equal(labels[:, tf.newaxis], labels[tf.newaxis]), tf.float32) - anchor
    # The anchor itself leaves the denominator: 1e9 below, it weighs nothing in the softmax.
    log_probability = tf.nn.log_softmax(similarity - 1e9 * anchor)
    per_anchor = -tf.reduce_sum(tf.where(positive > 0, log_probability, 0.0), 1) / tf.reduce_sum(positive, 1)
    return tf.reduce_sum(per_anchor) if reduction == "sum" else tf.reduce_mean(per_anchor)
