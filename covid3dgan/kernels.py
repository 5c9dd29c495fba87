"""Gradients that TensorFlow computes wrongly or slowly on CPUs (seen in 2.15 and in 2.21).

Wrong, in bfloat16:

* ``BiasAdd``: the bias's gradient is summed in bfloat16, where a sum stops growing after a few hundred terms. Of a sum
  over 2 x 32 x 128 x 128 voxels 99.6 % is lost. ``reduce_sum``, which adds in float32, gives the same number rightly.
* ``Conv3D`` with "same" padding: oneDNN's weight gradient is random, and often infinite, for many volumes with fewer
  slices, rows or columns than the kernel (2x8x8 with kernels 3 and 5, 1x1x8 with kernel 5). In float32 it is right.

The forward passes and the gradients with respect to the inputs are right. Only bfloat16 takes the corrected way.

All this holds where oneDNN computes bfloat16. Elsewhere (no AVX-512, or oneDNN off) Eigen does, which also adds the
products of a convolution in bfloat16: of a weight's gradient over 32 x 128 x 128 voxels three quarters are lost.
``bfloat16_sums_are_exact`` measures it, and compat.py refuses mixed_bfloat16 there.

Slow, in float32: without AVX-512, oneDNN has no generated code for the weight gradient of a ``Conv3D`` with "same"
padding. With the zeros written out and no padding it has, and takes a half to a quarter of the time. With AVX-512 the
copy costs 15 % instead (docs/experiments/weight-gradients.md has every shape).
"""

import functools

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops as tf_ops

from covid3dgan import environment

__all__ = ["bfloat16_sums_are_exact", "correct_gradients", "onednn_is_on", "written_out_zeros_are_faster"]


def onednn_is_on():
    """Whether TensorFlow computes with oneDNN on this x86 CPU; None on another one, or where it does not say."""
    try:
        from tensorflow.python.util import _pywrap_util_port as port

        return port.IsMklEnabled() if environment.is_x86() else None
    except (ImportError, AttributeError):
        return None


@functools.cache
def bfloat16_sums_are_exact():
    """Whether TensorFlow's convolutions on this CPU add products of bfloat16 numbers in float32.

    Measured (some milliseconds, once per process): the weight gradient of a volume of ones is its number of voxels.
    """
    sides = (16, 32, 32)
    with tf.init_scope(), tf.device("/CPU:0"):
        ones = tf.ones((1, *sides, 1), tf.bfloat16)
        try:
            gradient = tf.raw_ops.Conv3DBackpropFilterV2(input=ones, filter_sizes=(1, 1, 1, 1, 1), out_backprop=ones,
                                                         strides=[1] * 5, padding="SAME")
        except tf.errors.OpError:  # no such kernel: oneDNN was told to leave AVX-512 out (ONEDNN_MAX_CPU_ISA)
            return False
        return float(tf.squeeze(gradient)) == float(np.prod(sides))


@functools.cache
def written_out_zeros_are_faster():
    """Whether the weight gradient of a padded ``Conv3D`` in float32 gains where the zeros are part of the volume.

    By the instruction set that oneDNN may use, whose every shape was measured; a clock would now and then decide
    otherwise in another process, and a resumed run would not continue bit for bit.
    """
    return (environment.instruction_set() == "AVX2" and onednn_is_on() is True
            and not tf.config.list_physical_devices("GPU"))


def correct_gradients():
    """Puts the corrected gradients in place of TensorFlow's own, once; every layer of every model then has them.

    Returns:
        Whether that worked: the registry of gradients is not part of TensorFlow's public interface.
    """
    try:
        entries = tf_ops._gradient_registry._registry
        for name, corrected in (("BiasAdd", {tf.bfloat16: _bias_add}),
                                ("Conv3D", {tf.bfloat16: _conv3d, tf.float32: _conv3d_float32})):
            original = entries[name]["type"]
            if not hasattr(original, "corrects"):
                entries[name]["type"] = _by_type(corrected, original)
    except (AttributeError, KeyError, TypeError):
        return False
    return True


def _by_type(corrected, original):
    """The gradient of ``corrected`` for the number type, where it has one that answers; else the original."""
    def gradient(op, received):
        # Outside a graph an attribute left at its default, channels last, reads as None.
        channels_first = (op.get_attr("data_format") or b"").startswith(b"NC")
        own = None if channels_first else corrected.get(received.dtype)
        answer = None if own is None else own(op, received)
        return original(op, received) if answer is None else answer

    gradient.corrects = original
    return gradient


def _bias_add(op, received):
    shape = received.shape
    if shape.rank < 3 or not shape[-2:].is_fully_defined():
        return received, tf.reduce_sum(received, axis=list(range(shape.rank - 1)))
    # Whole rows of voxels first: sums of long vectors take less than half the time.
    rows = tf.reduce_sum(tf.reshape(received, (-1, shape[-2] * shape[-1])), 0)
    return received, tf.reduce_sum(tf.reshape(rows, shape[-2:]), 0)


def _conv3d(op, received):
    volume, kernel = op.inputs
    options = {name: op.get_attr(name) for name in ("strides", "dilations")}
    options["padding"] = op.get_attr("padding").decode()
    to_volume = tf.raw_ops.Conv3DBackpropInputV2(input_sizes=tf.shape(volume), filter=kernel, out_backprop=received,
                                                 **options)
    exact = options["padding"] == "SAME" and _smaller_than_kernel(volume.shape, kernel.shape)
    dtype = tf.float32 if exact else tf.bfloat16
    to_kernel = tf.raw_ops.Conv3DBackpropFilterV2(input=tf.cast(volume, dtype), filter_sizes=tf.shape(kernel),
                                                  out_backprop=tf.cast(received, dtype), **options)
    return to_volume, tf.cast(to_kernel, tf.bfloat16)


def _conv3d_float32(op, received):
    """Both gradients of a padded convolution with stride 1, or None where TensorFlow's own are as fast."""
    volume, kernel = op.inputs
    sides = kernel.shape[:3]
    padded = op.get_attr("padding") == b"SAME" and sides.is_fully_defined() and max(sides) > 1
    if not padded or set(op.get_attr("strides")) != {1} or set(op.get_attr("dilations") or [1]) != {1}:
        return None
    if not written_out_zeros_are_faster():
        return None
    to_volume = tf.raw_ops.Conv3DBackpropInputV2(input_sizes=tf.shape(volume), filter=kernel, out_backprop=received,
                                                 strides=[1] * 5, padding="SAME")
    return to_volume, _weight_gradient_of_written_out_zeros(volume, kernel, received)


def _weight_gradient(volume, kernel, received, padding="SAME"):
    """Of a convolution with stride 1: (B, D, H, W, C) and (B, D', H', W', F) -> (k, k, k, C, F), as ``kernel``."""
    return tf.raw_ops.Conv3DBackpropFilterV2(input=volume, filter_sizes=tf.shape(kernel), out_backprop=received,
                                             strides=[1] * 5, padding=padding)


def _weight_gradient_of_written_out_zeros(volume, kernel, received):
    """The same number as ``_weight_gradient``, but for rounding."""
    around = [((side - 1) // 2, side // 2) for side in kernel.shape[:3]]
    return _weight_gradient(tf.pad(volume, [(0, 0), *around, (0, 0)]), kernel, received, "VALID")


def _smaller_than_kernel(volume, kernel):
    """Whether any of the sides (slices, rows, columns) is, or may be, below the kernel's."""
    return any(side is None or side < width for side, width in zip(volume[1:4], kernel[:3]))
