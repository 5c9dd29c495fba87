"""The 2D encoder that the segmenter and the contrastive model both use (paper 001, section 3.3; F17)."""

from collections import namedtuple

import keras

__all__ = ["Encoder2D", "EncoderFeatures", "build_encoder2d"]

# skips: three maps at full, half and quarter resolution; bottom: the deepest map, at an eighth.
EncoderFeatures = namedtuple("EncoderFeatures", ["skips", "bottom"])


def build_encoder2d(width: int = 32, dropout: float = 0.5, name: str = "encoder") -> "Encoder2D":
    """The encoder's layers, made once: an :class:`Encoder2D` to hand to one model or to both.

    Models that are given the same object share its weights (paper 001: the contrastive step trains the encoder part
    of the segmenter); models that are given none, or one each, share nothing (as published).
    """
    return Encoder2D(width, dropout, name)


class Encoder2D:
    """Two 3x3 convolutions at each of four scales, two densely connected pairs more at the last (BCDU-Net's encoder).

    Call: a symbolic (B, H, W, C) -> EncoderFeatures with skips (B, H, W, w), (B, H/2, W/2, 2w), (B, H/4, W/4, 4w) and
    bottom (B, H/8, W/8, 8w), where w is ``width``. At width 32 and one channel: 4,121,824 parameters.
    """

    def __init__(self, width, dropout, name):
        self.width = width
        filters = [width, 2 * width, 4 * width] + [8 * width] * 3
        self.convolutions = [
            [keras.layers.Conv2D(f, 3, padding="same", activation="relu", kernel_initializer="he_normal",
                                 name=f"{name}{scale}_conv{step}") for step in (1, 2)]
            for scale, f in enumerate(filters, start=1)]
        self.pools = [keras.layers.MaxPooling2D(2, name=f"{name}{scale}_pool") for scale in (1, 2, 3)]
        self.dropouts = [keras.layers.Dropout(dropout, name=f"{name}{scale}_dropout") for scale in (4, 5, 6)]
        self.concatenate = keras.layers.Concatenate(name=f"{name}6_concat")

    def __call__(self, x):
        skips = []
        for scale in range(3):
            x = self._convolve(scale, x)
            skips.append(x)
            x = self.pools[scale](x)
        first = self.dropouts[0](self._convolve(3, x))
        second = self.dropouts[1](self._convolve(4, first))
        third = self.dropouts[2](self._convolve(5, self.concatenate([second, first])))
        return EncoderFeatures(tuple(skips), third)

    def _convolve(self, scale, x):
        for convolution in self.convolutions[scale]:
            x = convolution(x)
        return x
