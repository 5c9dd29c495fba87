"""One optimizer step, with the loss scaled where the precision asks for it."""

__all__ = ["minimise", "move_average"]

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
    optimizer.apply_gradients(zip(gradients, variables))
    return loss, rest


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
