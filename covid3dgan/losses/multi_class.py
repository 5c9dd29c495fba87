"""Losses of the multi-class network: cross-entropy (paper 004, Eq. 6, with its lost minus) or focal loss (Eq. 7)."""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["MULTI_LOSSES", "focal_loss", "multi_class_loss"]

MULTI_LOSSES = ("bce", "focal")


def multi_class_loss(logits, targets, kind="bce", gamma=2.0, alpha=1.0):
    """Mean over images, pixels and classes, each class a sigmoid of its own; a scalar.

    Args:
        logits, targets: (B, H, W, classes); targets may be soft.
    """
    if check_choice("loss", kind, MULTI_LOSSES) == "focal":
        return focal_loss(logits, targets, gamma, alpha)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))


def focal_loss(logits, targets, gamma=2.0, alpha=1.0):
    """alpha (1 - p)^gamma x cross-entropy with p = exp(-cross-entropy), averaged.

    For hard targets p is the true class's probability; for soft ones this p is the published code's, and
    ``compat.sigmoid_focal_crossentropy`` (the same for hard targets) takes another. The paper's alpha weighs positives
    against negatives; the code's is 1 for both (I11).
    """
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.reduce_mean(alpha * tf.pow(1.0 - tf.exp(-entropy), gamma) * entropy)
