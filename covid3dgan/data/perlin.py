"""Perlin noise for whole fields at once, equal to ``noise.pnoise2``, which the published code calls pixel by pixel.

The C code computes in float32 and looks corners up in a permutation table at ``index + base``. With the published
bases (0..999) that index runs past the table's 512 entries into whatever lies behind it in memory: the package's
gradient tables and then its text constants. The published fields depend on those bytes, so they are kept here.
"""

__all__ = ["MAX_BASE", "pnoise2", "pnoise2_batch"]

import base64
import itertools
import zlib

import numpy as np

from covid3dgan.errors import ArgumentError

# Ken Perlin's reference permutation of 0..255 (2002).
_PERMUTATION = bytes.fromhex(
    "97a0895b5a0f830dc95f6035c2e907e18c24671e458e086325f0150a17be0694f778ea4b001ac53e5efcdbcb75230b20"
    "39b12158ed953857ae147d88aba844af4aa547868b301ba64d929ee7536fe57a3cd385e6dc695c29372ef528f4668f36"
    "41193fa101d85049d14c84bbd05912a9c8c4878274bc9f56a4646dc6adba034034d9e2fa7c7b05ca2693767eff5255d4"
    "cfce3be32f103a11b6bd1c2adfb7aad577f898022c9aa346dd99659ba72bac09811627fd13626c6e4f71e0e8b2b97068"
    "daf661e4fb22f2c1eed2900cbfb3a2f1513391ebf90eef6b31c0d61fb5c76a9db854ccb07379322d7f0496fe8aeccd5d"
    "de72431d1848f38d80c34e42d73d9cb4")

# The 12 edge directions of a cube, four of them twice; 2D noise uses the first two components.
_GRADIENTS_3D = np.array(
    [(1, 1, 0), (-1, 1, 0), (1, -1, 0), (-1, -1, 0), (1, 0, 1), (-1, 0, 1), (1, 0, -1), (-1, 0, -1),
     (0, 1, 1), (0, -1, 1), (0, 1, -1), (0, -1, -1), (1, 0, -1), (-1, 0, -1), (0, -1, 1), (0, 1, 1)], "<f4")

# The 32 directions of 4D noise: one zero component, three signs. Only their bytes matter here.
_GRADIENTS_4D = np.array([signs[:axis] + (0,) + signs[axis:] for axis in range(4)
                          for signs in itertools.product((1, -1), repeat=3)], "<f4")

# What the x86-64 build holds behind its gradient tables, read from memory, compressed; bases above ~700 reach it.
_BEHIND_THE_TABLES = zlib.decompress(base64.b85decode(
    "c-o!LF%E+;3<XeTPT>)xs7lgy%wf`CBuikUI3T!vo6@aQJNoPE`>~Ls>vjW@O59L`Gq7M*(t?~Y*vs9(6w}HvQ#pdaSOXasj3qeh"
    "Zw4MwYt8m;>tLW6SxGofb!H+4nwKma4#4#nj4P+|DnO@*XLf~AGR%?@h)3z0rg`VSx{iNn`^R=($G6n~Bz*!Rm|>3"))

MAX_BASE = 999
_TABLE = np.frombuffer(_PERMUTATION * 2 + _GRADIENTS_4D.tobytes() + _GRADIENTS_3D.tobytes() + _BEHIND_THE_TABLES,
                       np.uint8)

# Gradient of the lattice corner whose two hash steps end at table position k: GRADIENT[permutation[permutation[k]]].
_CORNER = _GRADIENTS_3D[_TABLE[_TABLE] & 15, :2]
_CORNER_X, _CORNER_Y = np.ascontiguousarray(_CORNER[:, 0]), np.ascontiguousarray(_CORNER[:, 1])


def pnoise2(shape, scale, octaves=1, persistence=0.5, lacunarity=2.0, repeat=1024.0, base=0):
    """A 2D field whose value at (i, j) is ``noise.pnoise2(i / scale, j / scale, octaves, ..., repeat, repeat, base)``.

    Args:
        shape: (rows, columns).
        scale: pixels per lattice cell of the first octave, above 0.
        octaves: number of octaves summed, at least 1.
        persistence: amplitude of each octave relative to the one before; may be zero or negative.
        lacunarity: frequency of each octave relative to the one before.
        repeat: period of the first octave's lattice, in cells, in both directions.
        base: offset into the permutation table, 0..999.

    Returns:
        float32 (rows, columns), within about [-1, 1].
    """
    return pnoise2_batch(shape, [scale], octaves, [persistence], lacunarity, repeat, [base])[0]


def pnoise2_batch(shape, scales, octaves, persistences, lacunarity, repeat, bases):
    """As `pnoise2`, for N fields at once: ``scales``, ``persistences`` and ``bases`` hold one value per field.

    Returns:
        float32 (N, rows, columns).
    """
    _check(shape, scales, octaves, persistences, lacunarity, repeat, bases)
    fields = np.empty((len(scales), *shape), np.float32)
    for field, scale, persistence, base_ in zip(fields, scales, persistences, bases):
        field[...] = _field(shape, float(scale), octaves, persistence, lacunarity, repeat, int(base_))
    return fields


def _field(shape, scale, octaves, persistence, lacunarity, repeat, base):
    """One field, with every float32 operation in the order of the C code."""
    rows, columns = ((np.arange(size) / scale).astype(np.float32) for size in shape)
    frequency, amplitude, amplitudes = np.float32(1), np.float32(1), np.float32(0)
    persistence, lacunarity, repeat = np.float32(persistence), np.float32(lacunarity), np.float32(repeat)
    total = np.zeros(shape, np.float32)
    for _ in range(octaves):
        total += _octave(rows * frequency, columns * frequency, repeat * frequency, base) * amplitude
        amplitudes += amplitude
        frequency *= lacunarity
        amplitude *= persistence
    return total / amplitudes


def _octave(x, y, repeat, base):
    """One octave at the coordinates x (rows,) and y (columns,): float32 (rows, columns)."""
    low_x, high_x, x, fade_x = _axis(x, repeat, base)
    low_y, high_y, y, fade_y = _axis(y, repeat, base)
    low_x, high_x = (_TABLE[index].astype(np.intp)[:, None] for index in (low_x, high_x))
    x, fade_x = x[:, None], fade_x[:, None]
    one = np.float32(1)
    near = _lerp(fade_x, _dot(low_x + low_y, x, y), _dot(high_x + low_y, x - one, y))
    far = _lerp(fade_x, _dot(low_x + high_y, x, y - one), _dot(high_x + high_y, x - one, y - one))
    return _lerp(fade_y, near, far)


def _axis(x, repeat, base):
    """Table positions of the lattice lines below and above x, its fraction, and the fade 6x^5 - 15x^4 + 10x^3."""
    low = np.floor(np.fmod(x, repeat)).astype(np.int64)
    high = np.fmod((low + 1).astype(np.float32), repeat).astype(np.int64)
    x = x - np.floor(x)
    fade = x * x * x * (x * (x * np.float32(6) - np.float32(15)) + np.float32(10))
    return (low & 255) + base, (high & 255) + base, x, fade


def _dot(corner, x, y):
    return x * _CORNER_X[corner] + y * _CORNER_Y[corner]


def _lerp(t, a, b):
    return a + t * (b - a)


def _check(shape, scales, octaves, persistences, lacunarity, repeat, bases):
    if len(shape) != 2 or min(shape) < 1:
        raise ArgumentError("shape", "two positive sizes (rows, columns)", f"{tuple(shape)}",
                            "pass for example (128, 128)")
    if not len(scales) == len(persistences) == len(bases):
        raise ArgumentError("scales, persistences, bases", "one value per field in each",
                            f"{len(scales)}, {len(persistences)} and {len(bases)} values", "pass lists of equal length")
    if octaves < 1:
        raise ArgumentError("octaves", "at least 1", f"{octaves}", "pass a positive number")
    for name, value in (("scale", min(scales, default=1)), ("lacunarity", lacunarity), ("repeat", repeat)):
        if not 0 < value < np.inf:
            raise ArgumentError(name, "a finite number above 0", f"{value}", "pass a positive number")
    if not 0 <= min(bases, default=0) <= max(bases, default=0) <= MAX_BASE:
        raise ArgumentError("base", f"0..{MAX_BASE}", f"{min(bases)}..{max(bases)}",
                            "choose a base that the permutation table covers")
    for persistence in persistences:
        if abs(np.sum(np.float64(persistence) ** np.arange(octaves))) < 1e-6:
            raise ArgumentError("persistence", "amplitudes whose sum is not zero",
                                f"{persistence} with {octaves} octaves",
                                "use an odd number of octaves or another persistence")
