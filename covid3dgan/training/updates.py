"""One optimizer step: the loss scaled where the precision asks for it, the batch whole, in parts or on many devices."""

__all__ = ["minimise", "move_average", "over_replicas", "replicas", "share_of_replica"]

import sys

import keras
import tensorflow as tf

from covid3dgan import compat


def replicas():
    """On how many devices this step runs at once (tf.distribute)."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def share_of_replica(tensors):
    """This device's rows of tensors that every device holds for the whole batch."""
    context = tf.distribute.get_replica_context()
    count = replicas()
    if count == 1:
        return tensors
    # A tensor, not a number: all devices may share one traced function.
    number = tf.cast(context.replica_id_in_sync_group, tf.int32)
    return [tf.reshape(x, (count, x.shape[0] // count, *x.shape[1:]))[number] for x in tensors]


def over_replicas(features):
    """All devices' rows of ``features`` (b, d), of which only this device's own carry a gradient: (B, d)."""
    count = replicas()
    if count == 1:
        return features
    context = tf.distribute.get_replica_context()
    fixed = tf.stop_gradient(features)
    own = tf.one_hot(tf.cast(context.replica_id_in_sync_group, tf.int32), count)[:, None, None] * (features - fixed)
    return context.all_gather(fixed, axis=0) + tf.reshape(own, (count * features.shape[0], features.shape[1]))


def minimise(optimizer, variables, objective, *inputs, parts=1):
    """Moves ``variables`` one step down the gradient of ``objective``.

    Args:
        optimizer: as ``compat.loss_scaling`` gave it.
        variables: what may change; everything else that the objective reads stays frozen.
        objective: function of ``inputs`` -> (scalar loss, anything else to hand back).
        inputs: tensors of one length; only needed for ``parts``.
        parts: gradient accumulation: the objective sees one such part of the inputs after the other, which takes less
            memory. The loss must be a mean over samples, so that the mean over parts is the same; so must be the rest.

    Returns:
        What ``objective`` returned: the loss, unscaled, and the rest. On several devices their means over all of them,
        like the gradients'.
    """
    def gradients_of(*chosen):
        with tf.GradientTape() as tape:
            loss, rest = objective(*chosen)
            scaled = compat.scale_loss(optimizer, loss)
        return tape.gradient(scaled, variables), (loss, rest)

    gradients, found = gradients_of(*inputs) if parts == 1 else _in_parts(gradients_of, inputs, parts)
    gradients = compat.unscale_gradients(optimizer, gradients)
    if replicas() > 1:
        gradients, found = _means_over_replicas((gradients, found))
    if keras.mixed_precision.global_policy().name == "mixed_bfloat16":
        gradients = _finite_or_zero(gradients)
    # What waits for the loss waits for the gradients: else the next update's network may run beside this one's.
    with tf.control_dependencies([g for g in gradients if g is not None]):
        found = tf.nest.map_structure(lambda x: None if x is None else tf.identity(x), found)
    compat.apply_gradients(optimizer, gradients, variables)
    return found


def _in_parts(gradients_of, inputs, parts):
    """The means of what ``gradients_of`` gives for each part in turn."""
    split = [tf.reshape(x, (parts, x.shape[0] // parts, *x.shape[1:])) for x in inputs]
    first = gradients_of(*(x[0] for x in split))
    summed = [x for x in tf.nest.flatten(first) if x is not None]

    def add(number, *sums):
        found = [x for x in tf.nest.flatten(gradients_of(*(x[number] for x in split))) if x is not None]
        return (number + 1, *(a + b for a, b in zip(sums, found)))

    # One part after the other: side by side they would need the memory of the whole batch.
    sums = iter(tf.while_loop(lambda number, *_: number < parts, add, (tf.constant(1), *summed),
                              parallel_iterations=1)[1:])
    return tf.nest.map_structure(lambda x: None if x is None else next(sums) / parts, first)


def _means_over_replicas(tensors):
    flat = tf.nest.flatten(tensors)
    means = iter(tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.MEAN, [x for x in flat if x is not None]))
    return tf.nest.pack_sequence_as(tensors, [None if x is None else next(means) for x in flat])


def _finite_or_zero(gradients):
    """All gradients, or zeros in place of all where one is not finite, with a warning.

    Now and then a bfloat16 kernel of the CPU hands back NaN from finite input (once in a hundred steps of the demo's
    GAN, never in float32). One lost update is cheap, NaN in the weights ends the run. A loss that is itself NaN still
    stops the training.
    """
    found = [g for g in gradients if g is not None]
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in found])

    def zeros():
        warned = tf.print("warning: left an update out, its bfloat16 gradients were not finite",
                          output_stream=sys.stderr)
        with tf.control_dependencies([warned] if warned is not None else []):
            return [tf.zeros_like(g) for g in found]

    # A condition hands the gradients on; ``tf.where`` would copy each of them in every step.
    kept = iter(tf.cond(finite, lambda: found, zeros))
    return [None if g is None else next(kept) for g in gradients]


def move_average(averaged, network, decay, step):
    """Moves the weights of ``averaged`` towards those of ``network``, quicker at first.

    Args:
        decay: share of the average that is kept in the long run.
        step: of the training, from 0.
    """
    step = tf.cast(step, tf.float32)
    kept = tf.minimum(decay, (1.0 + step) / (10.0 + step))

    def move(mean, weight, kept):
        mean.assign(kept * mean + (1.0 - kept) * weight)

    if replicas() == 1:
        for mean, weight in zip(averaged.weights, network.weights):
            move(mean, weight, kept)
        return
    pairs = list(zip(compat.tf_variables(averaged), compat.tf_variables(network)))
    # Variables of several devices change from outside the replicas, on each device alike.
    tf.distribute.get_replica_context().merge_call(
        lambda strategy, kept: [strategy.extended.update(mean, move, args=(weight, kept), group=False)
                                for mean, weight in pairs], args=(kept,))
