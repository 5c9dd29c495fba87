"""Convolution, batch normalisation and pooling as PyTorch pads, normalises and initialises them.

Paper 004's networks were written in PyTorch. With stride 2, TensorFlow's "same" pads less on the left than on the
right and PyTorch pads both sides alike, which moves every feature by half a pixel per stage; PyTorch's batch
normalisation has epsilon 1e-5 and keeps 0.9 of its running mean; its convolutions start uniform in 1/sqrt(fan in).
"""

import math

import keras

__all__ = ["average_pool", "batch_norm", "conv", "kaiming_fan_out", "max_pool"]


def kaiming_fan_out():
    """He's initialiser over the outputs: PyTorch's choice for the trunks of ResNet and Res2Net, and the coach's."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def conv(x, filters, kernel, name, strides=1, dilation=1, use_bias=False, initializer=None):
    """A 2D convolution with kernel // 2 (times the dilation) rows and columns of padding on every side.

    Args:
        x: (B, H, W, C).
        kernel: an odd number, or (rows, columns).
        initializer: of the kernel; None is PyTorch's default, uniform within 1/sqrt(fan in), which the bias has too.

    Returns:
        (B, ceil(H / strides), ceil(W / strides), filters).
    """
    rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = "same"  # the same on both sides for odd kernels at stride 1
    if strides > 1 and (rows, columns) == (1, 1):
        # The same pixels, picked first: oneDNN's gradient of a strided 1x1 convolution of few channels overruns memory.
        x = keras.layers.MaxPooling2D(1, strides=strides, name=f"{name}_pick")(x)
        strides = 1
    elif strides > 1:
        x = keras.layers.ZeroPadding2D((rows // 2, columns // 2), name=f"{name}_pad")(x)
        padding = "valid"
    bound = 1.0 / math.sqrt(rows * columns * x.shape[-1])
    return keras.layers.Conv2D(
        filters, (rows, columns), strides=strides, dilation_rate=dilation, padding=padding, use_bias=use_bias,
        kernel_initializer=initializer or keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound), name=name)(x)


def batch_norm(x, name):
    """Batch normalisation over the channels with PyTorch's constants."""
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def max_pool(x, name):
    """3x3 maximum, stride 2, one pixel of padding; ``x`` comes out of a ReLU, so zeros do as minus infinity."""
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return keras.layers.MaxPooling2D(3, strides=2, name=name)(x)


def average_pool(x, kernel, name, strides=1):
    """Mean over kernel x kernel with kernel // 2 zeros on every side, which count in the divisor."""
    x = keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    return keras.layers.AveragePooling2D(kernel, strides=strides, name=name)(x)
