"""The 3D discriminator: is a volume healthy (column 1) or generated (column 0)? (paper 001, sections 3.1 and 4.1)"""

from collections.abc import Sequence
from typing import Optional

import keras

from covid3dgan import compat
from covid3dgan.errors import check_choice
from covid3dgan.models.blocks.layers import check_input_shape, conv3d, refuse_float16_without_gpu

__all__ = ["DISCRIMINATOR_VARIANTS", "build_discriminator"]

# Filters of the convolutions that are alive at width 32 (F01). The notebook writes four (16, 32, 64,
# 128) but gives the second one the network's input again, so the first is dead and three are left. The text of
# section 4.1 says five, without their filters; the fifth goes on doubling.
BLOCKS = {"published": (32, 64, 128), "declared": (16, 32, 64, 128), "paper": (16, 32, 64, 128, 256)}
DISCRIMINATOR_VARIANTS = tuple(BLOCKS)
DENSE_UNITS = (32, 16, 8)


def build_discriminator(variant: str = "published", input_shape: Sequence[int] = (32, 128, 128, 1), width: int = 32,
                        dropout: float = 0.5, return_logits: bool = False,
                        name: Optional[str] = None) -> keras.Model:
    """The discriminator of the 3D GAN.

    Every block is a 3x3x3 convolution, ReLU and a max pooling by 2. Convolutions are "valid" as published while the
    volume is large enough; where a block would leave an axis without voxels its convolution is "same", and an axis of
    one voxel is not pooled. At 32x128x128 the slices go 32, 15, 6, 2 through the three published blocks; "paper"
    starts with 32, 15, 6, 2 as well, then keeps 2 in its fourth convolution, pools to 1 and keeps 1 in the fifth
    (rows: 128, 63, 30, 14, 7, 3).

    Args:
        variant: "published" (three convolutions alive, 282,378 parameters), "declared" (the notebook's four, all
            alive) or "paper" (five). All have four dense layers: 32, 16, 8, 2.
        input_shape: (D, H, W, C), sides that divide by 16.
        width: 32 is the published one; all convolutions scale with it.
        dropout: rate after the first and second dense layer.
        return_logits: gives the two values before the softmax, for log losses.

    Returns:
        ``keras.Model``: (B, D, H, W, C) -> (B, 2), float32, columns (generated, healthy).
    """
    check_choice("variant", variant, DISCRIMINATOR_VARIANTS)
    input_shape = check_input_shape("discriminator", input_shape, rank=3, multiple=16)
    refuse_float16_without_gpu("discriminator")

    volume = keras.Input(input_shape, name="volume")
    x = volume
    for index, filters in enumerate(BLOCKS[variant], start=1):
        x = _block(x, max(1, filters * width // 32), index)
    x = keras.layers.GlobalAveragePooling3D(name="average")(x)
    for index, units in enumerate(DENSE_UNITS, start=1):
        x = keras.layers.Dense(units, name=f"dense{index}")(x)
        x = keras.layers.Activation("relu", name=f"dense{index}_relu")(x)
        if index < len(DENSE_UNITS):
            x = keras.layers.Dropout(dropout, name=f"dropout{index}")(x)
    # float32 whatever the policy: a softmax in bfloat16 cannot tell 0.997 from 1, so a log loss would jump.
    activation = None if return_logits else "softmax"
    verdict = keras.layers.Dense(2, activation=activation, dtype="float32", name="verdict")(x)
    return compat.never_xla(keras.Model(volume, verdict, name=name or f"discriminator_{variant}"))


def _block(x, filters, index):
    sides = x.shape[1:-1]
    padding = "valid" if all((side - 2) // 2 >= 1 for side in sides) else "same"
    x = conv3d(x, filters, 3, padding, name=f"conv{index}")
    x = keras.layers.Activation("relu", name=f"conv{index}_relu")(x)
    pool = tuple(min(2, side) for side in x.shape[1:-1])
    return keras.layers.MaxPooling3D(pool, name=f"conv{index}_pool")(x)
