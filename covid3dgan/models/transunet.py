"""TransUNet: a convolutional encoder, a transformer over its coarsest map, and a U-Net decoder (paper 002)."""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan import compat
from covid3dgan.errors import check_choice
from covid3dgan.models.blocks.infnet_layers import BilinearResize
from covid3dgan.models.blocks.layers import check_input_shape
from covid3dgan.models.blocks.torch_style import batch_norm, conv
from covid3dgan.models.blocks.transunet_layers import (
    LAST_FILTERS,
    ClassToken,
    DropClassToken,
    PositionTable,
    SelfAttention,
    dense,
    logits_head,
)
from covid3dgan.models.transunet_r50 import r50_vit_b16

__all__ = ["ENCODED", "STRIDE", "TRANSUNET_VARIANTS", "build_transunet", "transunet_encoder"]

TRANSUNET_VARIANTS = ("khali", "r50_vit_b16")
STRIDE = 16  # of the encoder: one token is a 16 x 16 patch of the input
ENCODED = "encoded"  # the layer, in both variants, whose output is the encoder's: after the transformer, reduced
DROPOUT = 0.1


def build_transunet(variant: str = "khali", input_shape: Sequence[int] = (128, 128, 1), classes: int = 1,
                    width: Optional[int] = None, blocks: Optional[int] = None, heads: Optional[int] = None,
                    mlp_units: Optional[int] = None, attention_scale: Optional[str] = None,
                    name: Optional[str] = None) -> keras.Model:
    """TransUNet, slices in, logits out.

    ============================  =================================  ==================================
    ..                            khali                              r50_vit_b16
    ============================  =================================  ==================================
    who                           paper 002, after mkara44           Chen et al. 2021, the original
    encoder                       3 bottlenecks, batch norm          16 units, standardised convolutions,
                                                                     group norm
    tokens                        width 8 x 128, class token         width 12 x 64, no class token
    transformer                   8 blocks, 4 heads, MLP 512, norm   12 blocks, 12 heads, MLP 3072, norm
                                  after the addition                 before the branch
    trainable at (128, 128, 1)    66,870,129                         105,168,273 (one-channel stem)
    ============================  =================================  ==================================

    Args:
        variant: "khali" or "r50_vit_b16".
        input_shape: (rows, columns, channels), sides that divide by 16; the positional table fixes them.
        classes: output channels.
        width: filters of the first convolution, which sets all others; default 128 for khali, 64 for r50_vit_b16.
        blocks, heads, mlp_units: of the transformer; the defaults are the table's, for mlp_units 4 x and 48 x width.
        attention_scale: "multiply" the attention logits by the square root of the head's size, as the code behind
            paper 002 does (khali's default), or "divide" (r50_vit_b16's).

    Returns:
        ``keras.Model``: (B, H, W, C) -> (B, H, W, classes) logits, float32. Its layer ``ENCODED`` has the features
        that a contrastive loss may use.
    """
    check_choice("variant", variant, TRANSUNET_VARIANTS)
    input_shape = check_input_shape("transunet", input_shape, rank=2, multiple=STRIDE)
    build = _khali if variant == "khali" else r50_vit_b16
    given = {"width": width, "blocks": blocks, "heads": heads, "mlp_units": mlp_units,
             "attention_scale": attention_scale}
    image = keras.Input(input_shape, name="image")
    logits = build(image, classes, **{key: value for key, value in given.items() if value is not None})
    return compat.never_xla(keras.Model(image, logits, name=name or f"transunet_{variant}"))


def transunet_encoder(transunet):
    """The part of a TransUNet up to its encoded features, sharing its weights: (B, H, W, C) -> (B, H/16, W/16, F)."""
    return keras.Model(transunet.input, transunet.get_layer(ENCODED).output, name="transunet_encoder")


def _khali(image, classes, width=128, blocks=8, heads=4, mlp_units=None, attention_scale="multiply"):
    """The network of the published code; at ``width`` 128 every filter count is that of its constructor.

    The published code fixes the reduction after the transformer at 512 filters, which fits the decoder at width 128
    alone; 4 x width is the same there.
    """
    skips = [_norm_relu(conv(image, width, 7, "stem", strides=2), "stem")]
    for level in (1, 2, 3):
        skips.append(_bottleneck(skips[-1], width * 2**level, f"encoder{level}"))
    x = _transformer(skips.pop(), blocks, heads, mlp_units or 4 * width, attention_scale)
    x = _norm_relu(conv(x, 4 * width, 3, "reduce", use_bias=True), "reduce", activation=ENCODED)
    for level, filters in enumerate((2 * width, width, width // 2), start=1):
        x = _decoder(x, skips.pop(), filters, f"decoder{level}")
    x = _decoder(x, None, max(width // 8, LAST_FILTERS), "decoder4")
    return logits_head(x, classes, kernel=1)


def _norm_relu(x, name, activation=None):
    return keras.layers.ReLU(name=activation or f"{name}_relu")(batch_norm(x, f"{name}_norm"))


def _bottleneck(x, filters, name):
    """Halves the sides: 1x1, 3x3 stride 2 and 1x1 convolutions, all with ``filters`` filters, plus a 1x1 shortcut."""
    y = _norm_relu(conv(x, filters, 1, f"{name}_conv1"), f"{name}_conv1")
    y = _norm_relu(conv(y, filters, 3, f"{name}_conv2", strides=2), f"{name}_conv2")
    y = batch_norm(conv(y, filters, 1, f"{name}_conv3"), f"{name}_conv3_norm")
    shortcut = conv(x, filters, 1, f"{name}_shortcut", strides=2)
    y = keras.layers.Add(name=f"{name}_add")([y, batch_norm(shortcut, f"{name}_shortcut_norm")])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def _transformer(x, blocks, heads, mlp_units, attention_scale):
    """(B, H, W, E) -> the same: every cell a token (row by row), a class token and positions, then the blocks."""
    rows, columns, units = x.shape[1:]
    x = keras.layers.Reshape((rows * columns, units), name="tokens")(x)
    x = dense(x, units, "embedding")
    x = ClassToken(name="class_token")(x)
    x = PositionTable("uniform", name="positions")(x)
    x = keras.layers.Dropout(DROPOUT, name="embedding_dropout")(x)
    for number in range(1, blocks + 1):
        x = _block(x, heads, mlp_units, attention_scale, f"block{number}")
    x = DropClassToken(name="drop_class_token")(x)
    return keras.layers.Reshape((rows, columns, units), name="map")(x)


def _block(x, heads, mlp_units, attention_scale, name):
    """Attention, then the MLP; each is added to its input and the sum normalised (post-norm)."""
    units = x.shape[-1]
    y = SelfAttention(heads, attention_scale, name=f"{name}_attention")(x)
    y = keras.layers.Dropout(DROPOUT, name=f"{name}_attention_dropout")(y)
    x = _add_norm(x, y, f"{name}_attention")
    y = keras.layers.Activation("gelu", name=f"{name}_mlp_gelu")(dense(x, mlp_units, f"{name}_mlp1"))
    y = keras.layers.Dropout(DROPOUT, name=f"{name}_mlp1_dropout")(y)
    y = keras.layers.Dropout(DROPOUT, name=f"{name}_mlp2_dropout")(dense(y, units, f"{name}_mlp2"))
    return _add_norm(x, y, f"{name}_mlp")


def _add_norm(x, y, name):
    x = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(x)


def _decoder(x, skip, filters, name):
    """Doubles the sides, joins the skip (first) and convolves twice."""
    x = BilinearResize(2, align_corners=True, name=f"{name}_up")(x)
    if skip is not None:
        x = keras.layers.Concatenate(name=f"{name}_concat")([skip, x])
    for number in (1, 2):
        x = _norm_relu(conv(x, filters, 3, f"{name}_conv{number}", use_bias=True), f"{name}_conv{number}")
    return x
