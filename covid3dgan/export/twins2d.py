"""2D layers in TFLite's built-in operations, where their own code is slow there or converts to none of them."""

__all__ = ["SLICE_RULES"]

import numpy as np
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.blocks.convlstm import GATES


def conv_lstm2d(layer, inputs):
    """``ConvLSTM2D`` over its few time steps, unrolled: (1, T, H, W, C) -> (1, H, W, F).

    The hard sigmoid clip(0.2 x + 0.5, 0, 1) is a clip alone, since its slope and offset are multiplied into the kernels
    and the bias of the three gates; the first step needs no forget gate, nor a recurrent convolution of zeros.
    """
    [x] = inputs
    weights = [compat.variable_value(weight) for weight in layer.weights]
    folded = layer.gate == "legacy_hard_sigmoid"
    kernel, recurrent, bias = _fold(*weights) if folded else weights
    squash = _clip if folded else GATES[layer.gate]
    filters = layer.filters
    first_gates = np.r_[0:filters, 2 * filters:4 * filters]  # write, candidate and read

    frames = tf.unstack(x, axis=1)
    frames = frames[::-1] if layer.go_backwards else frames
    gates = _conv(frames[0], kernel[..., first_gates]) + bias[first_gates]
    write, candidate, read = tf.split(gates, 3, axis=-1)
    carry = squash(write) * tf.tanh(candidate)
    output = squash(read) * tf.tanh(carry)
    both = np.concatenate([kernel, recurrent], 2)
    for frame in frames[1:]:
        gates = _conv(tf.concat([frame, output], -1), both) + bias
        write, keep, candidate, read = tf.split(gates, 4, axis=-1)
        carry = squash(keep) * carry + squash(write) * tf.tanh(candidate)
        output = squash(read) * tf.tanh(carry)
    return output


def _fold(kernel, recurrent, bias):
    slope, offset = np.full((2, 4, kernel.shape[-1] // 4), [[[0.2]], [[0.5]]], np.float32)
    slope[2], offset[2] = 1.0, 0.0  # the candidate goes through tanh
    slope, offset = slope.ravel(), offset.ravel()
    return kernel * slope, recurrent * slope, bias * slope + offset


def _clip(x):
    return tf.minimum(tf.maximum(x, 0.0), 1.0)


def _conv(x, kernel):
    return tf.nn.conv2d(x, kernel, 1, "SAME")


def conv2d_transpose(layer, inputs):
    """``Conv2DTranspose``; with kernel and strides 2 a 1x1 convolution and depth to space."""
    [x] = inputs
    kernel = compat.variable_value(layer.weights[0])  # (rows, columns, F, C)
    if kernel.shape[:2] != (2, 2) or tuple(layer.strides) != (2, 2):
        return layer(x)
    filters = kernel.shape[2]
    flat = np.transpose(kernel, (3, 0, 1, 2)).reshape(1, 1, -1, 4 * filters)
    bias = compat.variable_value(layer.weights[1]) if layer.use_bias else np.zeros(filters, np.float32)
    y = tf.nn.depth_to_space(tf.nn.conv2d(x, flat, 1, "VALID") + np.tile(bias, 4), 2)
    return layer.activation(y)


def layer_normalization(layer, inputs):
    """``LayerNormalization`` over the last axis; Keras 2 calls a fused batch normalisation in training mode."""
    [x] = inputs
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
    gamma, beta = (compat.variable_value(weight) for weight in layer.weights)
    return centred * tf.math.rsqrt(variance + layer.epsilon) * gamma + beta


def group_normalization(layer, inputs):
    """``GroupNormalization``, also of single channels (instance normalisation): (1, H, W, C) -> the same.

    A channel that is the same everywhere must become zero: what its mean is off by would be divided by the square root
    of epsilon, and by that again in every such layer behind. TFLite adds up one number after the other, so the mean is
    taken axis by axis and then once more of what is left.
    """
    [x] = inputs
    _, rows, columns, channels = x.shape
    groups = channels if layer.groups == -1 else layer.groups
    y, axes = x, (2, 1)
    if groups < channels:
        y, axes = tf.reshape(x, (rows, columns, groups, channels // groups)), (3, 1, 0)
    for _ in range(2):
        y = y - _mean(y, axes)
    y = y * tf.math.rsqrt(_mean(tf.square(y), axes) + layer.epsilon)
    y = tf.reshape(y, x.shape) if groups < channels else y
    values = [compat.variable_value(weight) for weight in layer.weights]
    y = y * values.pop(0) if layer.scale else y
    return y + values.pop(0) if layer.center else y


def _mean(x, axes):
    for axis in axes:
        x = tf.reduce_mean(x, axis, keepdims=True)
    return x


SLICE_RULES = {
    "ConvLSTM2D": conv_lstm2d,
    "Conv2DTranspose": conv2d_transpose,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "InstanceNormalization": group_normalization,
}
