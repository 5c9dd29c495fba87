"""ResNet trunks as torchvision builds them (He et al. 2016; stride in the 3x3 convolution of a bottleneck).

``keras.applications`` holds the older form (stride in the first 1x1, biased convolutions), hence this one. Layers
carry torchvision's names with the dots replaced: ``layer1.0.conv2`` is ``layer1_0_conv2``
(models/weight_files/backbone_weights.py).
"""

import keras

from covid3dgan.models.blocks.torch_style import batch_norm, conv, kaiming_fan_out, max_pool

__all__ = ["EXPANSION", "resnet18_trunk", "resnet50_trunk"]

EXPANSION = 4


def resnet50_trunk(image, width=64, blocks=(3, 4, 6, 3)):
    """Features after each of the four stages of a bottleneck ResNet; 23,508,032 parameters at the defaults.

    Args:
        image: (B, H, W, C), sides that divide by 32.
        width: planes of the first stage, doubled at every later one; 64 is ResNet-50's.
        blocks: bottlenecks per stage; (3, 4, 6, 3) is ResNet-50's.

    Returns:
        Four tensors: (B, H/4, W/4, 4 width), (B, H/8, W/8, 8 width), (B, H/16, W/16, 16 width) and
        (B, H/32, W/32, 32 width).
    """
    x = _conv_bn_relu(image, width, 7, "conv1", "bn1", strides=2)
    x = max_pool(x, "maxpool")
    features = []
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _bottleneck(x, width * 2**stage, strides, f"layer{stage + 1}_{block}", project=block == 0)
        features.append(x)
    return features


def resnet18_trunk(image, width=64, blocks=(2, 2, 2, 2), pool=True):
    """Features after the last stage of a basic-block ResNet: (B, H/32, W/32, 8 width), H/16 without ``pool``.

    Args:
        image: (B, H, W, C), sides that divide by 32.
        pool: the maximum pooling after the first convolution; the coach of paper 004 has none.
    """
    x = _conv_bn_relu(image, width, 7, "conv1", "bn1", strides=2)
    if pool:
        x = max_pool(x, "maxpool")
    for stage, count in enumerate(blocks):
        for block in range(count):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _basic_block(x, width * 2**stage, strides, f"layer{stage + 1}_{block}", strides > 1)
    return x


def _bottleneck(x, planes, strides, name, project):
    y = _conv_bn_relu(x, planes, 1, f"{name}_conv1", f"{name}_bn1")
    y = _conv_bn_relu(y, planes, 3, f"{name}_conv2", f"{name}_bn2", strides=strides)
    y = conv(y, EXPANSION * planes, 1, f"{name}_conv3", initializer=kaiming_fan_out())
    return _add_shortcut(x, batch_norm(y, f"{name}_bn3"), strides, name, project)


def _basic_block(x, planes, strides, name, project):
    y = _conv_bn_relu(x, planes, 3, f"{name}_conv1", f"{name}_bn1", strides=strides)
    y = conv(y, planes, 3, f"{name}_conv2", initializer=kaiming_fan_out())
    return _add_shortcut(x, batch_norm(y, f"{name}_bn2"), strides, name, project)


def _add_shortcut(x, y, strides, name, project):
    if project:
        x = conv(x, y.shape[-1], 1, f"{name}_downsample_0", strides=strides, initializer=kaiming_fan_out())
        x = batch_norm(x, f"{name}_downsample_1")
    return keras.layers.ReLU(name=f"{name}_out")(keras.layers.Add(name=f"{name}_add")([y, x]))


def _conv_bn_relu(x, filters, kernel, conv_name, bn_name, strides=1):
    x = conv(x, filters, kernel, conv_name, strides=strides, initializer=kaiming_fan_out())
    return keras.layers.ReLU(name=f"{bn_name}_relu")(batch_norm(x, bn_name))
