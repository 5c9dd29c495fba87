"""Dense-skip units computed another way: two convolutions of the same volume in one call.

A dense-skip unit convolves x, joins the result to x, and convolves that. The second convolution is the sum of one over
x and one over the result, and the part over x can be done together with the first. One call with twice the filters
fills the vectors of a CPU where filters are few (8 in the published generator's largest volumes), reads x once, and
the joined volume is never written.
"""

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.rebuild import rebuild

__all__ = ["FusedUnits"]


class FusedUnits:
    """Calls a functional ``model`` with its dense-skip units fused: the same weights, outputs equal but for rounding.

    Args:
        model: keras.Model whose units have layers ``<unit>_conv1``, ``_act1``, ``_concat1``, ``_conv2`` and ``_act2``;
            all other layers run as they are.

    Attributes:
        never_written: names of the layers of ``model`` whose outputs do not exist here, the joined volumes.
    """

    def __init__(self, model):
        self.never_written = [layer.name for layer in model.layers if layer.name.endswith("_concat1")]

        def fuse(layer, inputs, again):
            unit, _, role = layer.name.rpartition("_")
            if role != "act2" or f"{unit}_concat1" not in self.never_written:
                return None
            _, [joined], _ = compat.maker(inputs[0])
            _, [x, _], _ = compat.maker(joined)
            parts = [model.get_layer(f"{unit}_{name}") for name in ("conv1", "act1", "conv2", "act2")]
            return _Unit(*parts, name=f"{unit}_fused")(again(x))

        self.fused = rebuild(model, fuse, f"{model.name}_fused")

    def __call__(self, inputs, training=False):
        return self.fused(inputs, training=training)


class _Unit(keras.layers.Layer):
    """x (B, D, H, W, C) -> ``second`` of x joined to ``first`` of x, each with its activation: (B, D, H, W, F)."""

    def __init__(self, first, first_activation, second, second_activation, **options):
        super().__init__(dtype=first.dtype_policy, **options)
        self.first, self.second = first, second
        self.leaks = [compat.leak(layer) for layer in (first_activation, second_activation)]

    def call(self, x):
        # Splits, not slices: the gradient of a split is one concatenation.
        over_x, over_first = tf.split(tf.cast(self.second.kernel, x.dtype), [x.shape[-1], self.first.filters], -2)
        both = _convolve(x, tf.concat([tf.cast(self.first.kernel, x.dtype), over_x], -1))
        first, second = tf.split(both, [self.first.filters, self.second.filters], -1)
        first = _activate(first, self.first.bias, self.leaks[0])
        return _activate(second + _convolve(first, over_first), self.second.bias, self.leaks[1])


def _convolve(x, kernel):
    return tf.nn.conv3d(x, kernel, [1] * 5, "SAME")


def _activate(x, bias, leak):
    with_bias = tf.nn.bias_add(x, tf.cast(bias, x.dtype))
    # In float32, since its gradient takes eight times as long in bfloat16 on a CPU.
    return tf.cast(tf.nn.leaky_relu(tf.cast(with_bias, tf.float32), leak), x.dtype)
