"""The coach: it looks at an image and says which cells of it are hard to paint in (paper 004, Figure 4, Eq. 2 and 3).

Paper 004 takes it over from Singh et al. (BMVC 2018): a ResNet-18 without its maximum pooling, a variational
bottleneck per cell, and one score per cell of 16 x 16 pixels.
"""

from collections.abc import Sequence
from typing import Optional

import keras
import tensorflow as tf

from covid3dgan.models.blocks.infnet_layers import SampleNormal
from covid3dgan.models.blocks.torch_style import conv
from covid3dgan.models.infnet import check_sides
from covid3dgan.models.resnet import resnet18_trunk

__all__ = ["CELL", "LATENT", "build_coach", "erasing_mask"]

CELL = 16  # pixels along a cell's side
LATENT = 100


def build_coach(input_shape: Sequence[Optional[int]] = (None, None, 3), width: int = 64, latent: int = LATENT,
                blocks: Sequence[int] = (2, 2, 2, 2)) -> keras.Model:
    """The coach; 11,279,213 trainable parameters at the defaults.

    The latent noise is an input, so that a step is a pure function of the seed; as published it is drawn during
    validation too.

    Args:
        input_shape: (rows, columns, 3), sides that divide by 16 or None.
        width: planes of the first stage.
        latent: channels of the bottleneck.
        blocks: residual blocks per stage.

    Returns:
        ``keras.Model``: image (B, H, W, 3) and noise (B, H/16, W/16, latent) -> dict of ``scores`` (B, H/16, W/16, 1),
        ``mean`` and ``log_variance`` (B, H/16, W/16, latent).
    """
    shape = check_sides("coach", input_shape, CELL)
    image = keras.Input(shape, name="image")
    noise = keras.Input((*(side and side // CELL for side in shape[:2]), latent), name="noise")
    features = resnet18_trunk(image, width, blocks, pool=False)
    mean = conv(features, latent, 1, "mean", use_bias=True)
    log_variance = conv(features, latent, 1, "log_variance", use_bias=True)
    sample = SampleNormal(name="sample")(mean, log_variance, noise)
    # He's deviation over the outputs, sqrt(2 / (1 * 1 * 1)), for the weights and, as published, for the bias too.
    scores = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=2**0.5),
                                 bias_initializer=keras.initializers.RandomNormal(stddev=2**0.5), name="scores")(sample)
    return keras.Model([image, noise], {"scores": scores, "mean": mean, "log_variance": log_variance}, name="coach")


def erasing_mask(scores, keep=0.75, sharpness=1.0, binary=False):
    """Scores to a mask of pixels: 1 is kept, 0 is erased (Eq. 2 and 3).

    The threshold is the K-th largest score of each image, K = keep x cells; by the strict rule the K-th cell itself is
    erased as well: 17 of 64 cells at 128 x 128.

    Args:
        scores: (B, h, w, 1).
        keep: the paper's k, the share of cells that is not erased.
        sharpness: the paper's alpha; 1 while the coach learns, so that its gradient lives.
        binary: 0 or 1 only, as the inpainting network sees it.

    Returns:
        (B, 16 h, 16 w, 1), every cell repeated over its pixels.
    """
    cells = tf.reshape(scores, (tf.shape(scores)[0], -1))
    count = tf.cast(tf.cast(tf.shape(cells)[1], tf.float32) * keep, tf.int32)
    threshold = tf.math.top_k(cells, count).values[:, -1]
    above = sharpness * (scores - threshold[:, tf.newaxis, tf.newaxis, tf.newaxis])
    mask = tf.cast(above > 0, scores.dtype) if binary else tf.sigmoid(above)
    return tf.repeat(tf.repeat(mask, CELL, axis=1), CELL, axis=2)
