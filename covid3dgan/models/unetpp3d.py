"""The body of a 3D UNet++ (Zhou et al. 2018) with the GAN's noise adder at its deepest node."""

import keras

from covid3dgan import compat
from covid3dgan.models.blocks.layers import LEAK, conv3d, noise_adder

__all__ = ["nested_unet"]

LEVELS = 4


def nested_unet(ct, noise, width):
    """Nested, dense skip pathways between encoder and decoder, as paper 001's text names them (F25).

    Node (i, j) works at 1/2**i of the resolution with ``width * 2**i`` filters. It sees all nodes (i, 0) .. (i, j-1)
    of its own row and node (i+1, j-1) upsampled. The noise enters at node (4, 0), where the published body adds it.

    Args:
        ct: (B, D, H, W, C); noise: (B, D/16, H/16, W/16, N); width: filters of the first row.

    Returns:
        (B, D, H, W, width): node (0, 4).
    """
    rows = []
    x = ct
    for i in range(LEVELS + 1):
        if i:
            x = keras.layers.MaxPooling3D(2, name=f"node{i}0_pool")(x)
        x = _node(x, width * 2**i, f"node{i}0")
        rows.append([x])
    rows[LEVELS] = [noise_adder(x, noise)]

    for j in range(1, LEVELS + 1):
        for i in range(LEVELS + 1 - j):
            filters, name = width * 2**i, f"node{i}{j}"
            up = keras.layers.Conv3DTranspose(filters, 2, strides=2, padding="same", name=f"{name}_up")(rows[i + 1][-1])
            joined = keras.layers.Concatenate(name=f"{name}_concat")([*rows[i], up])
            rows[i].append(_node(joined, filters, name))
    return rows[0][-1]


def _node(x, filters, name):
    for step in (1, 2):
        x = conv3d(x, filters, 3, name=f"{name}_conv{step}")
        x = compat.leaky_relu(LEAK, name=f"{name}_act{step}")(x)
    return x
