"""3D layers in two-dimensional ones: TFLite's own 3D convolution is slow, its pooling and transposed one need Flex.

A volume (1, D, H, W, C) is kept as D slices (D, H, W, C), so that its depth is a batch to every 2D operation; what
moves along the depth is written with slices, paddings and reshapes.
"""

__all__ = ["VOLUME_RULES", "as_slices", "as_volume"]

import numpy as np
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.errors import InputError

FEW_SLICES = 4  # so few that a third or more of a kernel's taps fall beyond the volume


def as_slices(volume):
    """(1, D, H, W, C) -> (D, H, W, C)."""
    return tf.reshape(volume, volume.shape[1:])


def as_volume(slices):
    """(D, H, W, C) -> (1, D, H, W, C); other tensors as they are."""
    return tf.reshape(slices, (1, *slices.shape)) if len(slices.shape) == 4 else slices


def conv3d(layer, inputs):
    """``Conv3D`` with stride 1: (D, H, W, C) -> (D', H', W', F), by whichever of three equal ways is fastest."""
    [x] = inputs
    _expect(layer, layer.strides == (1, 1, 1) and layer.dilation_rate == (1, 1, 1), "stride and dilation 1")
    kernel, bias = (compat.variable_value(weight) for weight in layer.weights)
    depth, channels, filters = kernel.shape[0], *kernel.shape[3:]
    padding = layer.padding.upper()
    if depth == 1:
        y = tf.nn.conv2d(x, kernel[0], 1, padding)
    elif padding == "SAME" and x.shape[0] <= FEW_SLICES:
        y = _add_taps(x, kernel)
    elif channels < filters:
        y = _shift_then_filter(x, kernel, padding)
    else:
        y = _filter_then_shift(x, kernel, padding)
    return layer.activation(y + bias)


def _shift_then_filter(x, kernel, padding):
    """One Conv2D over the depth-shifted slices, joined along the channels."""
    depth, rows, columns, channels, filters = kernel.shape
    if padding == "SAME":
        before = (depth - 1) // 2
        x = tf.pad(x, [[before, depth - 1 - before], [0, 0], [0, 0], [0, 0]])
    slices = x.shape[0] - depth + 1
    flat = np.transpose(kernel, (1, 2, 0, 3, 4)).reshape(rows, columns, depth * channels, filters)
    return tf.nn.conv2d(tf.concat([x[k:k + slices] for k in range(depth)], -1), flat, 1, padding)


def _filter_then_shift(x, kernel, padding):
    """One Conv2D for all depths of the kernel; then its groups of channels are shifted and added.

    Moves the filters' outputs instead of the inputs, which are more. To shift and add is a Conv2D as well, along the
    depth of (1, D, H * W, channels), with a kernel of zeros and ones: it copies nothing and runs on all threads.
    """
    depth, rows, columns, channels, filters = kernel.shape
    flat = np.transpose(kernel, (1, 2, 3, 0, 4)).reshape(rows, columns, channels, depth * filters)
    y = tf.nn.conv2d(x, flat, 1, padding)
    slices, rows, columns, _ = y.shape
    pick = np.eye(depth * filters, dtype=np.float32).reshape(depth, filters, depth * filters).transpose(0, 2, 1)
    y = tf.nn.conv2d(tf.reshape(y, (1, slices, rows * columns, -1)), pick[:, np.newaxis], 1, padding)
    return tf.reshape(y, (-1, rows, columns, filters))


def _add_taps(x, kernel):
    """A Conv2D per depth of the kernel, over those slices alone that it does not shift out of the volume."""
    slices, depth = x.shape[0], kernel.shape[0]
    total = 0.0
    for k in range(depth):
        shift = k - (depth - 1) // 2
        first, last = max(0, shift), min(slices, slices + shift)
        if first < last:
            part = tf.nn.conv2d(x[first:last], kernel[k], 1, "SAME")
            total += tf.pad(part, [[first - shift, slices + shift - last], [0, 0], [0, 0], [0, 0]])
    return total


def max_pooling3d(layer, inputs):
    """``MaxPooling3D`` whose strides are its sides: a 2D pooling, and the maximum of neighbouring slices."""
    [x] = inputs
    depth, rows, columns = layer.pool_size
    _expect(layer, layer.strides == layer.pool_size and layer.padding == "valid", "strides equal to its sides")
    if rows > 1 or columns > 1:
        x = tf.nn.max_pool2d(x, (rows, columns), (rows, columns), "VALID")
    slices = x.shape[0] // depth * depth
    parts = [x[k:slices:depth] for k in range(depth)]
    while len(parts) > 1:
        parts = [tf.maximum(parts[0], parts[1]), *parts[2:]]
    return parts[0]


def conv3d_transpose(layer, inputs):
    """``Conv3DTranspose`` with kernel and strides 2: a 1x1 convolution to eight times the filters, then depth to space.

    (D, H, W, C) -> (2D, 2H, 2W, F).
    """
    [x] = inputs
    kernel, bias = (compat.variable_value(weight) for weight in layer.weights)  # kernel (2, 2, 2, F, C)
    _expect(layer, kernel.shape[:3] == (2, 2, 2) and layer.strides == (2, 2, 2), "kernel and strides 2")
    slices, rows, columns, _ = x.shape
    filters = kernel.shape[3]
    halves = []
    for half in kernel:
        flat = np.transpose(half, (3, 0, 1, 2)).reshape(1, 1, -1, 4 * filters)
        halves.append(tf.nn.depth_to_space(tf.nn.conv2d(x, flat, 1, "VALID") + np.tile(bias, 4), 2))
    # Joined along the rows, the two new slices of one old slice lie one behind the other in memory.
    return layer.activation(tf.reshape(tf.concat(halves, 1), (2 * slices, 2 * rows, 2 * columns, filters)))


def global_average_pooling3d(layer, inputs):
    """``GlobalAveragePooling3D``: (D, H, W, C) -> (1, C)."""
    return tf.reduce_mean(inputs[0], (0, 1, 2))[tf.newaxis]


def _expect(layer, condition, what):
    if not condition:
        raise InputError(f"layer {layer.name}", f"a {type(layer).__name__} with {what}", "another",
                         "export it as a SavedModel")


VOLUME_RULES = {
    "Conv3D": conv3d,
    "Conv3DTranspose": conv3d_transpose,
    "MaxPooling3D": max_pooling3d,
    "GlobalAveragePooling3D": global_average_pooling3d,
}
