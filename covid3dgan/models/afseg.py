"""AF-SEG's three networks (paper 003, Fig. 3): generator, discriminator, segmenter.

The paper names U-Net, nothing, and "classical U-Net"; the first two are filled in with pix2pix's ``unet_256`` and
70 x 70 PatchGAN, whose option names and defaults the paper's training section repeats (A05, A06). Everywhere instance
normalisation (without scale and shift, so the biases stay) and LeakyReLU 0.2, as the paper says.
"""

__all__ = ["build_afseg_discriminator", "build_afseg_generator", "build_afseg_segmenter"]

from collections.abc import Sequence

import keras

from covid3dgan import compat
from covid3dgan.errors import ArgumentError, check_choice

SLOPE = 0.2
MOST_WIDENINGS = 8  # pix2pix stops doubling the filters at eight times the first level's


def _normalisation(name):
    # In float32 whatever the precision: means over a whole image need the digits.
    return keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, center=False, scale=False, dtype="float32",
                                           name=name)


def _initial():
    return keras.initializers.RandomNormal(stddev=0.02)


def _check_sides(input_shape, divisor, what):
    for side in input_shape[:2]:
        if side is not None and (side % divisor or side < divisor):
            raise ArgumentError(f"input_shape of {what}", f"sides that are multiples of {divisor}",
                                f"{tuple(input_shape)}", "resize the image or build a shallower network")


def build_afseg_generator(input_shape: Sequence[int] = (256, 256, 1), width: int = 64, depth: int = 8,
                          backbone: str = "pix2pix", head: str = "image",
                          name: str = "afseg_generator") -> keras.Model:
    """The U-Net that redraws an image: its coarse foreground kept, all other foreground removed.

    Args:
        input_shape: (H, W, 1), sides multiples of 2**depth; None for sides that vary.
        width: filters of the first level, doubled per level (pix2pix: up to eight times).
        depth: halvings of the image; 8 takes 256 x 256 to 1 x 1.
        backbone: "pix2pix" has one 4x4 convolution of stride 2 per level and none at full size; "classical" is the
            segmenter's U-Net, which learns fine detail in fewer steps.
        head: "image" gives tanh of the last layer; "residual" adds it to the input and starts as the identity.

    Returns:
        keras.Model, (B, H, W, 1) in [-1, 1] -> the same; 54,403,457 parameters by default.
    """
    _check_sides(input_shape, 2**depth, "the generator")
    check_choice("backbone", backbone, ("pix2pix", "classical"))
    check_choice("head", head, ("image", "residual"))
    image = keras.Input(input_shape, name="image")
    last = "zeros" if head == "residual" else _initial()
    if backbone == "pix2pix":
        x = keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same", kernel_initializer=last,
                                         name="up0_conv")(_pix2pix_unet(image, width, depth))
    else:
        x = keras.layers.Conv2D(1, 1, kernel_initializer=last, name="last_conv")(_classical_unet(image, width, depth))
    if head == "residual":
        x = keras.layers.Add(dtype="float32", name="add_input")([image, x])
    # No tanh on a residual: it would bend the identity.
    output = keras.layers.Activation("tanh" if head == "image" else "linear", dtype="float32", name="output")(x)
    return keras.Model(image, output, name=name)


def _pix2pix_unet(x, width, depth):
    """pix2pix's U-Net up to its last layer: (B, H, W, 1) -> (B, H / 2, W / 2, 2 * width)."""
    filters = [min(width * 2**level, width * MOST_WIDENINGS) for level in range(depth)]
    skips = []
    for level, count in enumerate(filters):
        if level:
            x = compat.leaky_relu(SLOPE, name=f"down{level}_act")(x)
        x = keras.layers.Conv2D(count, 4, strides=2, padding="same", kernel_initializer=_initial(),
                                name=f"down{level}_conv")(x)
        if 0 < level < depth - 1:  # not outermost, and not on the innermost single pixel
            x = _normalisation(f"down{level}_norm")(x)
        skips.append(x)
    for level in reversed(range(1, depth)):
        x = compat.leaky_relu(SLOPE, name=f"up{level}_act")(x)
        x = keras.layers.Conv2DTranspose(filters[level - 1], 4, strides=2, padding="same",
                                         kernel_initializer=_initial(), name=f"up{level}_conv")(x)
        x = _normalisation(f"up{level}_norm")(x)
        x = keras.layers.Concatenate(name=f"up{level}_skip")([skips[level - 1], x])
    return compat.leaky_relu(SLOPE, name="up0_act")(x)


def build_afseg_discriminator(input_shape: Sequence[int] = (256, 256, 1), width: int = 64, levels: int = 3,
                              name: str = "afseg_discriminator") -> keras.Model:
    """PatchGAN: one logit for each overlapping patch of the input; positive means a real, clean background.

    Args:
        input_shape: (H, W, 1); None for sides that vary.
        width: filters of the first convolution.
        levels: stride-2 convolutions; 3 gives 70 x 70 patches, 2 gives 34 x 34, 1 gives 16 x 16.

    Returns:
        keras.Model, (B, H, W, 1) -> (B, h, w, 1) logits (30 x 30 for 256 x 256); 2,762,689 parameters by default.
    """
    image = keras.Input(input_shape, name="image")
    x = image
    for level in range(levels + 1):
        last = level == levels
        if last:  # stride 1 with one pixel of padding, which "same" would place unevenly
            x = keras.layers.ZeroPadding2D(1, name=f"pad{level}")(x)
        x = keras.layers.Conv2D(min(width * 2**level, width * MOST_WIDENINGS), 4, strides=1 if last else 2,
                                padding="valid" if last else "same", kernel_initializer=_initial(),
                                name=f"conv{level}")(x)
        if level:
            x = _normalisation(f"norm{level}")(x)
        x = compat.leaky_relu(SLOPE, name=f"act{level}")(x)
    x = keras.layers.ZeroPadding2D(1, name="logits_pad")(x)
    logits = keras.layers.Conv2D(1, 4, kernel_initializer=_initial(), dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)


def build_afseg_segmenter(input_shape: Sequence[int] = (256, 256, 1), width: int = 64, depth: int = 4,
                          name: str = "afseg_segmenter") -> keras.Model:
    """The classical U-Net; a small one (width 16, depth 2) serves as the Deep Segmentation Prior.

    Args:
        input_shape: (H, W, 1), sides multiples of 2**depth; None for sides that vary.
        width: filters of the first level, doubled per level.
        depth: poolings.

    Returns:
        keras.Model, (B, H, W, 1) in [-1, 1] -> (B, H, W, 1) probabilities; 31,030,593 parameters by default.
    """
    _check_sides(input_shape, 2**depth, "the segmenter")
    image = keras.Input(input_shape, name="image")

    x = _classical_unet(image, width, depth)
    output = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="foreground")(x)
    return keras.Model(image, output, name=name)


def _classical_unet(x, width, depth):
    """Two 3x3 convolutions per level, max pooling down and 2x2 transposed convolutions up; width filters out."""
    skips = []
    for level in range(depth):
        x = _double_convolution(x, width * 2**level, f"down{level}")
        skips.append(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{level}")(x)
    x = _double_convolution(x, width * 2**depth, "bottom")
    for level in reversed(range(depth)):
        x = keras.layers.Conv2DTranspose(width * 2**level, 2, strides=2, name=f"up{level}_conv")(x)
        x = keras.layers.Concatenate(name=f"up{level}_skip")([skips[level], x])
        x = _double_convolution(x, width * 2**level, f"up{level}")
    return x


def _double_convolution(x, count, name):
    for half in ("a", "b"):
        x = keras.layers.Conv2D(count, 3, padding="same", kernel_initializer="he_normal", name=f"{name}{half}_conv")(x)
        x = _normalisation(f"{name}{half}_norm")(x)
        x = compat.leaky_relu(SLOPE, name=f"{name}{half}_act")(x)
    return x
