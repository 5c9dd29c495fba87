"""One optimizer step, with the loss scaled where the precision asks for it."""

__all__ = ["minimise"]

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
