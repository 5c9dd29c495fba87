"""Models whose convolutions are joined with their activations: the same function of the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.models.blocks.given_dropout import GivenDropout
from covid3dgan.models.fast.fused_activations import fuse_activations


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("sides", [(16, 32, 32), (32, 16, 16)])
def test_scores_and_gradients_stay_near_those_of_the_discriminator(sides):
    keras.utils.set_random_seed(0)
    with compat.precision("mixed_bfloat16"):
        network = models.build_discriminator(input_shape=(*sides, 1), width=8, dropout=0.0)
        fused = fuse_activations(network)
    assert {id(weight) for weight in fused.weights} == {id(weight) for weight in network.weights}
    assert not any(layer.name == "conv1_relu" for layer in fused.layers)
    volumes = tf.constant(np.random.default_rng(0).random((3, *sides, 1), np.float32))
    variables = [weight for weight in compat.tf_variables(network) if weight.trainable]

    def scores_and_gradients(model):
        with tf.GradientTape() as tape:
            scores = tf.cast(model(volumes, training=False), tf.float32)
            loss = tf.reduce_sum(scores[:, 0])
        return [scores, *tape.gradient(loss, variables)]

    for found, expected in zip(scores_and_gradients(fused), scores_and_gradients(network)):
        assert np.abs(found - expected).max() <= 0.05 * np.abs(expected).max() + 1e-6


@pytest.mark.parametrize("build, joined", [(models.build_discriminator, 3),
                                           (lambda **options: models.build_generator("unetpp", **options), 33)])
def test_in_float32_they_equal_the_model(build, joined):
    keras.utils.set_random_seed(0)
    network = build(input_shape=(16, 16, 16, 1), width=4)
    fused = fuse_activations(network)
    assert sum(layer.name.endswith("_fused") for layer in fused.layers) == joined
    inputs = [np.random.default_rng(0).random((1, *tensor.shape[1:]), np.float32) for tensor in network.inputs]
    np.testing.assert_allclose(fused(inputs), network(inputs), rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("bfloat16")
def test_its_dropout_can_be_given():
    with compat.precision("mixed_bfloat16"):
        network = models.build_discriminator(input_shape=(16, 16, 16, 1), width=8)
        given = GivenDropout(fuse_activations(network))
    masks = given.masks(2, tf.constant([0, 1]))
    assert [mask.shape for mask in masks] == [(2, 32), (2, 16)]
    scores = given([tf.ones((2, 16, 16, 16, 1))], masks)
    np.testing.assert_allclose(tf.reduce_sum(scores, -1), 1, rtol=1e-3)
