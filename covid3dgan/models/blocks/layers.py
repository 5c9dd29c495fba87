"""Building blocks that several models share: checks of input shapes, channel splits, the noise adder."""

import math

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.errors import ArgumentError, check_choice

__all__ = ["LEAK", "check_choice", "check_input_shape", "conv3d", "noise_adder", "refuse_float16_without_gpu"]

LEAK = 0.3  # of the 3D networks' leaky ReLUs: Keras 2's default, which the notebook takes
# Voxels, twice the largest volume with the fault that conv3d avoids.
LARGEST_FLOAT32_VOLUME = 2048


def check_input_shape(model, shape, rank, multiple):
    """``shape`` as a tuple of ints if it is ``rank`` sides that divide by ``multiple``, then the channels.

    Raises:
        ArgumentError: otherwise, naming the nearest sides that do.
    """
    names = {2: "(rows, columns, channels)", 3: "(slices, rows, columns, channels)"}[rank]
    shape = tuple(shape)
    if len(shape) != rank + 1 or any(not isinstance(side, int) or side < 1 for side in shape):
        raise ArgumentError(f"{model} input_shape", f"{rank + 1} positive whole numbers {names}", f"{shape}",
                            "pass the shape without the batch axis")
    if any(side % multiple for side in shape[:-1]):
        nearest = tuple(max(multiple, round(side / multiple) * multiple) for side in shape[:-1])
        raise ArgumentError(f"{model} input_shape", f"sides that divide by {multiple}", f"{shape[:-1]}",
                            f"resize or pad the input, nearest is {nearest}")
    return shape


def conv3d(x, filters, kernel, padding="same", **options):
    """``keras.layers.Conv3D`` on ``x``, in float32 at the bottom of a network of mixed_bfloat16.

    oneDNN's bfloat16 convolution of a small volume with an odd number of channels reads one number beyond the end of
    its input and multiplies it by zero; where that number happens to be NaN, so is the output (seen with TensorFlow
    2.15 and 2.21 up to 4x16x16 voxels; concatenating a one-channel CT makes most channel counts of the published
    generator odd). Volumes so small are a tenth of the work.
    """
    tiny = math.prod(x.shape[1:-1]) <= LARGEST_FLOAT32_VOLUME
    if tiny and keras.mixed_precision.global_policy().name == "mixed_bfloat16":
        options["dtype"] = "float32"
    return keras.layers.Conv3D(filters, kernel, padding=padding, **options)(x)


def refuse_float16_without_gpu(model):
    """Raises ArgumentError for a 3D model that TensorFlow has no kernels for: its CPU pools no float16 volumes."""
    if keras.mixed_precision.global_policy().name == "mixed_float16" and not tf.config.list_physical_devices("GPU"):
        raise ArgumentError(f"{model} precision", "a GPU for mixed_float16", "none",
                            "use mixed_bfloat16 or float32 on a CPU")


def noise_adder(features, noise, name="noise"):
    """Adds to ``features`` what three parallel convolutions (kernels 1, 3, 5) make of them and of the noise.

    Paper 001 section 3.1; the notebook's layers ``HI`` (features), ``conection`` (the three, concatenated) and the sum.

    Args:
        features: (B, D, H, W, C).
        noise: (B, D, H, W, N).

    Returns:
        (B, D, H, W, C).
    """
    channels = features.shape[-1]
    joined = keras.layers.Concatenate(name=f"{name}_concat")([features, noise])
    branches = []
    for index, kernel in enumerate((1, 3, 5)):
        # The three share the channels; where these do not divide by 3 the first ones take one more.
        filters = channels // 3 + (index < channels % 3)
        branch = conv3d(joined, filters, kernel, name=f"{name}_conv{kernel}")
        branches.append(compat.leaky_relu(LEAK, name=f"{name}_act{kernel}")(branch))
    connection = keras.layers.Concatenate(name="conection")(branches)
    return keras.layers.Add(name=f"{name}_add")([features, connection])
