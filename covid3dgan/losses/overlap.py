"""Cross-entropy and soft Dice (Milletari et al. 2016) of probabilities against soft masks."""

__all__ = ["cross_entropy", "overlap_sums", "soft_dice_loss"]

import tensorflow as tf

CLOSEST = 1e-6  # to 0 and 1 that the logarithm sees


def cross_entropy(probabilities, targets):
    """Mean binary cross-entropy of probabilities in [0, 1] against targets in [0, 1], both of one shape: scalar."""
    p = tf.clip_by_value(probabilities, CLOSEST, 1.0 - CLOSEST)
    return -tf.reduce_mean(targets * tf.math.log(p) + (1.0 - targets) * tf.math.log(1.0 - p))


def overlap_sums(probabilities, targets):
    """(3,): the sums of p t, of p squared and of t squared, which add up over the parts of a batch."""
    return tf.stack([tf.reduce_sum(probabilities * targets), tf.reduce_sum(tf.square(probabilities)),
                     tf.reduce_sum(tf.square(targets))])


def soft_dice_loss(sums):
    """1 - (2 sum pt + 1) / (sum pp + sum tt + 1) from :func:`overlap_sums`: scalar in [0, 1), 0 where both are empty.

    Of the whole batch and not of each slice: most slices hold no lesion, and there it would be all or nothing.
    """
    return 1.0 - (2.0 * sums[0] + 1.0) / (sums[1] + sums[2] + 1.0)
