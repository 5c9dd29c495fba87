"""Gradient accumulation and recomputation keep the numbers; the memory estimate is right and refuses early."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models, presets
from covid3dgan.data.batches.pipelines import gan_batches
from covid3dgan.errors import ArgumentError
from covid3dgan.models.blocks.given_dropout import GivenDropout
from covid3dgan.models.fast.recompute import Recomputed
from covid3dgan.training.shabani.gan3d import build_gan
from covid3dgan.training.updates import minimise

SHAPE = (16, 16, 16)
RNG = np.random.default_rng(0)
VOLUMES = RNG.random((4, *SHAPE)).astype(np.float32)


def _options(**changes):
    small = {"volume_shape": SHAPE, "generator_width": 1, "discriminator_width": 4, "batch_size": 4, **changes}
    return dataclasses.replace(presets.get("shabani/demo").gan, **small)


def _losses(steps=2, **execution):
    compat.seed_everything(1)
    options = _options(reconstructions=1, ema_decay=0.0)
    network = build_gan(options, **execution)
    at = gan_batches(VOLUMES * 0.2, VOLUMES * 0.4, np.ones_like(VOLUMES), options, 1)
    batches = [{name: tf.constant(value) for name, value in at(step).items()} for step in range(steps)]
    found = [network.train_step(batch) for batch in batches]
    return np.array([[float(logs[name]) for name in sorted(logs)] for logs in found])


def test_accumulation_and_recomputation_keep_the_gans_numbers():
    """Dropout included: its masks are drawn for the whole batch. The second step sees the first one's weights."""
    whole = _losses()
    for execution in ({"accumulate": 2}, {"accumulate": 4, "recompute": True}):
        np.testing.assert_allclose(_losses(**execution), whole, rtol=0, atol=1e-5, err_msg=str(execution))


def test_accumulated_gradient_is_that_of_the_whole_batch():
    """Least squares by hand: w = 0, x = 1, 2, 3, 4, y = 1: the gradient of the mean is -2 mean(x y) = -5."""
    weight = tf.Variable(0.0)
    x = tf.constant([1.0, 2.0, 3.0, 4.0])

    class Plain:
        def apply_gradients(self, pairs):
            for gradient, variable in pairs:
                variable.assign_sub(gradient)

    def objective(x):
        return tf.reduce_mean(tf.square(weight * x - 1.0)), {"mean": tf.reduce_mean(x)}

    for parts in (1, 2, 4):
        weight.assign(0.0)
        loss, rest = minimise(Plain(), [weight], objective, x, parts=parts)
        assert (float(loss), float(rest["mean"]), float(weight)) == (1.0, 2.5, 5.0)


def test_recomputed_segmenter_has_the_same_gradients_and_moves_its_batch_norm_once():
    compat.seed_everything(1)
    network = models.build_segmenter((16, 16, 1), width=4, dropout=0.0)
    recomputed = Recomputed(network)
    assert sum(piece.again for piece in recomputed.pieces) >= 6
    image, start = tf.constant(VOLUMES[0, :4, ..., None]), network.get_weights()
    found = []
    for run in (network, recomputed):
        network.set_weights(start)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(run(image, training=True)))
        found.append((tape.gradient(loss, network.trainable_variables), network.get_weights()))
    for plain, again in zip(*(gradients for gradients, _ in found)):
        np.testing.assert_allclose(plain, again, rtol=0, atol=1e-6)
    for plain, again in zip(*(weights for _, weights in found)):
        np.testing.assert_allclose(plain, again, rtol=0, atol=1e-6)


def test_given_dropout_is_the_model_with_those_masks():
    compat.seed_everything(1)
    network = models.build_discriminator(input_shape=(*SHAPE, 1), width=4)
    given = GivenDropout(network)
    assert [(shape, rate) for shape, rate in given.dropouts] == [((32,), 0.5), ((16,), 0.5)]
    volumes = tf.constant(VOLUMES[..., None])
    ones = [tf.ones((4, *shape)) for shape, _ in given.dropouts]
    np.testing.assert_allclose(given([volumes], ones), network(volumes, training=False), atol=1e-6)
    masks, again, later = (given.masks(4, tf.constant(key)) for key in ([1, 0], [1, 0], [1, 1]))
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(masks, again))
    assert any((a.numpy() != b.numpy()).any() for a, b in zip(masks, later))
    assert set(np.unique(masks[0])) == {0.0, 2.0}


def test_a_batch_that_the_parts_do_not_divide_is_refused():
    with pytest.raises(ArgumentError, match="--accumulate: expected a number that divides the batch of 4, found 3"):
        build_gan(_options(), accumulate=3)
