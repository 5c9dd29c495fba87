"""The 3D generator: a CT volume and a noise tensor in, the pseudo-healthy volume out (paper 001, section 3.1)."""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan import compat
from covid3dgan.errors import check_choice
from covid3dgan.models import unetpp3d
from covid3dgan.models.blocks.layers import (
    LEAK,
    check_input_shape,
    conv3d,
    noise_adder,
    refuse_float16_without_gpu,
)
from covid3dgan.presets.stages import latent_shape

__all__ = ["GENERATOR_VARIANTS", "HEADS", "build_generator", "noise_shape"]

GENERATOR_VARIANTS = ("published", "unetpp")
HEADS = ("relu", "residual", "signed")
LEVELS = 4


def noise_shape(input_shape):
    """Shape of the generator's noise input for ``input_shape`` (D, H, W, C): (D/16, H/16, W/16, 10)."""
    return latent_shape(input_shape[:-1])


def build_generator(variant: str = "published", input_shape: Sequence[int] = (32, 128, 128, 1), width: int = 8,
                    head: str = "relu", with_unused_input: bool = False, name: Optional[str] = None) -> keras.Model:
    """The generator of the 3D GAN, a model of ``[ct, noise]``.

    Args:
        variant: "published" is the dense-skip U-Net of the notebook, 7,861,643 parameters at the default shape;
            "unetpp" is the 3D UNet++ that the text names (F25), with the same noise adder.
        input_shape: (D, H, W, C), sides that divide by 16.
        width: filters of the first level, doubled at each of the four levels below; 8 is the published one.
        head: how the last 1x1x1 convolution becomes the output. "relu" is the published one and can die (output
            all zero); "residual" multiplies the CT by a map in (0, 1) that starts at 0.95, so it can only remove
            brightness and always has a gradient; "signed" adds a map that starts at zero, so it may also brighten.
        with_unused_input: adds the notebook's third input, which no layer uses (F08).

    Returns:
        ``keras.Model``: inputs (B, D, H, W, C) and (B, D/16, H/16, W/16, 10); output (B, D, H, W, C), float32.
    """
    check_choice("variant", variant, GENERATOR_VARIANTS)
    check_choice("head", head, HEADS)
    input_shape = check_input_shape("generator", input_shape, rank=3, multiple=2**LEVELS)
    refuse_float16_without_gpu("generator")

    ct = keras.Input(input_shape, name="ct")
    noise = keras.Input(noise_shape(input_shape), name="noise")
    body = _dense_skip_unet if variant == "published" else unetpp3d.nested_unet
    output = _apply_head(head, body(ct, noise, width), ct)

    inputs = [ct, noise]
    if with_unused_input:
        inputs.append(keras.Input(input_shape, name="unused"))
    return compat.never_xla(keras.Model(inputs, output, name=name or f"generator_{variant}"))


def _dense_skip_unet(ct, noise, width):
    """The published body: every unit concatenates its input again after each of its two convolutions."""
    x, skips = ct, []
    for level in range(1, LEVELS + 1):
        x, activation = _dense_skip_unit(x, width * 2 ** (level - 1), f"encoder{level}")
        # As published, only the deepest skip carries the unit's whole output.
        skips.append(x if level == LEVELS else activation)
        x = keras.layers.MaxPooling3D(2, name=f"encoder{level}_pool")(x)

    pooled, filters = x, width * 2**LEVELS
    first = _convolve(pooled, filters, "bottom_conv1")
    features = keras.layers.Concatenate(name="HI")([pooled, first])
    second = _convolve(noise_adder(features, noise), filters, "bottom_conv2")
    x = keras.layers.Concatenate(name="bottom_concat2")([pooled, second])

    for level in range(LEVELS, 0, -1):
        filters = width * 2 ** (level - 1)
        x = keras.layers.Conv3DTranspose(4 * filters, 2, strides=2, padding="same", name=f"decoder{level}_up")(x)
        x = keras.layers.Concatenate(name=f"decoder{level}_skip")([x, skips[level - 1]])
        x, _ = _dense_skip_unit(x, filters, f"decoder{level}")
    return x


def _dense_skip_unit(x, filters, name):
    """Two convolutions, each followed by a concatenation with the unit's input: (output, second activation)."""
    first = _convolve(x, filters, f"{name}_conv1")
    joined = keras.layers.Concatenate(name=f"{name}_concat1")([x, first])
    second = _convolve(joined, filters, f"{name}_conv2")
    return keras.layers.Concatenate(name=f"{name}_concat2")([x, second]), second


def _convolve(x, filters, name):
    x = conv3d(x, filters, 3, name=name)
    return compat.leaky_relu(LEAK, name=name.replace("conv", "act"))(x)


def _apply_head(head, features, ct):
    """The output volume, always computed in float32: a mixed policy would round it to 8 bits."""
    channels = ct.shape[-1]
    if head == "relu":
        return keras.layers.Conv3D(channels, 1, activation="relu", dtype="float32", name="output")(features)
    if head == "residual":
        # sigmoid(3) = 0.95: the first volumes are nearly the CT, while the map's gradient is still well above zero.
        keep = keras.layers.Conv3D(channels, 1, activation="sigmoid", dtype="float32", name="keep_map",
                                   kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
                                   bias_initializer=keras.initializers.Constant(3.0))(features)
        return keras.layers.Multiply(dtype="float32", name="output")([ct, keep])
    change = keras.layers.Conv3D(channels, 1, dtype="float32", name="change_map",
                                 kernel_initializer="zeros")(features)
    return keras.layers.Add(dtype="float32", name="output")([ct, change])
