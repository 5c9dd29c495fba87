"""Perlin noise for whole fields at once, equal to ``noise.pnoise2``, which the published code calls pixel by pixel.

The arithmetic is rearranged for arrays, with the same float32 coordinates; results differ from the C code's by less
than 1e-6. Where a persistence near -1 would magnify even that, its own order of operations is followed.
"""

__all__ = ["pnoise2", "pnoise2_batch"]

import contextlib
import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from covid3dgan.data.perlin_table import GRADIENTS, MAX_BASE, PERMUTATION
from covid3dgan.errors import ArgumentError

# Gradient of the lattice corner whose two hash steps end at table position k, as the complex number x + iy: the
# distance d = dx + i dy to a corner then enters as Re(conj(d) gradient), which halves the look-ups.
_CORNER = GRADIENTS[PERMUTATION[PERMUTATION] & 15, :2].copy().view(np.complex64)[:, 0]
_CORNER_FROM = np.lib.stride_tricks.sliding_window_view(_CORNER, 256)

# Where octaves cancel (persistence near -1), dividing by the sum of their amplitudes magnifies rounding this much.
_WORST_CANCELLATION = 3.01
_NEGLIGIBLE = 1e-7  # octaves whose amplitudes sum to less than this are left out
_FIELDS_PER_THREAD = 8
_free_work = {}


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
        float32 (N, rows, columns); a field does not depend on the others.
    """
    _check(shape, scales, octaves, persistences, lacunarity, repeat, bases)
    fields = np.empty((len(scales), *shape), np.float32)
    waves = (octaves, float(lacunarity), float(repeat))

    def make(part):
        with _borrowed_work(tuple(shape), octaves) as work:
            for number in part:
                amplitudes = _amplitudes(octaves, persistences[number])
                draw = _field if np.abs(amplitudes).sum() < _WORST_CANCELLATION else _field_in_the_c_codes_order
                fields[number] = draw(shape, float(scales[number]), waves, amplitudes, persistences[number],
                                      int(bases[number]), work)

    threads = max(1, min(os.cpu_count() or 1, len(scales) // _FIELDS_PER_THREAD))
    if threads == 1:
        make(range(len(scales)))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(make, [range(first, len(scales), threads) for first in range(threads)]))
    return fields


def _amplitudes(octaves, persistence):
    """Each octave's share of the field, float32 (octaves,), multiplied and summed one by one as in C."""
    factors = np.full(octaves, np.float32(persistence))
    factors[0] = 1
    amplitudes = np.cumprod(factors, dtype=np.float32)
    return amplitudes / np.cumsum(amplitudes, dtype=np.float32)[-1]


class _Work:
    """Buffers for fields of one shape."""

    def __init__(self, shape, octaves):
        rows, columns = shape
        self.gathered = np.empty((256, 2 * columns), np.complex64)
        self.lines = np.empty((256, 2 * columns), np.float32)
        self.pairs = np.empty((octaves, 2 * rows, columns), np.complex64)


@contextlib.contextmanager
def _borrowed_work(shape, octaves):
    """Buffers that no other thread has; kept afterwards, since fresh memory costs a tenth of the time."""
    free = _free_work.setdefault((shape, octaves), [])
    try:
        work = free.pop()
    except IndexError:
        work = _Work(shape, octaves)
    try:
        yield work
    finally:
        free.append(work)


class _Octave(NamedTuple):
    """One octave along one axis of n pixels, for every base and persistence."""

    corners: np.ndarray     # (2n,) lattice lines, modulo 256, below each pixel, then above
    lines: np.ndarray       # (L,) the different ones among them
    positions: np.ndarray   # (2n,) ``corners`` as positions in ``lines``
    gather: np.ndarray      # float32 (2, 2n) weights of the lower and upper line's gradient: x and y by turns
    combine: np.ndarray     # complex64 (n, 2) the same weights for the other axis


def _field(shape, scale, waves, amplitudes, persistence, base, work):
    """One field; interpolates along the columns for each lattice line of the rows, then along the rows.

    With the fade f, distance d and gradient g of a corner, an octave is the sum over its four corners of
    f(x) f(y) (d_x g_x + d_y g_y). The sum over the two columns is done once per lattice line and not once per row.
    """
    count = int((np.cumsum(np.abs(amplitudes[::-1]))[::-1] > _NEGLIGIBLE).sum())
    rows, columns = (_octaves(size, scale, *waves) for size in shape)
    for along, across, pairs in zip(rows[:count], columns, work.pairs):
        start = PERMUTATION[along.lines + base].astype(np.intp) + base
        gathered, lines = work.gathered[:len(start)], work.lines[:len(start)]
        _CORNER_FROM[start].take(across.corners, 1, gathered, "wrap")
        np.einsum("lkc,kc->lc", gathered.view(np.float32).reshape(len(start), 2, -1), across.gather, out=lines)
        lines.view(np.complex64).take(along.positions, 0, pairs, "wrap")
    weights = np.concatenate([octave.combine * share for octave, share in zip(rows[:count], amplitudes)], axis=1)
    pairs = work.pairs[:count].reshape(2 * count, *shape).transpose(1, 0, 2)
    return (weights[:, None] @ pairs)[:, 0].real


@functools.lru_cache(maxsize=128)
def _octaves(size, scale, octaves, lacunarity, repeat):
    """The `_Octave`s of an axis; the published noise needs twenty of these, one for each scale."""
    found = []
    frequency = np.float32(1)
    for _ in range(octaves):
        low, high, x, fade = _axis((np.arange(size) / scale).astype(np.float32) * frequency,
                                   np.float32(repeat) * frequency)
        corners = np.concatenate([low, high])
        lines, positions = np.unique(corners, return_inverse=True)
        away = np.stack([x, x - 1])
        faded = np.stack([1 - fade, fade])
        found.append(_Octave(corners, lines, positions.reshape(-1), (faded + 1j * faded * away).view(np.float32),
                             (faded * away - 1j * faded).T.astype(np.complex64)))
        frequency *= np.float32(lacunarity)
    return tuple(found)


def _axis(x, repeat):
    """The lattice lines, modulo 256, below and above each float32 x, its fraction, and 6x^5 - 15x^4 + 10x^3 of that."""
    low = np.floor(np.fmod(x, repeat))
    high = np.fmod(low + np.float32(1), repeat)
    x = x - np.floor(x)
    fade = x * x * x * (x * (x * np.float32(6) - np.float32(15)) + np.float32(10))
    return low.astype(np.intp) & 255, high.astype(np.intp) & 255, x, fade


def _field_in_the_c_codes_order(shape, scale, waves, amplitudes, persistence, base, work):
    """One field, slowly, with every float32 operation in the order of the C code."""
    octaves, lacunarity, repeat = waves
    rows, columns = ((np.arange(size) / scale).astype(np.float32) for size in shape)
    frequency, amplitude, summed = np.float32(1), np.float32(1), np.float32(0)
    total = np.zeros(shape, np.float32)
    for _ in range(octaves):
        low_x, high_x, x, fade_x = (v[:, None] for v in _axis(rows * frequency, np.float32(repeat) * frequency))
        low_y, high_y, y, fade_y = _axis(columns * frequency, np.float32(repeat) * frequency)
        low_x, high_x = (PERMUTATION[line + base].astype(np.intp) + base for line in (low_x, high_x))
        one = np.float32(1)
        near = _lerp(fade_x, _dot(low_x + low_y, x, y), _dot(high_x + low_y, x - one, y))
        far = _lerp(fade_x, _dot(low_x + high_y, x, y - one), _dot(high_x + high_y, x - one, y - one))
        total += _lerp(fade_y, near, far) * amplitude
        summed += amplitude
        frequency *= np.float32(lacunarity)
        amplitude *= np.float32(persistence)
    return total / summed


def _dot(corner, x, y):
    gradient = _CORNER[corner]
    return x * gradient.real + y * gradient.imag


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
