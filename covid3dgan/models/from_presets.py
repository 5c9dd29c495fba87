"""The networks as a preset shapes them, fresh: the one place that passes a preset's fields to the builders."""

__all__ = ["afseg_generator", "afseg_segmenter", "gan_generator", "infnet_or_unet", "multi_class_network",
           "segmenter_network", "transunet_network", "transunet_scores"]

import keras

from covid3dgan import compat, models


def gan_generator(options):
    """The 3D generator of presets.stages.Gan: (B, D, H, W, 1) and noise -> (B, D, H, W, 1)."""
    return models.build_generator(variant=options.generator, input_shape=(*options.volume_shape, 1),
                                  width=options.generator_width, head=options.generator_head)


def segmenter_network(options, side_lengths, encoder=None, name="segmenter"):
    """The segmenter of presets.stages.Segmenter for slices of (rows, columns) pixels."""
    return models.build_segmenter((*side_lengths, 1), options.width, options.dropout, options.gate, encoder,
                                  options.head, options.merge, name)


def transunet_network(options, side_lengths):
    """The TransUNet of presets.khali.TransUnet for slices of (rows, columns) pixels; it gives logits."""
    return models.build_transunet(
        options.variant, (*side_lengths, 1), width=options.width, blocks=options.blocks, heads=options.heads,
        mlp_units=options.mlp_units, attention_scale=options.attention_scale, name="transunet")


def transunet_scores(network, output):
    """(B, H, W, 1) -> lesion scores (B, H, W, 1), sharing the weights: the raw logits as coded ("linear"), or their
    sigmoid ("sigmoid")."""
    if output == "linear":
        return network
    scores = keras.layers.Activation("sigmoid", dtype="float32", name="scores")(network.output)
    return compat.never_xla(keras.Model(network.input, scores, name=network.name))


def infnet_or_unet(preset, method="SInfNet"):
    """Inf-Net: (B, H, W, 3) -> dict of maps; or the U-Net: (B, H, W, 3) -> (B, H, W, 1) logits."""
    if method == "U-Net":
        return models.build_infnet_multi("published", (None, None, 3), preset.multi.width, classes=1)
    options = preset.single
    return models.build_infnet(options.backbone, channels=options.channels, width=options.width, blocks=options.blocks)


def multi_class_network(preset, method):
    """The multi-class network of SInfNet or SSInfNet, which sees a prior, or the U-Net, which sees the image alone.

    Returns:
        ``keras.Model``: (B, H, W, 6, or 3 for the U-Net) -> (B, H, W, 3) logits.
    """
    channels = 3 if method == "U-Net" else 6
    variant = preset.multi.variant if method == "SSInfNet" else "published"
    return models.build_infnet_multi(variant, (None, None, channels), preset.multi.width)


def afseg_segmenter(options, input_shape=(None, None, 1)):
    """AF-SEG's segmenter of presets.afseg.Synthesis: (B, H, W, 1) in [-1, 1] -> (B, H, W, 1) in [0, 1]."""
    return models.build_afseg_segmenter(input_shape, options.segmenter_width, options.segmenter_depth)


def afseg_generator(options, input_shape=(None, None, 1)):
    """AF-SEG's generator of presets.afseg.Synthesis: (B, H, W, 1) -> (B, H, W, 1), both in [-1, 1]."""
    return models.build_afseg_generator(input_shape, options.generator_width, options.generator_depth,
                                        options.generator_backbone, options.generator_head)
