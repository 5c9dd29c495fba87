"""Convolutions computed another way, against the plain ones. Whole numbers, which bfloat16 holds exactly."""

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan.models.fast.fused_operations import convolve, interleave, leaky_relu, upsampling_kernel


def whole_numbers(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).integers(-1, 2, shape), tf.float32)


def plain(x, kernel, padding="SAME"):
    return tf.nn.conv3d(x, kernel, [1] * 5, padding)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("channels, filters", [(8, 8), (3, 5), (1, 16), (8, 16), (9, 12), (16, 16)])
def test_bfloat16_convolutions_equal_the_plain_one(channels, filters, padding):
    x, kernel = whole_numbers(2, 4, 6, 8, channels), whole_numbers(3, 3, 3, channels, filters, seed=1)
    found = convolve(tf.cast(x, tf.bfloat16), kernel, padding=padding)
    assert found.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(found, tf.float32), plain(x, kernel, padding))


@pytest.mark.parametrize("channels", [3, 4, 9])  # pairs of columns with and without a channel of ones, that alone
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bias_sum_and_activation_come_in_this_order(channels, dtype, request):
    if dtype == "bfloat16":
        request.getfixturevalue("bfloat16")
    x, kernel = whole_numbers(1, 2, 4, 6, channels), whole_numbers(3, 3, 3, channels, 4, seed=1)
    bias, other = tf.constant([-3.0, 0.0, 2.0, 5.0]), whole_numbers(1, 2, 4, 6, 4, seed=2)
    found = convolve(tf.cast(x, dtype), kernel, bias, tf.cast(other, dtype), tf.nn.relu)
    np.testing.assert_array_equal(tf.cast(found, tf.float32), tf.nn.relu(plain(x, kernel) + bias + other))


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("channels", [1, 2, 9])  # both, pairs of columns, a channel of ones for the bias
def test_bfloat16_gradients_are_those_of_the_plain_convolution(channels):
    x, kernel = whole_numbers(1, 2, 4, 6, channels), whole_numbers(3, 3, 3, channels, 4, seed=1)
    received = whole_numbers(1, 2, 4, 6, 4, seed=2)

    def gradients(run, dtype):
        with tf.GradientTape() as tape:
            values = tf.cast(x, dtype), tf.cast(kernel, dtype), tf.zeros(4, dtype)
            tape.watch(values)
            loss = tf.reduce_sum(tf.cast(run(*values), tf.float32) * received)
        return [tf.cast(one, tf.float32) for one in tape.gradient(loss, values)]

    for found, expected in zip(gradients(convolve, tf.bfloat16), gradients(
            lambda x, kernel, bias: plain(x, kernel) + bias, tf.float32)):
        np.testing.assert_array_equal(found, expected)


def test_leaky_relu_by_hand():
    x = tf.constant([-2.0, 0.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = leaky_relu(x, 0.5)
    np.testing.assert_array_equal(y, [-1.0, 0.0, 3.0])
    np.testing.assert_array_equal(tape.gradient(y, x, tf.constant([10.0, 10.0, 10.0])), [5.0, 5.0, 10.0])


def test_leaky_relu_gives_float32_and_a_gradient_of_its_input_s_type():
    x = tf.constant([-2.0, 3.0], tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = leaky_relu(x, 0.5, tf.float32)
    gradient = tape.gradient(y, x, tf.constant([10.0, 10.0]))
    assert (y.dtype, gradient.dtype) == (tf.float32, tf.bfloat16)
    np.testing.assert_array_equal(y, [-1.0, 3.0])
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32), [5.0, 10.0])


def test_one_transposed_convolution_does_the_work_of_two_up_to_the_border():
    x, up, kernel = whole_numbers(1, 2, 3, 4, 5), whole_numbers(2, 2, 2, 3, 5, seed=1), whole_numbers(3, 3, 3, 3, 2)
    shape = (1, 4, 6, 8)
    expected = plain(tf.nn.conv3d_transpose(x, up, (*shape, 3), 2), kernel)
    joined = upsampling_kernel(up, kernel)
    assert joined.shape == (4, 4, 4, 2, 5)
    np.testing.assert_array_equal(tf.nn.conv3d_transpose(x, joined, (*shape, 2), 2), expected)


def test_interleave_by_hand():
    # One block of 2x2x2 per voxel: its eight values in the order depth, row, column.
    found = interleave(tf.reshape(tf.range(16), (1, 1, 1, 2, 8)))
    np.testing.assert_array_equal(found[0, ..., 0], [[[0, 1, 8, 9], [2, 3, 10, 11]], [[4, 5, 12, 13], [6, 7, 14, 15]]])
