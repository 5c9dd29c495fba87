import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.errors import ArgumentError
from covid3dgan.models.blocks.convlstm import ConvLSTM2D, legacy_hard_sigmoid


def test_hard_sigmoid_by_hand():
    np.testing.assert_allclose(legacy_hard_sigmoid(tf.constant([-3.0, -2.5, -1.0, 0.0, 1.0, 2.5, 3.0])),
                               [0.0, 0.0, 0.3, 0.5, 0.7, 1.0, 1.0], atol=1e-7)


def test_two_steps_by_hand():
    """One pixel, one channel, kernel 1: gates i, f, c, o are weight * x + recurrent * h + bias."""
    layer = ConvLSTM2D(1, 1)
    layer.build((None, 2, 1, 1, 1))
    layer.set_weights([np.float32([[[[1, 0.5, 2, 1]]]]), np.float32([[[[0.5, 1, 1, -1]]]]), np.float32([0, 1, 0, 0.5])])
    gate = lambda v: np.clip(0.2 * v + 0.5, 0, 1)  # noqa: E731
    carry = gate(1.0) * np.tanh(2.0)
    hidden = gate(1.5) * np.tanh(carry)
    x = -0.5
    carry = gate(0.5 * x + 1 + hidden) * carry + gate(x + 0.5 * hidden) * np.tanh(2 * x + hidden)
    hidden = gate(x + 0.5 - hidden) * np.tanh(carry)
    frames = np.float32([1.0, -0.5]).reshape(1, 2, 1, 1, 1)
    np.testing.assert_allclose(np.ravel(layer(frames)), [hidden], rtol=1e-6)
    backwards = ConvLSTM2D(1, 1, go_backwards=True)
    backwards.build((None, 2, 1, 1, 1))
    backwards.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.ravel(backwards(frames[:, ::-1])), [hidden], rtol=1e-6)


@pytest.mark.skipif(compat.KERAS_3, reason="the original layer is Keras 2's")
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_equals_the_layer_of_keras_2_in_outputs_and_gradients(steps):
    rng = np.random.default_rng(0)
    theirs = keras.layers.ConvLSTM2D(5, 2, padding="same", go_backwards=True)
    ours = ConvLSTM2D(5, 2, go_backwards=True)
    frames = tf.constant(rng.standard_normal((2, steps, 6, 7, 3)).astype(np.float32))
    theirs(frames), ours(frames)
    weights = [rng.standard_normal(w.shape).astype(np.float32) for w in theirs.weights]
    gradients = []
    for layer in (theirs, ours):
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            output = layer(frames)
            loss = tf.reduce_sum(output**2)
        gradients.append([output, *tape.gradient(loss, layer.trainable_weights,
                                                 unconnected_gradients=tf.UnconnectedGradients.ZERO)])
    for expected, found in zip(*gradients):
        np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4)


def test_the_forget_gate_starts_open():
    layer = ConvLSTM2D(2, 3)
    layer.build((None, 2, 4, 4, 1))
    np.testing.assert_array_equal(layer.get_weights()[2], [0, 0, 1, 1, 0, 0, 0, 0])


def test_an_unknown_gate_is_refused_with_the_nearest_name():
    with pytest.raises(ArgumentError, match=r"gate: expected one of .* found 'sigmoidd' \(nearest: sigmoid"):
        ConvLSTM2D(2, 3, gate="sigmoidd")
