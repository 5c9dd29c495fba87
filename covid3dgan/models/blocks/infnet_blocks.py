"""The heads of Inf-Net: receptive field blocks, parallel partial decoder, reverse attention, edge branch.

Section numbers of Fan et al. 2020 (Inf-Net); paper 004 takes the network over unchanged. The convolution unit is
convolution without bias, then batch normalisation: its published form makes a ReLU and never applies it, so a ReLU
stands only where it is written here.
"""

import keras

from covid3dgan.models.blocks.infnet_layers import BilinearResize, ReverseAttention
from covid3dgan.models.blocks.torch_style import batch_norm, conv

__all__ = ["conv_bn", "edge_features", "partial_decoder", "receptive_field_block", "resized", "reverse_features"]


def conv_bn(x, filters, kernel, name, dilation=1, relu=False):
    """Convolution and batch normalisation, with a ReLU only where asked for."""
    x = batch_norm(conv(x, filters, kernel, name, dilation=dilation), f"{name}_bn")
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def resized(x, factor, name, align_corners=False):
    """``x`` resized bilinearly by ``factor``."""
    return BilinearResize(factor, align_corners, name=name)(x)


def receptive_field_block(x, filters, name):
    """Four branches of growing reach, joined and added to a shortcut: (B, H, W, C) -> (B, H, W, filters).

    Branch k > 0 sees (2k + 1) x 1 and 1 x (2k + 1) kernels, then a 3x3 one with dilation 2k + 1.
    """
    branches = [conv_bn(x, filters, 1, f"{name}_branch0")]
    for index, size in enumerate((3, 5, 7), start=1):
        branch = conv_bn(x, filters, 1, f"{name}_branch{index}_0")
        branch = conv_bn(branch, filters, (1, size), f"{name}_branch{index}_1")
        branch = conv_bn(branch, filters, (size, 1), f"{name}_branch{index}_2")
        branches.append(conv_bn(branch, filters, 3, f"{name}_branch{index}_3", dilation=size))
    joined = conv_bn(keras.layers.Concatenate(name=f"{name}_concat")(branches), filters, 3, f"{name}_cat")
    added = keras.layers.Add(name=f"{name}_add")([joined, conv_bn(x, filters, 1, f"{name}_res")])
    return keras.layers.ReLU(name=f"{name}_relu")(added)


def partial_decoder(f5, f4, f3, filters, name="decoder"):
    """Joins the three deepest features by products and concatenations.

    Args:
        f5, f4, f3: (B, h, w, filters), (B, 2h, 2w, filters), (B, 4h, 4w, filters).

    Returns:
        (B, 4h, 4w, 3 filters): the features of the global map.
    """
    def up(x, label):
        return resized(x, 2, f"{name}_{label}", align_corners=True)

    def multiply(label, *tensors):
        return keras.layers.Multiply(name=f"{name}_{label}")(list(tensors))

    def concat(label, *tensors):
        return keras.layers.Concatenate(name=f"{name}_{label}")(list(tensors))

    f5_up = up(f5, "f5_up")
    middle = multiply("middle", conv_bn(f5_up, filters, 3, f"{name}_conv_upsample1"), f4)
    fine = multiply("fine", conv_bn(up(f5_up, "f5_up_up"), filters, 3, f"{name}_conv_upsample2"),
                    conv_bn(up(f4, "f4_up"), filters, 3, f"{name}_conv_upsample3"), f3)
    joined = concat("concat2", middle, conv_bn(f5_up, filters, 3, f"{name}_conv_upsample4"))
    joined = conv_bn(joined, 2 * filters, 3, f"{name}_conv_concat2")
    joined_up = conv_bn(up(joined, "concat2_up"), 2 * filters, 3, f"{name}_conv_upsample5")
    joined = conv_bn(concat("concat3", fine, joined_up), 3 * filters, 3, f"{name}_conv_concat3")
    return conv_bn(joined, 3 * filters, 3, f"{name}_conv4")


def reverse_features(features, edges, guidance, filters, kernel, count, name):
    """What a reverse attention branch sees before its last convolution.

    Args:
        features: the trunk's own features, (B, h, w, C).
        edges: edge guidance at that size, (B, h, w, E).
        guidance: logit of the coarser map at that size, (B, h, w, 1).
        filters, kernel, count: of the convolutions with ReLU after the concatenation.

    Returns:
        (B, h, w, filters) where E = filters; in general ``filters`` channels.
    """
    x = ReverseAttention(name=f"{name}_attention")(features, guidance)
    x = conv_bn(x, filters, 1, f"{name}_conv1")
    x = keras.layers.Concatenate(name=f"{name}_concat")([x, edges])
    for index in range(2, 2 + count):
        x = conv_bn(x, filters, kernel, f"{name}_conv{index}", relu=True)
    return x


def edge_features(x1, filters, name="edge"):
    """The edge guidance out of the first stage: (B, h, w, C) -> (B, h, w, filters); no ReLU anywhere."""
    x = conv_bn(x1, filters, 1, f"{name}_conv1")
    x = conv_bn(x, filters, 3, f"{name}_conv2")
    return conv_bn(x, filters, 3, f"{name}_conv3")
