"""The generators with fused units: the same function of the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.models.fast.fused_units import FusedUnits


def outputs_and_gradients(call, network):
    rng = np.random.default_rng(0)
    inputs = [tf.constant(rng.random((2, *tensor.shape[1:]), np.float32)) for tensor in network.inputs]
    variables = [weight for weight in compat.tf_variables(network) if weight.trainable]
    with tf.GradientTape() as tape:
        output = tf.cast(call(inputs, training=True), tf.float32)
        loss = tf.reduce_mean(tf.square(output - inputs[0]))
    return output.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, variables)]


@pytest.mark.parametrize("head", ["relu", "residual", "signed"])
def test_outputs_and_gradients_are_those_of_the_published_generator(head):
    keras.utils.set_random_seed(0)
    network = models.build_generator(input_shape=(16, 32, 32, 1), width=4, head=head)
    for weight in network.weights:  # not the zeros that biases and the signed head start from
        compat.assign(weight, np.random.default_rng(len(weight.shape)).normal(0, 0.1, weight.shape).astype(np.float32))
    if head == "residual":  # its sigmoid would be 0 or 1 everywhere
        kernel = network.get_layer("keep_map").kernel
        compat.assign(kernel, 0.01 * np.asarray(kernel))
    fused = FusedUnits(network)
    # Units: 4 levels down, 4 up. Convolutions with their activations: 2 at the bottom, 3 in the noise adder.
    assert sum(layer.name.endswith("_fused") for layer in fused.fused.layers) == 8 + 5
    left = {layer.name for layer in fused.fused.layers}
    assert not any(name.endswith(("_conv1", "_conv2")) for name in left if name.startswith(("encoder", "decoder")))
    # The last unit takes in what upsamples its input, and the head; nothing of its joined volumes is left.
    last = {"relu": "output", "residual": "keep_map", "signed": "change_map"}[head]
    assert left.isdisjoint({"decoder1_up", "decoder1_skip", "decoder1_concat2", last})
    assert {"decoder1_up", "decoder1_concat1", "encoder4_concat1"} < set(fused.never_written)
    # What was joined to be pooled is pooled and then joined.
    joined, parts, _ = compat.maker(fused.fused.get_layer("encoder2_fused").input)
    assert (joined.name, [compat.maker(part)[0].name for part in parts]) == ("encoder1_concat2", ["encoder1_pool"] * 2)
    (output, gradients), (expected, wanted) = (outputs_and_gradients(call, network) for call in (fused, network))
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    for found, gradient in zip(gradients, wanted):
        np.testing.assert_allclose(found, gradient, rtol=0, atol=1e-5 * np.abs(gradient).max())


def test_its_weights_are_the_networks_own():
    network = models.build_generator(input_shape=(16, 16, 16, 1), width=4)
    fused = FusedUnits(network)
    assert {id(weight) for weight in fused.fused.weights} == {id(weight) for weight in network.weights}


def test_a_generator_without_such_units_runs_as_it_is():
    network = models.build_generator("unetpp", (16, 16, 16, 1), 4)
    inputs = [np.random.default_rng(0).random((1, *tensor.shape[1:]), np.float32) for tensor in network.inputs]
    np.testing.assert_array_equal(FusedUnits(network)(inputs), network(inputs))


@pytest.mark.usefixtures("bfloat16")
def test_mixed_precision_stays_near():
    keras.utils.set_random_seed(0)
    exact = models.build_generator(input_shape=(16, 32, 32, 1), width=4)
    for weight in exact.weights:  # biases, too: that of the upsampling ends at the border of the volume
        if len(weight.shape) == 1:
            compat.assign(weight, np.random.default_rng(0).normal(0, 0.1, weight.shape).astype(np.float32))
    with compat.precision("mixed_bfloat16"):
        network = models.build_generator(input_shape=(16, 32, 32, 1), width=4)
        network.set_weights(exact.get_weights())
        rounded, gradients = outputs_and_gradients(FusedUnits(network), network)
    expected, wanted = outputs_and_gradients(exact, exact)
    assert np.abs(rounded - expected).max() < 0.03 * np.abs(expected).max()
    for found, gradient in zip(gradients, wanted):
        assert np.linalg.norm(found - gradient) < 0.2 * np.linalg.norm(gradient)
