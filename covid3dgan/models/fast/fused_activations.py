"""Convolutions computed together with the activation that follows them (models.fast.fused_operations.convolve)."""

import functools

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.fast.fused_operations import convolve, leaky_relu
from covid3dgan.models.fast.rebuild import rebuild

__all__ = ["fuse_activations", "fused_activation"]


def fuse_activations(model):
    """A model with the weights of ``model``, whose 3D convolutions are joined with their activations: equal but for
    rounding."""
    return rebuild(model, fused_activation, f"{model.name}_fused")


def fused_activation(layer, inputs, again):
    """What :func:`rebuild` asks: one layer in the place of a ReLU or leaky ReLU and of the convolution before it."""
    if isinstance(layer, keras.layers.LeakyReLU):
        activation = functools.partial(leaky_relu, slope=compat.leak(layer))
    elif isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.relu:
        activation = tf.nn.relu
    else:
        return None
    before, source, _ = compat.maker(inputs[0])
    if type(before) is not keras.layers.Conv3D:
        return None
    return _FusedConvolution(before, activation, layer.compute_dtype, name=f"{before.name}_fused")(again(source[0]))


class _FusedConvolution(keras.layers.Layer):
    """x (B, D, H, W, C) -> ``activation`` of ``layer``, a Conv3D with stride 1, of x, of type ``gives``."""

    def __init__(self, layer, activation, gives, **options):
        # Whatever the policy, the weights are read in float32 and cast by ``convolve``.
        super().__init__(dtype="float32", autocast=False, **options)
        self.layer, self.activation, self.gives = layer, activation, gives

    def call(self, x):
        y = convolve(tf.cast(x, self.layer.compute_dtype), self.layer.kernel, self.layer.bias,
                     activation=self.activation, padding=self.layer.padding.upper())
        return tf.cast(y, self.gives)
