"""What the coach minimises: 1 - L_rec (paper 004, Eq. 1), plus the code's KL term on its variational bottleneck."""

import tensorflow as tf

__all__ = ["coach_loss", "kl_divergence"]


def coach_loss(reconstruction, mean, log_variance, kl_weight=1e-6):
    """1 - reconstruction error + kl_weight x KL; a scalar. The paper's text has no KL: weight 0 (I02).

    Args:
        reconstruction: the inpainting error under the coach's mask, a scalar.
        mean, log_variance: (B, h, w, C) of the coach's bottleneck.
    """
    return 1.0 - reconstruction + kl_weight * kl_divergence(mean, log_variance)


def kl_divergence(mean, log_variance):
    """KL from a standard normal of the spatially averaged bottleneck, summed over batch and channels."""
    mean, log_variance = tf.reduce_mean(mean, (1, 2)), tf.reduce_mean(log_variance, (1, 2))
    return -0.5 * tf.reduce_sum(1.0 + log_variance - tf.square(mean) - tf.exp(log_variance))
