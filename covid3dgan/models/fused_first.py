"""A first convolution of one-channel volumes, with its ReLU, computed another way in mixed_bfloat16."""

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.fused_operations import convolve
from covid3dgan.models.rebuild import rebuild

__all__ = ["fuse_first_convolution"]


def fuse_first_convolution(model):
    """``model`` with every convolution of one channel computed for pairs of columns, together with the ReLU after it.

    The weights are the same, outputs equal but for rounding. In other precisions it is ``model`` itself.
    """
    def fuse(layer, inputs, again):
        if not isinstance(layer, keras.layers.Activation) or layer.activation is not keras.activations.relu:
            return None
        read, source, _ = compat.maker(inputs[0])
        if type(read) is not keras.layers.Conv3D or read.compute_dtype != "bfloat16" or source[0].shape[-1] != 1:
            return None
        return _ConvolutionAndRelu(read, name=f"{read.name}_fused")(again(source[0]))

    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv3D)]
    if any(layer.compute_dtype == "bfloat16" and layer.kernel.shape[-2] == 1 for layer in found):
        return rebuild(model, fuse, f"{model.name}_fused")
    return model


class _ConvolutionAndRelu(keras.layers.Layer):
    """x (B, D, H, W, 1) -> the ReLU of ``layer``, a Conv3D, of x: (B, D', H', W', F) in bfloat16."""

    def __init__(self, layer, **options):
        super().__init__(dtype="float32", autocast=False, **options)
        self.layer = layer

    def call(self, x):
        return convolve(tf.cast(x, tf.bfloat16), self.layer.kernel, self.layer.bias, activation=tf.nn.relu,
                        padding=self.layer.padding.upper())
