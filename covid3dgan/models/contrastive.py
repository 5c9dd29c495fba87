"""The contrastive model: augmentation, 2D encoder, average over the map, projection (paper 001, section 3.3)."""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan import compat
from covid3dgan.errors import InputError
from covid3dgan.models.blocks.augmentation import build_augmentation
from covid3dgan.models.blocks.layers import check_input_shape
from covid3dgan.models.encoder2d import Encoder2D, build_encoder2d

__all__ = ["adapt_normalization", "build_contrastive_encoder"]


def build_contrastive_encoder(projection_units: Optional[int] = 128, augmentation: bool = True,
                              encoder: Optional[Encoder2D] = None, input_shape: Sequence[int] = (128, 128, 1),
                              width: int = 32, dropout: float = 0.5,
                              name: str = "contrastive_encoder") -> keras.Model:
    """The model that the contrastive loss trains; its features are not normalised (the losses do that).

    Args:
        projection_units: units of the projection, a dense layer with ReLU (4,154,723 parameters with 128), or None for
            the averaged map itself (4,121,827).
        augmentation: puts the published augmentation before the encoder; its three parameters are the normalisation's.
            Without it the model has three parameters fewer.
        encoder: what ``build_encoder2d`` gave, to share its weights with a segmenter (F17); by default a new one.
        input_shape: (rows, columns, channels), sides that divide by 8.
        width, dropout: of the new encoder.

    Returns:
        ``keras.Model``: (B, H, W, C) -> (B, projection_units or 8 * width), float32. Call it with ``training=True`` or
        ``training=False``: Keras's augmentation layers are on by default.
    """
    input_shape = check_input_shape("contrastive encoder", input_shape, rank=2, multiple=8)
    encoder = encoder or build_encoder2d(width, dropout)
    image = keras.Input(input_shape, name="slice")
    x = build_augmentation(input_shape)(image) if augmentation else image
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="average")(encoder(x).bottom)
    if projection_units is not None:
        features = keras.layers.Dense(projection_units, activation="relu", dtype="float32",
                                      name="projection")(features)
    return compat.never_xla(keras.Model(image, features, name=name))


def adapt_normalization(contrastive, slices):
    """Lets the augmentation's normalisation take the statistics of ``slices`` (N, H, W, C), as published.

    With a shared encoder leave this out: the segmenter feeds it slices in [0, 1], and so does then the contrastive
    model.
    """
    if not any(layer.name == "augmentation" for layer in contrastive.layers):
        raise InputError("contrastive encoder", "a model with augmentation", "one without",
                         "build it with augmentation=True")
    contrastive.get_layer("augmentation").get_layer("normalization").adapt(slices)
