"""Dense-skip units computed another way: two convolutions of the same volume in one call.

A dense-skip unit convolves x, joins the result to x, and convolves that. The second convolution is the sum of one over
x and one over the result, and the part over x can be done together with the first. One call with twice the filters
fills the vectors of a CPU where filters are few (8 in the published generator's largest volumes), reads x once, and
the joined volume is never written. The last unit, where the volumes are largest, goes further (:class:`_LastUnit`).
"""

import functools

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.fast.fused_activations import fused_activation
from covid3dgan.models.fast.fused_operations import (
    convolve,
    interleave,
    leaky_relu,
    upsampling_kernel,
    value_and_difference,
)
from covid3dgan.models.fast.rebuild import rebuild

__all__ = ["FusedUnits"]

_LAST = "decoder1"


class FusedUnits:
    """Calls a functional ``model`` with its dense-skip units fused: the same weights, outputs equal but for rounding.

    Args:
        model: keras.Model whose units have layers ``<unit>_conv1``, ``_act1``, ``_concat1``, ``_conv2``, ``_act2`` and
            ``_concat2``, the first ones also ``_pool``, the last one ``_up`` and ``_skip``; other convolutions are
            joined with their activations (models.fast.fused_activations), all other layers run as they are.

    Attributes:
        never_written: names of the layers of ``model`` whose outputs do not exist here: joined volumes, and what the
            last unit upsamples.
    """

    def __init__(self, model):
        self.model = model
        self.never_written = [layer.name for layer in model.layers if layer.name.endswith("_concat1")]
        # What is joined to be pooled is pooled and then joined, an eighth of it.
        self.never_written += [layer.name.replace("_pool", "_concat2") for layer in model.layers
                               if layer.name.endswith("_pool")]
        # Also where volumes are so small that ``model`` convolves them in float32 (models.blocks.layers.conv3d).
        self.bfloat16 = any(layer.compute_dtype == "bfloat16" for layer in model.layers)
        self.fused = rebuild(model, self._fuse, f"{model.name}_fused")
        if any(isinstance(layer, _LastUnit) for layer in self.fused.layers):
            self.never_written += [f"{_LAST}_{role}" for role in ("up", "skip", "concat2")]

    def __call__(self, inputs, training=False):
        return self.fused(inputs, training=training)

    def _fuse(self, layer, inputs, again):
        """What :func:`rebuild` asks: a fused unit in the place of a unit's second activation, the last in that of the
        head."""
        unit, _, role = layer.name.rpartition("_")
        if role == "act2" and f"{unit}_concat1" in self.never_written and unit != _LAST:
            _, [joined], _ = compat.maker(inputs[0])
            _, [x, _], _ = compat.maker(joined)
            return _FusedUnit(*self._parts(unit), name=f"{unit}_fused")(again(x))
        before, joined, _ = compat.maker(inputs[0])
        if role == "pool" and before.name in self.never_written:
            return before([layer(again(part)) for part in joined])
        if before.name == f"{_LAST}_concat2" and f"{_LAST}_concat1" in self.never_written:
            _, [upsampled, skip], _ = compat.maker(joined[0])
            up, [low], _ = compat.maker(upsampled)
            return _LastUnit(*self._parts(_LAST), up, layer, name=f"{_LAST}_fused")([again(low), again(skip)])
        return fused_activation(layer, inputs, again)

    def _parts(self, unit):
        layers = [self.model.get_layer(f"{unit}_{name}") for name in ("conv1", "act1", "conv2", "act2")]
        return [*layers, "bfloat16" if self.bfloat16 else layers[0].compute_dtype]


class _FusedUnit(keras.layers.Layer):
    """x (B, D, H, W, C) -> ``second`` of x joined to ``first`` of x, each with its activation: (B, D, H, W, F).

    Args:
        first, first_activation, second, second_activation: the unit's own layers.
        computed_in: type of the convolutions.
    """

    def __init__(self, first, first_activation, second, second_activation, computed_in, **options):
        # Whatever the policy, the weights are read in float32 and cast here.
        super().__init__(dtype="float32", autocast=False, **options)
        self.first, self.second, self.computed_in = first, second, computed_in
        self.activations = [functools.partial(leaky_relu, slope=compat.leak(layer))
                            for layer in (first_activation, second_activation)]

    def call(self, x):
        over_x, over_first = self.kernels()
        return self.finish(convolve(tf.cast(x, self.computed_in), over_x, self.bias()), over_first)

    def kernels(self):
        """Kernels of both convolutions over x (3, 3, 3, C, 2F), and of the second over the first (3, 3, 3, F, F)."""
        # Splits, not slices: the gradient of a split is one concatenation.
        over_x, over_first = tf.split(self.second.kernel, [self.first.kernel.shape[-2], self.first.filters], -2)
        return tf.concat([self.first.kernel, over_x], -1), over_first

    def bias(self):
        """(2F): that of the first; the second's is added to what is convolved last."""
        return tf.concat([self.first.bias, tf.zeros_like(self.second.bias)], 0)

    def finish(self, both, over_first):
        """From both convolutions over x (B, D, H, W, 2F), the first with its bias, to the second activation."""
        first, second = tf.split(both, [self.first.filters, self.second.filters], -1)
        first = self.activations[0](first)
        return convolve(first, over_first, self.second.bias, second, self.activations[1])


class _LastUnit(_FusedUnit):
    """The last unit with the transposed convolution before it and the 1x1x1 convolution after it.

    ``up`` has no activation and its output is large (32 channels of full size), so it is never written: the unit's
    convolutions over it are one transposed convolution of the small volume, and the head's part over it is computed at
    the small size too.

    low (B, D, H, W, L), skip (B, 2D, 2H, 2W, S) -> (B, 2D, 2H, 2W, channels of ``head``), float32.
    """

    def __init__(self, first, first_activation, second, second_activation, computed_in, up, head, **options):
        super().__init__(first, first_activation, second, second_activation, computed_in, **options)
        self.activations[1] = functools.partial(self.activations[1], gives=tf.float32)  # as the head takes it
        self.up, self.head = up, head

    def call(self, inputs):
        low, skip = (tf.cast(x, self.computed_in) for x in inputs)
        over_x, over_first = self.kernels()
        over_up, over_skip = tf.split(over_x, [self.up.filters, skip.shape[-1]], -2)
        bias, difference = value_and_difference(self.bias())
        both = convolve(skip, over_skip, bias, self._upsampled(low, over_up)) + self._border(skip, over_up, difference)
        return self._output(low, skip, self.finish(both, over_first))

    def _upsampled(self, low, kernel):
        """``kernel`` over the upsampled volume, but for the bias of ``up``."""
        shape = [tf.shape(low)[0], *(2 * side for side in low.shape[1:-1]), kernel.shape[-1]]
        joined = tf.cast(upsampling_kernel(self.up.kernel, kernel), low.dtype)
        return tf.nn.conv3d_transpose(low, joined, shape, [1, 2, 2, 2, 1], "SAME")

    def _border(self, skip, kernel, bias):
        """``kernel`` over the bias of ``up``, which ends at the border of the volume, and ``bias``: the same for every
        volume of the batch, (1, 2D, 2H, 2W, 2F)."""
        everywhere = tf.ones((1, *skip.shape[1:-1], 1), skip.dtype)
        return convolve(everywhere, tf.einsum("zyxcf,c->zyxf", kernel, self.up.bias)[..., tf.newaxis, :], bias)

    def _output(self, low, skip, second):
        """The head, in float32."""
        low, skip = tf.cast(low, tf.float32), tf.cast(skip, tf.float32)
        over_up, over_skip, over_second = tf.split(
            self.head.kernel, [self.up.filters, skip.shape[-1], second.shape[-1]], -2)
        blocks = tf.einsum("zyxcl,co->lzyxo", self.up.kernel, over_up[0, 0, 0])
        upsampled = interleave(convolve(low, tf.reshape(blocks, (1, 1, 1, low.shape[-1], -1))))
        bias = tf.linalg.matvec(over_up[0, 0, 0], self.up.bias, transpose_a=True) + self.head.bias
        return self.head.activation(convolve(skip, over_skip, bias, convolve(second, over_second, None, upsampled)))
