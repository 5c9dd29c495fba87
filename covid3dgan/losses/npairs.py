"""The contrastive loss of the published notebook: tensorflow-addons' n-pairs loss on cosine similarities (F18)."""

import tensorflow as tf

from covid3dgan import compat
from covid3dgan.errors import check_choice
from covid3dgan.losses.contrastive_labels import check_contrastive_labels

__all__ = ["npairs_loss"]


def npairs_loss(features, labels, temperature=0.05, reduction="mean"):
    """Cross-entropy between each sample's similarities and "any sample of the same label", itself included.

    Args:
        features: (B, d), of any length: they are L2-normalised here.
        labels: (B,) integers, at least two classes.
        temperature: divides the similarities (F19).
        reduction: "mean" over the batch as published, or "sum".

    Returns:
        A scalar.
    """
    check_choice("reduction", reduction, ("sum", "mean"))
    labels = check_contrastive_labels(labels)
    unit = tf.math.l2_normalize(tf.cast(features, tf.float32), axis=1)
    # Labels go in one-dimensional: tensorflow-addons turns them into a column itself, and a column given would turn
    # the target into a row of ones.
    mean = compat.npairs_loss(tf.reshape(labels, [-1]), tf.matmul(unit, unit, transpose_b=True) / temperature)
    return mean * tf.cast(tf.size(labels), mean.dtype) if reduction == "sum" else mean
