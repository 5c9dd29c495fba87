"""Lungs that were found, kept small, so that what comes after a prediction need not find them again."""

__all__ = ["KeptLungs"]

import zlib

import numpy as np


class KeptLungs:
    """Lung masks by name: a bit a voxel, compressed; those of a CT of 512x512x150 take less than 1 MB."""

    def __init__(self):
        self._kept = {}

    def keep(self, name, lungs):
        """Keeps (X, Y, Z) above 0 in the lungs."""
        self._kept[name] = (lungs.shape, zlib.compress(np.packbits(lungs > 0).tobytes(), 1))

    def get(self, name):
        """uint8 (X, Y, Z); None where none are kept under that name."""
        if name not in self._kept:
            return None
        shape, packed = self._kept[name]
        bits = np.frombuffer(zlib.decompress(packed), np.uint8)
        return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape)
