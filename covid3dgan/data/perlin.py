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
from scipy import sparse

from covid3dgan.data.perlin_table import GRADIENTS, MAX_BASE, PERMUTATION
from covid3dgan.errors import ArgumentError

# The gradient of the lattice corner whose two hash steps end at table position k is DIRECTIONS[_KIND[k]]: one of 8.
_DIRECTIONS, _KIND = np.unique(GRADIENTS[PERMUTATION[PERMUTATION] & 15, :2], axis=0, return_inverse=True)
_KIND = _KIND.reshape(-1).astype(np.intp)
_PAIRS = len(_DIRECTIONS) ** 2

# Where octaves cancel (persistence near -1), dividing by the sum of their amplitudes magnifies rounding this much.
_WORST_CANCELLATION = 3.01
_NEGLIGIBLE = 2.5e-7  # octaves whose amplitudes sum to less than this are left out
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
        most = min(256, 2 * rows)
        self.places = np.empty((most, columns), np.intp)
        self.pairs = np.empty((most, columns), np.intp)
        self.lines = np.empty((2 * most * octaves, columns), np.float32)


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


class _Across(NamedTuple):
    """One octave along the columns, n pixels, for every base and persistence."""

    corners: np.ndarray     # intp (n,) lattice line, modulo 256, below each pixel; its place in the first of ``pairs``
    pairs: np.ndarray       # intp: table position of a corner -> kinds of its and the next corner's gradient, as one
    starts: np.ndarray      # intp (n,) where each pixel's values start in ``x`` and ``y``
    x: np.ndarray           # float32 (n * pairs,) sum over both corners of fade times the gradient's first component
    y: np.ndarray           # the same of fade times distance times the gradient's second component


class _Along(NamedTuple):
    """The sum over the lattice lines of all octaves along the rows, n pixels, as a sparse matrix (n, 2 lines)."""

    lines: list             # for each octave the different lattice lines, modulo 256
    total: int              # their number
    indices: np.ndarray     # int32 (n * octaves * 4,) columns of the matrix: lines times x, then lines times y
    starts: np.ndarray      # int32 (n + 1,) where each row starts among them
    weights: np.ndarray     # float32 (n, octaves, 4) values, before the octave's amplitude


def _field(shape, scale, waves, amplitudes, persistence, base, work):
    """One field; interpolates along the columns for each lattice line of the rows, then along the rows.

    With the fade f, distance d and gradient g of a corner, an octave is the sum over its four corners of
    f(x) f(y) (d_x g_x + d_y g_y). The sum over the two columns is done once per lattice line and not once per row; as
    two neighbouring corners have one of 64 pairs of gradients, it is looked up.
    """
    count = int((np.cumsum(np.abs(amplitudes[::-1]))[::-1] > _NEGLIGIBLE).sum())
    rows, columns = shape
    along = _along(rows, scale, count, *waves)
    by_x, by_y = work.lines[:along.total], work.lines[along.total:2 * along.total]
    first = 0
    for lines, across in zip(along.lines, _across(columns, scale, *waves)):
        last = first + len(lines)
        places, pairs = work.places[:len(lines)], work.pairs[:len(lines)]
        np.copyto(places, (PERMUTATION[lines + base].astype(np.intp) + base)[:, None])
        places += across.corners
        across.pairs.take(places, None, pairs, "wrap")
        pairs += across.starts
        across.x.take(pairs, None, by_x[first:last], "wrap")
        across.y.take(pairs, None, by_y[first:last], "wrap")
        first = last
    values = (along.weights * amplitudes[:count, None]).reshape(-1)
    matrix = sparse.csr_matrix((values, along.indices, along.starts), shape=(rows, 2 * along.total))
    return matrix @ work.lines[:2 * along.total]


@functools.lru_cache(maxsize=32)
def _across(size, scale, octaves, lacunarity, repeat):
    """The `_Across` of every octave; the published noise needs twenty of these, one for each scale."""
    found = []
    for low, high, x, fade in _octaves(size, scale, octaves, lacunarity, repeat):
        # The next line is one further, or the first again where the table or the repetition ends.
        steps, step = np.unique(high - low, return_inverse=True)
        pairs = np.concatenate([_pairs(int(number)) for number in steps])
        lower, upper = _DIRECTIONS[:, None, :], _DIRECTIONS[None, :, :]
        fade, x = fade[:, None, None], x[:, None, None]
        by_x = (1 - fade) * lower[..., 0] + fade * upper[..., 0]
        by_y = (1 - fade) * x * lower[..., 1] + fade * (x - 1) * upper[..., 1]
        found.append(_Across(low + step.reshape(-1) * len(_KIND), pairs, np.arange(size) * _PAIRS, by_x.reshape(-1),
                             by_y.reshape(-1)))
    return found


@functools.lru_cache(maxsize=512)
def _pairs(step):
    """For every table position the kinds of gradient there and ``step`` positions on, as one number."""
    positions = np.arange(len(_KIND)) + step
    return _KIND * len(_DIRECTIONS) + _KIND[np.clip(positions, 0, len(_KIND) - 1)]


@functools.lru_cache(maxsize=256)
def _along(size, scale, count, octaves, lacunarity, repeat):
    """The `_Along` of the first ``count`` octaves."""
    every, places, weights, first = [], [], [], 0
    for low, high, x, fade in _octaves(size, scale, octaves, lacunarity, repeat)[:count]:
        lines, place = np.unique(np.stack([low, high]), return_inverse=True)
        places.append(first + place.reshape(2, -1))
        weights.append(np.stack([(1 - fade) * x, 1 - fade, fade * (x - 1), fade], axis=1))
        every.append(lines)
        first += len(lines)
    places = np.stack(places, axis=-1)  # (2, size, count)
    indices = np.stack([places[0], places[0] + first, places[1], places[1] + first], axis=-1).astype(np.int32)
    starts = (4 * count * np.arange(size + 1)).astype(np.int32)
    return _Along(every, first, indices.reshape(-1), starts, np.stack(weights, axis=1))


def _octaves(size, scale, octaves, lacunarity, repeat):
    """`_axis` of every octave along an axis of ``size`` pixels."""
    found, frequency = [], np.float32(1)
    for _ in range(octaves):
        found.append(_axis((np.arange(size) / scale).astype(np.float32) * frequency, np.float32(repeat) * frequency))
        frequency *= np.float32(lacunarity)
    return found


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
    kind = _KIND[corner]
    return x * _DIRECTIONS[kind, 0] + y * _DIRECTIONS[kind, 1]


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
