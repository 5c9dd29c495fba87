"""The multi-class network of paper 004 (Figure 3): a bilinear U-Net over the image and the infection prior.

``published`` is Inf-Net's U-Net. ``improved`` is the one that the paper's self-supervised runs used (I08): the input is
put in again at two depths, and inpainting has a decoder of its own.
"""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan.models.blocks.infnet_blocks import resized
from covid3dgan.models.blocks.infnet_layers import PaintingRange
from covid3dgan.models.blocks.layers import check_choice
from covid3dgan.models.blocks.torch_style import batch_norm, conv
from covid3dgan.models.infnet import check_sides

__all__ = ["MULTI_VARIANTS", "add_multi_inpainting", "build_infnet_multi"]

MULTI_VARIANTS = ("published", "improved")
LEVELS = 4


def build_infnet_multi(variant: str = "published", input_shape: Sequence[Optional[int]] = (None, None, 6),
                       width: int = 64, classes: int = 3, name: Optional[str] = None) -> keras.Model:
    """The multi-class U-Net; trainable parameters at the defaults 17,269,251, or 17,390,553 ("improved").

    Args:
        variant: "published" or "improved".
        input_shape: (rows, columns, channels), sides that divide by 16 or None; six channels are the image's three
            and the prior's three.
        width: filters of the first level, doubled at the next three; 64 is the published one.
        classes: channels of the output: background, ground glass, consolidation.
        name: the model's name.

    Returns:
        ``keras.Model``: (B, H, W, C) -> (B, H, W, classes), logits of one sigmoid per class.
    """
    check_choice("variant", variant, MULTI_VARIANTS)
    image = keras.Input(check_sides("infnet_multi", input_shape, 2**LEVELS), name="image_and_prior")
    skips = _encoder(image, width, improved=variant == "improved")
    features = _decoder(skips, width, "up")
    logits = conv(features, classes, 1, "logits", use_bias=True)
    return keras.Model(image, logits, name=name or f"infnet_multi_{variant}")


def add_multi_inpainting(multi, activation="tanh"):
    """A model that shares ``multi``'s layers and paints its input: image and prior.

    "published" shares the decoder and adds a 1x1 head; "improved" shares the encoder only and adds a whole decoder
    (7,950,492 parameters at the published width).

    Returns:
        ``keras.Model``: (B, H, W, C) -> (B, H, W, C), the channels in the input's order.
    """
    check_choice("activation", activation, ("tanh", "linear"))
    channels = multi.input_shape[-1]
    names = [layer.name for layer in multi.layers]
    if "down2_joined" in names:
        skips = [multi.get_layer(name).output for name in
                 ("down0_relu2", "down1_relu2", "down2_joined", "down3_relu2", "down4_joined")]
        features = _decoder(skips, multi.get_layer("down0_conv1").filters, "inpainting_up")
    else:
        features = multi.get_layer("up4_relu2").output
    painted = conv(features, channels, 1, "inpainting", use_bias=True)
    if activation == "tanh":
        painted = PaintingRange(name="inpainting_range")(painted)
    return keras.Model(multi.input, painted, name=f"{multi.name}_inpainting")


def _encoder(image, width, improved):
    """Features at strides 1, 2, 4, 8, 16; the third and the last carry the input again where ``improved``."""
    x = _double_conv(image, width, width, "down0")
    skips = [x]
    for level in range(1, LEVELS + 1):
        filters = width * min(2**level, 8)
        x = keras.layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
        x = _double_conv(x, filters, filters, f"down{level}")
        if improved and level in (2, 4):
            # One pixel in 4 (in 16): PyTorch's nearest neighbour takes the first pixel of each block.
            small = keras.layers.MaxPooling2D(1, strides=2**level, name=f"down{level}_input")(image)
            x = keras.layers.Concatenate(name=f"down{level}_joined")([x, small])
        skips.append(x)
    return skips


def _decoder(skips, width, name):
    """From stride 16 back to 1; each unit joins [skip, upsampled], halves the channels, then takes its width."""
    x = skips[-1]
    for unit, filters in enumerate((4 * width, 2 * width, width, width), start=1):
        x = resized(x, 2, f"{name}{unit}_bilinear", align_corners=True)
        x = keras.layers.Concatenate(name=f"{name}{unit}_concat")([skips[-1 - unit], x])
        x = _double_conv(x, x.shape[-1] // 2, filters, f"{name}{unit}")
    return x


def _double_conv(x, middle, filters, name):
    """Twice: 3x3 convolution with bias, batch normalisation, ReLU."""
    for index, count in ((1, middle), (2, filters)):
        x = batch_norm(conv(x, count, 3, f"{name}_conv{index}", use_bias=True), f"{name}_bn{index}")
        x = keras.layers.ReLU(name=f"{name}_relu{index}")(x)
    return x
