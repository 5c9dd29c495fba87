"""The 2D segmenter: a BCDU-Net (Azad et al. 2019) as coded, or the "2D UNet" of paper 001's text (F26)."""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan import compat
from covid3dgan.errors import ArgumentError, check_choice
from covid3dgan.models.blocks.convlstm import ConvLSTM2D
from covid3dgan.models.blocks.layers import check_input_shape
from covid3dgan.models.encoder2d import Encoder2D, build_encoder2d

__all__ = ["HEADS", "MERGES", "build_segmenter"]

HEADS = ("relu", "linear")
MERGES = ("convlstm", "concatenate")


def build_segmenter(input_shape: Sequence[int] = (128, 128, 1), width: int = 32, dropout: float = 0.5,
                    gate: str = "legacy_hard_sigmoid", encoder: Optional[Encoder2D] = None, head: str = "relu",
                    merge: str = "convlstm", name: str = "segmenter") -> keras.Model:
    """The segmenter; at the defaults the published BCDU-Net, 5,008,645 parameters (5,008,197 trainable).

    Args:
        input_shape: (rows, columns, channels), sides that divide by 8.
        width: filters of the first level, an even number; 32 is the published one.
        dropout: rate in the encoder and on the copy of its third map that the decoder takes.
        gate: the ConvLSTM's recurrent activation (F31), see ``models.blocks.convlstm.GATES``.
        encoder: what ``build_encoder2d`` gave, to share its weights with a contrastive model (F17); by default a new
            one.
        head: activation of the two maps before the last convolution. "relu" is the published one; masks are mostly
            zero, so both maps may fall silent in the first steps and then never learn again. "linear" cannot.
        merge: how the decoder joins a skip with the map from below: "convlstm" as two time steps of a ConvLSTM, as
            published; "concatenate" as a plain UNet does.

    Returns:
        ``keras.Model``: (B, H, W, C) -> (B, H, W, 1), the signed pseudo-mask in (-1, 1), float32.
    """
    input_shape = check_input_shape("segmenter", input_shape, rank=2, multiple=8)
    check_choice("head", head, HEADS)
    check_choice("merge", merge, MERGES)
    encoder = encoder or build_encoder2d(width, dropout)
    if encoder.width != width or width % 2:
        raise ArgumentError("segmenter width", "an even number, the encoder's width", f"{width}",
                            f"the encoder has {encoder.width}")

    image = keras.Input(input_shape, name="slice")
    skips, x = encoder(image)
    # As published, the dropout is on the copy for the decoder only: the encoder's pooling takes the map as it is.
    thinned = keras.layers.Dropout(dropout, name="decoder3_dropout")(skips[2])
    for level, skip, kernel in ((3, thinned, 3), (2, skips[1], 2), (1, skips[0], 2)):
        part, filters = f"decoder{level}", width * 2 ** (level - 1)
        x = _upsample(x, filters, kernel, part)
        x = _merge(skip, x, filters // 2, gate, part) if merge == "convlstm" else keras.layers.Concatenate(
            name=f"{part}_merge")([skip, x])
        x = _convolve(_convolve(x, filters, f"{part}_conv1"), filters, f"{part}_conv2")
    x = _convolve(x, 2, "decoder1_conv3", activation=head)
    mask = keras.layers.Conv2D(1, 1, activation="tanh", dtype="float32", name="mask")(x)
    return compat.never_xla(keras.Model(image, mask, name=name))


def _upsample(x, filters, kernel, name):
    x = keras.layers.Conv2DTranspose(filters, kernel, strides=2, padding="same", kernel_initializer="he_normal",
                                     name=f"{name}_up")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)


def _merge(skip, x, filters, gate, name):
    """The skip and the map from below as two time steps of a ConvLSTM."""
    steps = [keras.layers.Reshape((1, *tensor.shape[1:]), name=f"{name}_{role}")(tensor)
             for role, tensor in (("skip", skip), ("below", x))]
    pair = keras.layers.Concatenate(axis=1, name=f"{name}_pair")(steps)
    return ConvLSTM2D(filters, 2, go_backwards=True, gate=gate, kernel_initializer="he_normal",
                      name=f"{name}_merge")(pair)


def _convolve(x, filters, name, activation="relu"):
    return keras.layers.Conv2D(filters, 3, padding="same", activation=activation, kernel_initializer="he_normal",
                               name=name)(x)
