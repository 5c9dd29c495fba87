"""Inf-Net, the network that finds infection as one class (paper 004, Figures 1 and 2; Fan et al. 2020).

Maps carry the paper's names: ``sg`` out of the parallel partial decoder, then ``s5``, ``s4`` and ``s3`` out of the
three reverse attentions, each a correction of the one before, and ``edge``. The prediction is ``s3``.
"""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan.errors import ArgumentError
from covid3dgan.models.blocks.infnet_blocks import (
    conv_bn,
    edge_features,
    partial_decoder,
    receptive_field_block,
    resized,
    reverse_features,
)
from covid3dgan.models.blocks.infnet_layers import PaintingRange
from covid3dgan.models.blocks.layers import check_choice
from covid3dgan.models.blocks.torch_style import conv
from covid3dgan.models.res2net import res2net50_trunk
from covid3dgan.models.resnet import resnet50_trunk

__all__ = ["BACKBONES", "MAPS", "add_inpainting_heads", "build_infnet", "check_sides"]

BACKBONES = ("resnet50", "res2net50")
MAPS = ("sg", "s5", "s4", "s3", "edge")
# A map's stride against the input, and the layer whose output its last convolution reads.
_STRIDES = {"sg": 8, "s5": 32, "s4": 16, "s3": 8, "edge": 4}
_FEATURES = {"sg": "decoder_conv4_bn", "s5": "reverse5_conv4_relu", "s4": "reverse4_conv3_relu",
             "s3": "reverse3_conv3_relu", "edge": "edge_conv3_bn"}
_KERNELS = {"sg": 1, "s5": 1, "s4": 3, "s3": 3, "edge": 3}


def build_infnet(backbone: str = "resnet50", input_shape: Sequence[Optional[int]] = (None, None, 3),
                 channels: int = 32, width: int = 64, blocks: Sequence[int] = (3, 4, 6, 3)) -> keras.Model:
    """Inf-Net: an image to five maps of logits at its own size.

    Trainable parameters at the defaults: 30,911,401 ("resnet50"), 31,072,721 ("res2net50").

    Args:
        backbone: "resnet50" (what paper 004's code trains) or "res2net50" (Inf-Net's own default).
        input_shape: (rows, columns, 3); sides that divide by 32, or None to decide at run time.
        channels: width of the heads; 32 is the published one.
        width, blocks: planes and blocks of the trunk; smaller ones make a network for a laptop.

    Returns:
        ``keras.Model``: (B, H, W, 3) -> dict of ``MAPS``, each (B, H, W, 1) float32 logits.
    """
    check_choice("backbone", backbone, BACKBONES)
    image = keras.Input(check_sides("infnet", input_shape, 32), name="image")
    trunk = resnet50_trunk if backbone == "resnet50" else res2net50_trunk
    x1, x2, x3, x4 = trunk(image, width, blocks)

    edges = edge_features(x1, 2 * channels)
    f3, f4, f5 = (receptive_field_block(x, channels, f"rfb{level}") for level, x in ((3, x2), (4, x3), (5, x4)))
    decoded = partial_decoder(f5, f4, f3, channels)
    maps = {"sg": conv(decoded, 1, 1, "sg", use_bias=True)}

    guidance = resized(maps["sg"], 0.25, "guidance5")
    found = reverse_features(x4, resized(edges, 0.125, "edges5"), guidance, 8 * channels, 5, 3, "reverse5")
    maps["s5"] = _corrected(guidance, found, "s5")
    guidance = resized(maps["s5"], 2, "guidance4")
    found = reverse_features(x3, resized(edges, 0.25, "edges4"), guidance, 2 * channels, 3, 2, "reverse4")
    maps["s4"] = _corrected(guidance, found, "s4")
    guidance = resized(maps["s4"], 2, "guidance3")
    found = reverse_features(x2, resized(edges, 0.5, "edges3"), guidance, 2 * channels, 3, 2, "reverse3")
    maps["s3"] = _corrected(guidance, found, "s3")
    maps["edge"] = conv_bn(edges, 1, _KERNELS["edge"], "edge_map")

    outputs = {name: resized(maps[name], _STRIDES[name], f"{name}_full") for name in MAPS}
    return keras.Model(image, outputs, name=f"infnet_{backbone}")


def _corrected(guidance, features, name):
    """The coarser map plus what this branch found."""
    correction = conv_bn(features, 1, _KERNELS[name], f"{name}_map")
    return keras.layers.Add(name=name)([correction, guidance])


def add_inpainting_heads(infnet, activation="tanh"):
    """A model that shares every layer of ``infnet`` and paints the image instead of mapping infection.

    Five heads of three channels read what the five last convolutions read (+6,267 parameters at the published
    width); as published they stand beside those, so the maps that guide the reverse attention stay in use (I03).

    Args:
        infnet: from ``build_infnet``; its weights are shared, so training one trains the other.
        activation: "tanh" as coded (twice for ``sg``, as coded), or "linear" as the paper says.

    Returns:
        ``keras.Model``: (B, H, W, 3) -> dict of ``MAPS``, each (B, H, W, 3).
    """
    check_choice("activation", activation, ("tanh", "linear"))
    guidance = {"s5": "guidance5", "s4": "guidance4", "s3": "guidance3"}
    outputs = {}
    for name in MAPS:
        features = infnet.get_layer(_FEATURES[name]).output
        if name == "sg":
            painted = conv(features, 3, 1, "sg_inpainting", use_bias=True)
        else:
            painted = conv_bn(features, 3, _KERNELS[name], f"{name}_inpainting")
        if name in guidance:
            logit = infnet.get_layer(guidance[name]).output
            painted = keras.layers.Add(name=f"{name}_inpainting_add")([painted, logit])
        if activation == "tanh":
            painted = PaintingRange(2 if name == "sg" else 1, name=f"{name}_inpainting_range")(painted)
        outputs[name] = resized(painted, _STRIDES[name], f"{name}_inpainting_full")
    return keras.Model(infnet.input, outputs, name=f"{infnet.name}_inpainting")


def check_sides(model, shape, multiple):
    """``shape`` (rows, columns, channels) if each side divides by ``multiple`` or is None; else ArgumentError."""
    shape = tuple(shape)
    if len(shape) != 3 or any(side is not None and (side < multiple or side % multiple) for side in shape[:2]):
        raise ArgumentError(f"{model} input_shape",
                            f"(rows, columns, channels), sides that divide by {multiple} or None", f"{shape}",
                            "resize the images")
    return shape
