"""AF-SEG's loss terms (paper 003, Eq. 1 to 4); every one is a scalar.

Images and labels are (B, H, W, 1); ``weak`` is the coarse label, 1 on the foreground.
"""

__all__ = ["ADVERSARIAL_LOSSES", "background_loss", "discriminator_loss", "generator_loss", "outside",
           "segmentation_loss", "shape_loss"]

import tensorflow as tf

from covid3dgan.errors import check_choice

ADVERSARIAL_LOSSES = ("nonsaturating", "log", "least-squares")
TINY = 1e-6


def outside(weak, image):
    """Eq. 2: the image where the coarse label has no foreground, 0 elsewhere.

    Real and generated background are cut by the same label, so its shape tells the discriminator nothing.
    """
    return (1.0 - weak) * image


def shape_loss(weak, generated, image, mean="pixels"):
    """Eq. 1: the mean absolute change inside the coarse label.

    Args:
        mean: over all "pixels" of the patch, or over those of the "foreground". The paper writes a norm, which would
            be the sum; with that, mu = 50 leaves nothing of the other terms (A08).
    """
    change = tf.abs(weak * (generated - image))
    if check_choice("shape_mean", mean, ("pixels", "foreground")) == "pixels":
        return tf.reduce_mean(change)
    return tf.reduce_sum(change) / (tf.reduce_sum(weak) + TINY)


def background_loss(weak, generated, background):
    """Ours (A09): the mean absolute distance to the inpainted background outside the coarse label."""
    return tf.reduce_mean(tf.abs(outside(weak, generated - background)))


def discriminator_loss(kind, real, fake):
    """Eq. 3 as a loss of the discriminator, halved as in pix2pix.

    Args:
        kind: one of ``ADVERSARIAL_LOSSES``; "log" and "nonsaturating" are the same here.
        real, fake: logits of inpainted and of generated backgrounds.
    """
    if check_choice("adversarial_loss", kind, ADVERSARIAL_LOSSES) == "least-squares":
        return 0.5 * (tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake)))
    return 0.5 * (tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake)))


def generator_loss(kind, fake):
    """Eq. 3 as a loss of the generator: "log" is log(1 - D) as printed, "nonsaturating" is -log D."""
    if check_choice("adversarial_loss", kind, ADVERSARIAL_LOSSES) == "least-squares":
        return tf.reduce_mean(tf.square(fake - 1.0))
    if kind == "log":
        return -tf.reduce_mean(tf.nn.softplus(fake))
    return tf.reduce_mean(tf.nn.softplus(-fake))


def segmentation_loss(label, probability):
    """Eq. 4: binary cross-entropy, mean over pixels."""
    probability = tf.clip_by_value(probability, 1e-7, 1.0 - 1e-7)
    return -tf.reduce_mean(label * tf.math.log(probability) + (1.0 - label) * tf.math.log(1.0 - probability))
