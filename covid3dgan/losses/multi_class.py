"""Losses of the multi-class network: cross-entropy (paper 004, Eq. 6, with its lost minus) or focal loss (Eq. 7)."""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["MULTI_LOSSES", "focal_loss", "multi_class_loss"]

MULTI_LOSSES = ("bce", "focal")


def multi_class_loss(logits, targets, kind="bce", gamma=2.0, alpha=1.0, class_weights=None):
    """Mean over images, pixels and classes, each class a sigmoid of its own; a scalar.

    Args:
        logits, targets: (B, H, W, classes); targets may be soft.
        class_weights: as for ``focal_loss``.
    """
    if check_choice("loss", kind, MULTI_LOSSES) == "focal":
        return focal_loss(logits, targets, gamma, alpha, class_weights)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    return tf.reduce_mean(_weighted(entropy, targets, class_weights))


def focal_loss(logits, targets, gamma=2.0, alpha=1.0, class_weights=None):
    """alpha (1 - p)^gamma x cross-entropy with p = exp(-cross-entropy), averaged.

    For hard targets p is the true class's probability; for soft ones this p is the published code's, and
    ``compat.sigmoid_focal_crossentropy`` (the same for hard targets) takes another. The paper's alpha weighs positives
    against negatives; the code's is 1 for both (I11).

    Args:
        class_weights: a weight per class for the pixels that are of it, in all channels; None counts all alike. A pixel
            is called what its largest sigmoid says, so without them a class wins only where it is likelier than the
            background; with weights w and 1 from a probability of 1 / (1 + w) on. A weight of positives against
            negatives does not do that: the background's channel has positives too.
    """
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    loss = alpha * tf.pow(1.0 - tf.exp(-entropy), gamma) * entropy
    return tf.reduce_mean(_weighted(loss, targets, class_weights))


def _weighted(loss, targets, class_weights):
    if class_weights is None or set(class_weights) == {1.0}:
        return loss
    return loss * tf.reduce_sum(targets * tf.constant(class_weights, targets.dtype), -1, keepdims=True)
