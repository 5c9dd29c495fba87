"""Res2Net-50 v1b, 26w x 4s: the other trunk of Inf-Net (Gao et al. 2019).

A bottleneck whose 3x3 convolution is four: the channels are split into four groups, three of them are convolved, each
after the previous group's output was added. Layers carry the published file's names with the dots replaced.
"""

import keras

from covid3dgan.models.blocks.torch_style import average_pool, batch_norm, conv, kaiming_fan_out, max_pool
from covid3dgan.models.resnet import EXPANSION

__all__ = ["res2net50_trunk"]

SCALES = 4
BASE_WIDTH = 26


def res2net50_trunk(image, width=64, blocks=(3, 4, 6, 3)):
    """Features after each of the four stages; 23,669,352 parameters at the defaults.

    Args:
        image: (B, H, W, C), sides that divide by 32.
        width: planes of the first stage, doubled at every later one; 64 is Res2Net-50's.
        blocks: blocks per stage.

    Returns:
        Four tensors: (B, H/4, W/4, 4 width), (B, H/8, W/8, 8 width), (B, H/16, W/16, 16 width) and
        (B, H/32, W/32, 32 width).
    """
    x = image
    # The stem's three 3x3 convolutions stand for ResNet's single 7x7.
    for conv_name, bn_name, filters, strides in (("conv1_0", "conv1_1", width // 2, 2),
                                                 ("conv1_3", "conv1_4", width // 2, 1), ("conv1_6", "bn1", width, 1)):
        x = _relu(batch_norm(_trunk_conv(x, filters, 3, conv_name, strides), bn_name), bn_name)
    x = max_pool(x, "maxpool")
    features = []
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _block(x, width * 2**stage, strides, f"layer{stage + 1}_{block}", first=block == 0)
        features.append(x)
    return features


def _block(x, planes, strides, name, first):
    """One residual block; the first of a stage adds nothing between its groups and pools the last one."""
    group = max(1, planes * BASE_WIDTH // 64)
    y = _relu(batch_norm(_trunk_conv(x, group * SCALES, 1, f"{name}_conv1"), f"{name}_bn1"), f"{name}_bn1")
    parts = _split(y, group, name)
    outputs, previous = [], None
    for index, part in enumerate(parts[:-1]):
        if previous is not None and not first:
            part = keras.layers.Add(name=f"{name}_scale{index}_add")([previous, part])
        part = _trunk_conv(part, group, 3, f"{name}_convs_{index}", strides)
        previous = _relu(batch_norm(part, f"{name}_bns_{index}"), f"{name}_bns_{index}")
        outputs.append(previous)
    outputs.append(average_pool(parts[-1], 3, f"{name}_pool", strides) if first else parts[-1])
    y = keras.layers.Concatenate(name=f"{name}_concat")(outputs)
    y = batch_norm(_trunk_conv(y, planes * EXPANSION, 1, f"{name}_conv3"), f"{name}_bn3")
    shortcut = _shortcut(x, planes * EXPANSION, strides, name) if first else x
    return keras.layers.ReLU(name=f"{name}_out")(keras.layers.Add(name=f"{name}_add")([y, shortcut]))


def _split(y, group, name):
    return [ChannelSlice(index * group, group, name=f"{name}_split{index}")(y) for index in range(SCALES)]


def _shortcut(x, filters, strides, name):
    if strides > 1:  # a mean over strides x strides whose divisor leaves out what lies beyond the border
        x = keras.layers.AveragePooling2D(strides, padding="same", name=f"{name}_downsample_0")(x)
    return batch_norm(_trunk_conv(x, filters, 1, f"{name}_downsample_1"), f"{name}_downsample_2")


def _trunk_conv(x, filters, kernel, name, strides=1):
    return conv(x, filters, kernel, name, strides=strides, initializer=kaiming_fan_out())


def _relu(x, bn_name):
    return keras.layers.ReLU(name=f"{bn_name}_relu")(x)


@keras.saving.register_keras_serializable(package="covid3dgan")
class ChannelSlice(keras.layers.Layer):
    """``count`` channels from number ``first`` on: (B, H, W, C) -> (B, H, W, count)."""

    def __init__(self, first, count, **kwargs):
        super().__init__(**kwargs)
        self.first, self.count = first, count

    def call(self, inputs):
        return inputs[..., self.first:self.first + self.count]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.count)

    def get_config(self):
        return {**super().get_config(), "first": self.first, "count": self.count}
