"""How well erased parts of an image were painted in (paper 004, Algorithm 1; Singh et al. 2018)."""

import tensorflow as tf

from covid3dgan.errors import check_choice

__all__ = ["INPAINTING_LOSSES", "inpainting_loss", "masked_means"]

INPAINTING_LOSSES = ("truncated-square", "cross-entropy")
TRUNCATION = 2.0


def inpainting_loss(painted, target, mask, kind="truncated-square", reconstruction_weight=0.99, context_weight=0.01):
    """0.99 x error where the image was erased + 0.01 x error where it was kept.

    Args:
        painted, target, mask, kind: see ``masked_means``.

    Returns:
        (weighted sum, reconstruction error, context error), scalars.
    """
    erased, kept = masked_means(painted, target, mask, kind)
    return reconstruction_weight * erased + context_weight * kept, erased, kept


def masked_means(painted, target, mask, kind="truncated-square"):
    """Error per erased pixel and per kept pixel.

    As published the divisor counts pixels and the errors are summed over channels too, so three channels give three
    times the error of one.

    Args:
        painted, target: (B, H, W, C), the target in [-1, 1].
        mask: (B, H, W, 1): 1 kept, 0 erased, or between the two.
        kind: "truncated-square" as coded: the squared error, at most 2; "cross-entropy" as the paper writes (I01):
            ``painted`` is then the logit of (target + 1) / 2.

    Returns:
        (erased, kept), scalars.
    """
    if check_choice("kind", kind, INPAINTING_LOSSES) == "cross-entropy":
        error = tf.nn.sigmoid_cross_entropy_with_logits(labels=0.5 * (target + 1.0), logits=painted)
    else:
        error = tf.minimum(tf.square(painted - target), TRUNCATION)
    tiny = 1e-6  # a soft mask erases everything a little, a binary one may erase nothing
    return (tf.reduce_sum(error * (1.0 - mask)) / (tf.reduce_sum(1.0 - mask) + tiny),
            tf.reduce_sum(error * mask) / (tf.reduce_sum(mask) + tiny))
