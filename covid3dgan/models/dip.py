"""Deep Image Prior's hourglass network (Ulyanov et al. 2018), with which AF-SEG inpaints backgrounds.

The network maps a fixed random tensor to one image; its structure alone is the prior. ``variant`` names the presets
of the authors' inpainting examples; "light" is a smaller one of theirs that suits a CPU, "tiny" is ours for tests.
"""

__all__ = ["DIP_VARIANTS", "build_dip"]

import dataclasses
from collections.abc import Sequence
from typing import Optional

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.errors import ArgumentError, check_choice


@dataclasses.dataclass(frozen=True)
class _Variant:
    input_channels: int
    filters: tuple[int, ...]  # per scale, the same down and up
    skip: int  # channels of the skip connections; 0: none
    down_kernel: int = 3
    after_up: bool = True  # a 1x1 convolution behind each upward one


DIP_VARIANTS = {
    "kate": _Variant(32, (128,) * 5, 128),
    "vase": _Variant(2, (128,) * 5, 0),
    "library": _Variant(1, (16, 32, 64, 128, 128, 128), 0, down_kernel=5, after_up=False),
    "light": _Variant(32, (16, 32, 64, 128, 128), 4),
    "tiny": _Variant(8, (16, 32, 32), 4),
}


@keras.saving.register_keras_serializable(package="covid3dgan")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirrors ``margin`` rows and columns at each border, the border itself not repeated."""

    def __init__(self, margin=1, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, inputs):
        margin = [self.margin, self.margin]
        return tf.pad(inputs, [[0, 0], margin, margin, [0, 0]], mode="REFLECT")

    def compute_output_shape(self, input_shape):
        batch, rows, columns, channels = input_shape
        return batch, rows + 2 * self.margin, columns + 2 * self.margin, channels

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


def build_dip(variant: str = "kate", input_shape: Sequence[int] = (256, 256), channels: int = 1,
              name: Optional[str] = None) -> keras.Model:
    """The network of one variant.

    Args:
        variant: a key of ``DIP_VARIANTS``.
        input_shape: (H, W), multiples of 2**scales (32 or 64).
        channels: of the image.

    Returns:
        keras.Model, (B, H, W, input channels) -> (B, H, W, channels) in [0, 1]. Parameters for one channel: kate
        3,002,369, vase 2,157,697, library 2,996,433, light 1,041,781.
    """
    check_choice("variant", variant, DIP_VARIANTS)
    options = DIP_VARIANTS[variant]
    divisor = 2**len(options.filters)
    if any(side % divisor for side in input_shape):
        raise ArgumentError("input_shape", f"sides that are multiples of {divisor}", f"{tuple(input_shape)}",
                            "pad the image")
    noise = keras.Input((*input_shape, options.input_channels), name="noise")
    x = _scale(noise, options, 0)
    image = keras.layers.Conv2D(channels, 1, activation="sigmoid", dtype="float32", name="image")(x)
    return keras.Model(noise, image, name=name or f"dip_{variant}")


def _scale(x, options, level):
    """One scale with all the deeper ones inside it; (B, h, w, C) -> (B, h, w, filters)."""
    count = options.filters[level]
    name = f"scale{level}"
    deep = _unit(x, count, options.down_kernel, f"{name}_down_a", strides=2)
    deep = _unit(deep, count, options.down_kernel, f"{name}_down_b")
    if level + 1 < len(options.filters):
        deep = _scale(deep, options, level + 1)
    deep = keras.layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_upsample")(deep)
    if options.skip:
        skip = _unit(x, options.skip, 1, f"{name}_skip")
        deep = keras.layers.Concatenate(name=f"{name}_join")([skip, deep])
    deep = _normalisation(f"{name}_join_norm")(deep)
    deep = _unit(deep, count, 3, f"{name}_up_a")
    return _unit(deep, count, 1, f"{name}_up_b") if options.after_up else deep


def _unit(x, count, kernel, name, strides=1):
    """Reflection padding, convolution, batch normalisation, LeakyReLU 0.2."""
    if kernel > 1:
        x = ReflectionPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = keras.layers.Conv2D(count, kernel, strides=strides, name=f"{name}_conv")(x)
    return compat.leaky_relu(0.2, name=f"{name}_act")(_normalisation(f"{name}_norm")(x))


def _normalisation(name):
    # The image in training is the only one there is: always its own statistics, so the momentum does not matter.
    return keras.layers.BatchNormalization(epsilon=1e-5, name=name)
