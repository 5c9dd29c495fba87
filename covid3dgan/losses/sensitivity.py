"""The "sensitivity enhanced" loss of paper 002, Eq. 5: cross-entropy that weighs missed lesion pixels more."""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["FALSE_NEGATIVES", "sensitivity_loss"]

FALSE_NEGATIVES = ("soft", "hard")


def sensitivity_loss(targets, logits, beta=2.0, false_negatives="soft"):
    """Mean over all pixels of BCE x (1 + beta x FN).

    The cross-entropy is max(z, 0) - z t + log(1 + exp(-|z|)), which is defined for every target: the pseudo-masks of
    paper 002 are raw differences, so targets lie outside [0, 1] too. A negative one has a negative soft FN, which
    lowers its pixel's weight below 1.

    Args:
        targets: (B, H, W, C).
        logits: of the same shape.
        beta: 2.0 in the code; the paper gives no value.
        false_negatives: undefined in the paper. "soft" is the code's (1 - sigmoid(z)) t; "hard" is 1 where a target
            above 0.5 gets a probability below 0.5, else 0.

    Returns:
        A scalar, float32.
    """
    check_choice("false_negatives", false_negatives, FALSE_NEGATIVES)
    targets, logits = tf.cast(targets, tf.float32), tf.cast(logits, tf.float32)
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    if false_negatives == "soft":
        missed = tf.sigmoid(-logits) * targets
    else:
        missed = tf.cast(tf.logical_and(targets > 0.5, logits < 0.0), tf.float32)
    return tf.reduce_mean(cross_entropy * (1.0 + beta * missed))
