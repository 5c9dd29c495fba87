"""The discriminator with its first convolution fused: the same function of the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.models.fused_first import fuse_first_convolution
from covid3dgan.models.given_dropout import GivenDropout


@pytest.mark.parametrize("sides", [(16, 32, 32), (32, 16, 16)])
def test_scores_and_gradients_stay_near_those_of_the_discriminator(sides):
    keras.utils.set_random_seed(0)
    with compat.precision("mixed_bfloat16"):
        network = models.build_discriminator(input_shape=(*sides, 1), width=8, dropout=0.0)
        fused = fuse_first_convolution(network)
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


def test_in_float32_the_discriminator_is_left_as_it_is():
    network = models.build_discriminator(input_shape=(16, 16, 16, 1), width=8)
    assert fuse_first_convolution(network) is network


def test_its_dropout_can_be_given():
    with compat.precision("mixed_bfloat16"):
        network = models.build_discriminator(input_shape=(16, 16, 16, 1), width=8)
        given = GivenDropout(fuse_first_convolution(network))
    masks = given.masks(2, tf.constant([0, 1]))
    assert [mask.shape for mask in masks] == [(2, 32), (2, 16)]
    scores = given([tf.ones((2, 16, 16, 16, 1))], masks)
    np.testing.assert_allclose(tf.reduce_sum(scores, -1), 1, rtol=1e-3)
