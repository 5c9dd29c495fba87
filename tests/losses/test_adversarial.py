import numpy as np
import pytest
import tensorflow as tf

from covid3dgan.errors import ArgumentError
from covid3dgan.losses import discriminator_loss, generator_loss

# Softmax outputs (generated, healthy) and which of the two is right.
SCORES = tf.constant([[0.2, 0.8], [0.6, 0.4]])
LABELS = [1, 0]


@pytest.mark.parametrize("kind, expected", [
    ("mse", (0.2**2 + 0.2**2 + 0.4**2 + 0.4**2) / 4),
    ("log", -(np.log(0.8) + np.log(0.6)) / 2),
])
def test_discriminator_loss_by_hand(kind, expected):
    np.testing.assert_allclose(discriminator_loss(kind, SCORES, LABELS), expected, rtol=1e-6)


@pytest.mark.parametrize("kind, expected", [
    ("mse", (2 * 0.2**2 + 2 * 0.6**2) / 4),
    ("log", (np.log(0.2) + np.log(0.6)) / 2),
])
def test_generator_loss_by_hand(kind, expected):
    np.testing.assert_allclose(generator_loss(kind, SCORES), expected, rtol=1e-6)


def test_logits_give_the_log_losses_of_their_softmax():
    logits = tf.constant([[1.0, -0.5], [0.3, 2.0]])
    softmax = tf.nn.softmax(logits)
    np.testing.assert_allclose(discriminator_loss("nonsaturating", logits, LABELS),
                               discriminator_loss("log", softmax, LABELS), rtol=1e-6)
    np.testing.assert_allclose(generator_loss("nonsaturating", logits), -np.log(softmax)[:, 1].mean(), rtol=1e-6)


def test_only_the_nonsaturating_form_still_pulls_when_the_discriminator_is_sure():
    logits = tf.Variable([[40.0, -40.0]])
    gradients = {}
    for kind in ("mse", "log", "nonsaturating"):
        with tf.GradientTape() as tape:
            loss = generator_loss(kind, logits if kind == "nonsaturating" else tf.nn.softmax(logits))
        assert np.isfinite(loss)
        gradients[kind] = float(np.abs(tape.gradient(loss, logits)).max())
    assert gradients["mse"] < 1e-6 and gradients["log"] < 1e-6 and gradients["nonsaturating"] == pytest.approx(1.0)


def test_certainly_wrong_answers_give_a_finite_log_loss():
    sure = tf.constant([[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_allclose(discriminator_loss("log", sure, [0, 1]), -np.log(1e-7), rtol=1e-4)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ArgumentError, match=r"adversarial_loss: .*found 'mes' \(nearest: mse\)"):
        generator_loss("mes", SCORES)
