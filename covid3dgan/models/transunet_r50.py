"""The original TransUNet, R50-ViT-B_16 (Chen et al. 2021): ResNet-50 v2 stem and body, ViT-Base, cascaded decoder."""

import keras

from covid3dgan.models.blocks.infnet_layers import BilinearResize
from covid3dgan.models.blocks.torch_style import batch_norm, conv
from covid3dgan.models.blocks.transunet_layers import (
    LAST_FILTERS,
    PositionTable,
    SelfAttention,
    StandardizedConv2D,
    logits_head,
)

__all__ = ["r50_vit_b16"]

UNITS = (3, 4, 9)  # of the three stages of the body
GROUPS = 32
DROPOUT = 0.1


def r50_vit_b16(image, classes, width=64, blocks=12, heads=12, mlp_units=None, attention_scale="divide"):
    """The logits of ``image`` (B, H, W, C), sides that divide by 16: (B, H, W, classes).

    One-channel slices keep one channel; the original repeats them to three.

    Args:
        width: filters of the stem; stages have 4, 8, 16 x, tokens 12 x, and the decoder 8, 4, 2, 1, 1/4 x as many
            (the last at least 16).
        blocks, heads, mlp_units, attention_scale: of the transformer; ``mlp_units`` defaults to 4 x the token's.
    """
    x, skips = _body(image, width)
    x = _transformer(x, 12 * width, blocks, heads, mlp_units or 48 * width, attention_scale)
    x = _convolve(x, 8 * width, "reduce", activation="encoded")
    for level, filters in enumerate((4 * width, 2 * width, width), start=1):
        x = _decoder(x, skips.pop(), filters, f"decoder{level}")
    x = _decoder(x, None, max(width // 4, LAST_FILTERS), "decoder4")
    return logits_head(x, classes, kernel=3)


def _group_norm(x, name, groups=GROUPS, epsilon=1e-6):
    return keras.layers.GroupNormalization(min(groups, x.shape[-1]), epsilon=epsilon, name=name)(x)


def _body(image, width):
    """The map at 1/16 of the sides and the skips at 1/2, 1/4 and 1/8, coarsest last."""
    x = keras.layers.ZeroPadding2D(3, name="stem_pad")(image)
    x = StandardizedConv2D(width, 7, strides=2, name="stem")(x)
    x = keras.layers.ReLU(name="stem_relu")(_group_norm(x, "stem_norm"))
    skips = [x]
    # Without padding the pooled map is one pixel short; only the copy that becomes a skip is filled up again.
    x = keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for stage, count in enumerate(UNITS, start=1):
        for unit in range(1, count + 1):
            strides = 2 if unit == 1 and stage > 1 else 1
            x = _unit(x, width * 2 ** (stage - 1), strides, unit == 1, f"stage{stage}_unit{unit}")
        if stage == 1:
            skips.append(keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name="stage1_skip_pad")(x))
        elif stage == 2:
            skips.append(x)
    return x, skips


def _unit(x, filters, strides, project, name):
    """A bottleneck: 1x1, 3x3 and 1x1 to 4 x ``filters``, plus the input (projected where the shape changes)."""
    shortcut = x
    if project:
        # The stride apart from the convolution, for the reason that torch_style.conv gives.
        shortcut = keras.layers.MaxPooling2D(1, strides=2, name=f"{name}_shortcut_pick")(x) if strides == 2 else x
        shortcut = StandardizedConv2D(4 * filters, 1, name=f"{name}_shortcut")(shortcut)
        shortcut = _group_norm(shortcut, f"{name}_shortcut_norm", groups=4 * filters, epsilon=1e-5)
    y = StandardizedConv2D(filters, 1, name=f"{name}_conv1")(x)
    y = keras.layers.ReLU(name=f"{name}_relu1")(_group_norm(y, f"{name}_norm1"))
    # Padded alike on all sides: "same" would pad below and to the right alone at stride 2.
    y = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(y)
    y = StandardizedConv2D(filters, 3, strides=strides, name=f"{name}_conv2")(y)
    y = keras.layers.ReLU(name=f"{name}_relu2")(_group_norm(y, f"{name}_norm2"))
    y = _group_norm(StandardizedConv2D(4 * filters, 1, name=f"{name}_conv3")(y), f"{name}_norm3")
    return keras.layers.ReLU(name=f"{name}_relu3")(keras.layers.Add(name=f"{name}_add")([y, shortcut]))


def _transformer(x, units, blocks, heads, mlp_units, attention_scale):
    """(B, H, W, C) -> (B, H, W, units); normalised before each branch and once at the end (pre-norm)."""
    rows, columns = x.shape[1:3]
    x = conv(x, units, 1, "embedding", use_bias=True)
    x = keras.layers.Reshape((rows * columns, units), name="tokens")(x)
    x = PositionTable("zeros", name="positions")(x)
    x = keras.layers.Dropout(DROPOUT, name="embedding_dropout")(x)
    for number in range(1, blocks + 1):
        name = f"block{number}"
        y = SelfAttention(heads, attention_scale, use_bias=True, name=f"{name}_attention")(
            _layer_norm(x, f"{name}_attention_norm"))
        x = keras.layers.Add(name=f"{name}_attention_add")([x, y])
        y = _dense(_layer_norm(x, f"{name}_mlp_norm"), mlp_units, f"{name}_mlp1")
        y = keras.layers.Activation("gelu", name=f"{name}_mlp_gelu")(y)
        y = keras.layers.Dropout(DROPOUT, name=f"{name}_mlp1_dropout")(y)
        y = keras.layers.Dropout(DROPOUT, name=f"{name}_mlp2_dropout")(_dense(y, units, f"{name}_mlp2"))
        x = keras.layers.Add(name=f"{name}_mlp_add")([x, y])
    return keras.layers.Reshape((rows, columns, units), name="map")(_layer_norm(x, "transformer_norm"))


def _layer_norm(x, name):
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _dense(x, units, name):
    return keras.layers.Dense(units, name=name, kernel_initializer="glorot_uniform",
                              bias_initializer=keras.initializers.RandomNormal(stddev=1e-6))(x)


def _convolve(x, filters, name, activation=None):
    x = batch_norm(conv(x, filters, 3, name), f"{name}_norm")
    return keras.layers.ReLU(name=activation or f"{name}_relu")(x)


def _decoder(x, skip, filters, name):
    """Doubles the sides, joins the skip (last) and convolves twice, without biases."""
    x = BilinearResize(2, align_corners=True, name=f"{name}_up")(x)
    if skip is not None:
        x = keras.layers.Concatenate(name=f"{name}_concat")([x, skip])
    return _convolve(_convolve(x, filters, f"{name}_conv1"), filters, f"{name}_conv2")
