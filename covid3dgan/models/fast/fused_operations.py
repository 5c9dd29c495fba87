"""Convolutions with what follows them, computed the way that is fastest on a CPU: the same numbers but for rounding.

TensorFlow's graph optimizer joins a convolution, its bias, a sum and its activation into one oneDNN call where nothing
else reads what lies between; so the gradients here read the activation's output alone.
"""

import numpy as np
import tensorflow as tf

__all__ = ["convolve", "interleave", "leaky_relu", "upsampling_kernel", "value_and_difference"]

# bfloat16 units multiply 32 channels by 16 filters at once. Pairs of columns, twice as many of both and half of the
# kernel zero, were found faster up to here (8 to 16: 155 in place of 229 ms, 16 to 32: 75 in place of 55).
FEW_CHANNELS, FEW_FILTERS = 8, 16


def convolve(x, kernel, bias=None, other=None, activation=None, padding="SAME"):
    """``activation`` of (x convolved with ``kernel``, plus ``bias``, plus ``other``).

    Args:
        x: (B, D, H, W, C).
        kernel: (k, k, k, C, F).
        bias: (F), or None.
        other: of the output's shape, or None.
        activation: a function of a tensor, or None.
        padding: "SAME" with zeros, or "VALID".

    Returns:
        (B, D', H', W', F), of x's type.
    """
    kernel = tf.cast(kernel, x.dtype)
    if x.dtype != tf.bfloat16:
        return _convolve(x, kernel, bias, other, activation, padding)
    side, channels, filters = kernel.shape[-3:]
    few = channels == 1 or channels <= FEW_CHANNELS and filters <= FEW_FILTERS
    parts = [(x, kernel)]
    if channels % 2:
        # For the fault in oneDNN of which models.blocks.layers.conv3d tells. Joined, since padding would be joined with
        # the convolution by the graph optimizer, which then fails on its gradient.
        bias, difference = (None, None) if bias is None else value_and_difference(bias)
        parts.append((tf.ones_like(x[..., :1]), _kernel_of_ones(difference, kernel)))
    pairs = few and side == 3 and x.shape[3] % 2 == 0
    if pairs:
        parts = [(_pairs(part), _kernel_of_pairs(of_part, padding)) for part, of_part in parts]
        other = None if other is None else _pairs(other)
        bias = None if bias is None else tf.tile(bias, [2])
    volumes, kernels = zip(*parts)
    y = _convolve(_joined(volumes, -1), _joined(kernels, -2), bias, other, activation, padding)
    return tf.reshape(y, (-1, *y.shape[1:3], 2 * y.shape[3], filters)) if pairs else y


def _joined(tensors, axis):
    return tf.concat(tensors, axis) if len(tensors) > 1 else tensors[0]


def _convolve(x, kernel, bias, other, activation, padding):
    y = tf.nn.conv3d(x, kernel, [1] * 5, padding)
    if bias is not None:
        y = tf.nn.bias_add(y, tf.cast(bias, y.dtype))
    if other is not None:
        y += other
    return y if activation is None else activation(y)


def value_and_difference(bias):
    """``bias`` without a gradient, and zeros with the gradient of ``bias``.

    The first is for the bias of a convolution, which must have one to be joined with what follows; the second for a
    place where the gradient costs less than a sum over the convolution's whole output.
    """
    value = tf.stop_gradient(bias)
    return value, bias - value


def _kernel_of_ones(bias, kernel):
    """The kernel that gives ``bias`` (F) of a channel of ones: (k, k, k, 1, F), zero but in its middle, since the
    convolution's padding is zero. So the gradient of the bias is one of the kernel and needs no pass of its own."""
    *sides, _, filters = kernel.shape
    middle = np.zeros((*sides, 1, 1))
    middle[tuple(side // 2 for side in sides)] = 1
    bias = tf.zeros(filters, kernel.dtype) if bias is None else tf.cast(bias, kernel.dtype)
    return tf.constant(middle, kernel.dtype) * bias


def _pairs(x):
    """(B, D, H, W, C) -> (B, D, H, W / 2, 2 * C), two columns as one; no voxel moves in memory."""
    depth, rows, columns, channels = x.shape[1:]
    return tf.reshape(x, (-1, depth, rows, columns // 2, 2 * channels))


def _kernel_of_pairs(kernel, padding):
    """The same convolution for pairs of columns: (3, 3, 3, C, F) -> (3, 3, 3 or, VALID, 2, 2C, 2F).

    Some of it is zero, but it fills the units that few filters leave idle.
    """
    before = int(padding == "SAME")
    # [j, q, p, k] is 1 where the kernel's element k, for column p of a pair, reads column q of pair j - before.
    place = np.array([[[[2 * (j - before) + q == p + k - before for k in range(3)] for p in range(2)]
                       for q in range(2)] for j in range(2 + before)])
    channels, filters = kernel.shape[-2:]
    pairs = tf.einsum("jqpk,zykcf->zyjqcpf", tf.constant(place, kernel.dtype), kernel)
    return tf.reshape(pairs, (3, 3, 2 + before, 2 * channels, 2 * filters))


def leaky_relu(x, slope, gives=None):
    """x where it is positive, ``slope`` * x elsewhere, of x's type or of type ``gives``."""
    @tf.custom_gradient
    def activate(x):
        y = tf.nn.leaky_relu(x, slope)

        def gradient(g):
            # y has the sign of x. In float32, since in bfloat16 it takes twice the time even with the casts.
            wide = tf.raw_ops.LeakyReluGrad(gradients=tf.cast(g, tf.float32), features=tf.cast(y, tf.float32),
                                            alpha=slope)
            return tf.cast(wide, y.dtype)

        return tf.cast(y, gives or y.dtype), gradient

    return activate(x)


def upsampling_kernel(up, kernel):
    """The kernel of one transposed convolution that does the work of two convolutions.

    A transposed convolution with stride 2 and kernel 2, then a convolution with kernel 3, with nothing between them,
    is a transposed convolution with stride 2 and kernel 4.

    Args:
        up: (2, 2, 2, C, L), the first kernel, as ``conv3d_transpose`` takes it.
        kernel: (3, 3, 3, C, F), the second.

    Returns:
        (4, 4, 4, F, L).
    """
    # Voxel 2i + p of the first is read by element k for voxel 2i + p - k + 1, which element p - k + 2 of the joined
    # kernel writes: a full convolution of ``up`` with the second kernel turned around.
    turned = tf.transpose(tf.reverse(kernel, [0, 1, 2]), (0, 1, 2, 4, 3))
    joined = tf.nn.conv3d_transpose(tf.transpose(up, (4, 0, 1, 2, 3)), turned,
                                    (up.shape[-1], 4, 4, 4, kernel.shape[-1]), 1, "VALID")
    return tf.transpose(joined, (1, 2, 3, 4, 0))


def interleave(x):
    """(B, D, H, W, 8 * C) -> (B, 2D, 2H, 2W, C): the eight voxels of every block of 2x2x2, one after the other."""
    depth, rows, columns, channels = x.shape[1:]
    blocks = tf.reshape(x, (-1, depth, rows, columns, 2, 2, 2, channels // 8))
    return tf.reshape(tf.transpose(blocks, (0, 1, 4, 2, 5, 3, 6, 7)),
                      (-1, 2 * depth, 2 * rows, 2 * columns, channels // 8))
