"""Gradient accumulation and recomputation keep the numbers; the memory estimate is right and refuses early."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models, presets
from covid3dgan.data.pipelines import gan_batches
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.models.given_dropout import GivenDropout
from covid3dgan.training.conduct import How
from covid3dgan.training.gan3d import build_gan
from covid3dgan.training.memory_estimate import gan_memory, refuse_beyond
from covid3dgan.training.recompute import Recomputed
from covid3dgan.training.updates import minimise

SHAPE = (16, 16, 16)
RNG = np.random.default_rng(0)
VOLUMES = RNG.random((4, *SHAPE)).astype(np.float32)


def _options(**changes):
    small = {"volume_shape": SHAPE, "generator_width": 1, "discriminator_width": 4, "batch_size": 4, **changes}
    return dataclasses.replace(presets.get("shabani/demo").gan, **small)


def _losses(steps=2, **how):
    compat.seed_everything(1)
    options = _options(reconstructions=1, ema_decay=0.0)
    network = build_gan(options, **how)
    at = gan_batches(VOLUMES * 0.2, VOLUMES * 0.4, np.ones_like(VOLUMES), options, 1)
    batches = [{name: tf.constant(value) for name, value in at(step).items()} for step in range(steps)]
    found = [network.train_step(batch) for batch in batches]
    return np.array([[float(logs[name]) for name in sorted(logs)] for logs in found])


def test_accumulation_and_recomputation_keep_the_gans_numbers():
    """Dropout included: its masks are drawn for the whole batch. The second step sees the first one's weights."""
    whole = _losses()
    for how in ({"accumulate": 2}, {"accumulate": 4, "recompute": True}):
        np.testing.assert_allclose(_losses(**how), whole, rtol=0, atol=1e-5, err_msg=str(how))


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


@pytest.mark.usefixtures("bfloat16_accepted")
def test_memory_limit_names_what_to_change():
    options = _options(volume_shape=(16, 32, 32), batch_size=8, generator_width=2)
    whole, parts = (gan_memory(options, "float32", number) for number in (1, 8))
    # An eighth of the samples at a time, of which the loop over them holds 1.7 / 0.95 as much.
    assert whole["activations"] == pytest.approx(8 * parts["activations"] * 0.95 / 1.7)
    less = gan_memory(options, "float32", 1, True)
    assert less["activations"] < whole["activations"]
    assert gan_memory(options, "mixed_bfloat16")["activations"] < whole["activations"]
    refuse_beyond(100.0, whole, less, 8, How())
    for how, recomputed, change in (
            (How(), less, "pass --accumulate 2"), (How(accumulate=4), less, "pass --accumulate 8"),
            (How(accumulate=8), less, "pass --recompute"),
            (How(accumulate=8), whole, "choose a smaller gan.volume_shape"),
            (How(accumulate=8, recompute=True), whole, "choose a smaller gan.volume_shape")):
        with pytest.raises(InputError, match=f"--memory-limit: expected a training of at most 0.5 GB.*{change}"):
            refuse_beyond(0.5, whole, recomputed, 8, how)
    with pytest.raises(InputError, match="train from shards"):
        refuse_beyond(0.5, {**whole, "cases": 4000.0}, less, 8, How())


MEASURED = """
import dataclasses, sys
import numpy as np, tensorflow as tf
from covid3dgan import environment, presets
from covid3dgan.data.pipelines import gan_batches
from covid3dgan.training.gan3d import build_gan
options = dataclasses.replace(presets.get("shabani/published").gan, volume_shape=(32, 64, 64), batch_size=4)
volumes = np.random.default_rng(0).random((4, 32, 64, 64), np.float32)
step = tf.function(build_gan(options, int(sys.argv[1]), sys.argv[2] == "True").train_step, jit_compile=False)
batch = gan_batches(volumes, volumes, volumes, options, 0)(0)
for _ in range(2):
    step(batch)
print(environment.peak_memory_mb())
"""


@pytest.mark.slow
@pytest.mark.parametrize("accumulate, recompute", [(1, False), (4, False), (1, True)])
def test_the_estimate_is_near_the_measured_peak(accumulate, recompute):
    options = dataclasses.replace(presets.get("shabani/published").gan, volume_shape=(32, 64, 64), batch_size=4)
    command = [sys.executable, "-c", MEASURED, str(accumulate), str(recompute)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = float(done.stdout.split()[-1])
    estimated = sum(gan_memory(options, "float32", accumulate, recompute).values())
    assert abs(estimated - measured) < 0.25 * measured
