"""One optimizer step, with the loss scaled where the precision asks for it."""

__all__ = ["minimise", "move_average"]

import sys

import keras
import tensorflow as tf

from covid3dgan import compat


def minimise(optimizer, variables, objective):
    """Moves ``variables`` one step down the gradient of ``objective``.

    Args:
        optimizer: as ``compat.loss_scaling`` gave it.
        variables: what may change; everything else that the objective reads stays frozen.
        objective: () -> (scalar loss, anything else to hand back).

    Returns:
        What ``objective`` returned: the loss, unscaled, and the rest.
    """
    with tf.GradientTape() as tape:
        loss, rest = objective()
        scaled = compat.scale_loss(optimizer, loss)
    gradients = compat.unscale_gradients(optimizer, tape.gradient(scaled, variables))
    if keras.mixed_precision.global_policy().name == "mixed_bfloat16":
        gradients = _finite_or_zero(gradients)
    optimizer.apply_gradients(zip(gradients, variables))
    return loss, rest


def _finite_or_zero(gradients):
    """All gradients, or zeros in place of all where one is not finite, with a warning.

    Now and then a bfloat16 kernel of the CPU hands back NaN from finite input (once in a hundred steps of the demo's
    GAN, never in float32). One lost update is cheap, NaN in the weights ends the run. A loss that is itself NaN still
    stops the training.
    """
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients if g is not None])
    tf.cond(finite, tf.no_op, lambda: tf.print("warning: left an update out, its bfloat16 gradients were not finite",
                                               output_stream=sys.stderr))
    return [None if g is None else tf.where(finite, g, tf.zeros_like(g)) for g in gradients]


def move_average(averaged, network, decay, step):
    """Moves the weights of ``averaged`` towards those of ``network``, quicker at first.

    Args:
        decay: share of the average that is kept in the long run.
        step: of the training, from 0.
    """
    step = tf.cast(step, tf.float32)
    kept = tf.minimum(decay, (1.0 + step) / (10.0 + step))
    for mean, weight in zip(averaged.weights, network.weights):
        mean.assign(kept * mean + (1.0 - kept) * weight)
