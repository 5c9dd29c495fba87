"""Perlin noise for whole fields at once, equal to ``noise.pnoise2``, which the published code calls pixel by pixel.

The arithmetic is rearranged for arrays, with the same float32 coordinates; results differ from the C code's by less
than 1e-6. Where a persistence near -1 would magnify even that, its own order of operations is followed.
"""

__all__ = ["pnoise2", "pnoise2_batch"]

import contextlib
import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from scipy import sparse

from covid3dgan.data.noise.perlin_table import GRADIENTS, MAX_BASE, PERMUTATION
from covid3dgan.errors import ArgumentError

# The gradient of the lattice corner whose two hash steps end at table position k is DIRECTIONS[_KIND[k]]: one of 8.
_DIRECTIONS, _KIND = np.unique(GRADIENTS[PERMUTATION[PERMUTATION] & 15, :2], axis=0, return_inverse=True)
_KIND = _KIND.reshape(-1).astype(np.intp)
_PAIRS = len(_DIRECTIONS) ** 2

# Where octaves cancel (persistence near -1), dividing by the sum of their amplitudes magnifies rounding this much.
_WORST_CANCELLATION = 3.01
_NEGLIGIBLE = 2.5e-7  # octaves whose amplitudes sum to less than this are left out
_FIELDS_PER_THREAD = 8
_free_work: dict = {}


def pnoise2(shape: tuple[int, int], scale: float, octaves: int = 1, persistence: float = 0.5, lacunarity: float = 2.0,
            repeat: float = 1024.0, base: int = 0) -> np.ndarray:
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


def pnoise2_batch(shape: tuple[int, int], scales: Sequence[float], octaves: int, persistences: Sequence[float],
                  lacunarity: float, repeat: float, bases: Sequence[int]) -> np.ndarray:
    """As `pnoise2`, for N fields at once: ``scales``, ``persistences`` and ``bases`` hold one value per field.

    Returns:
        float32 (N, rows, columns); a field does not depend on the others.
    """
    _check(shape, scales, octaves, persistences, lacunarity, repeat, bases)
    fields = np.empty((len(scales), *shape), np.float32)
    waves = (octaves, float(lacunarity), float(repeat))
    amplitudes = _amplitudes(octaves, persistences)
    magnified = np.abs(amplitudes).sum(axis=1) >= _WORST_CANCELLATION
    counts = (np.cumsum(np.abs(amplitudes[:, ::-1]), axis=1) > _NEGLIGIBLE).sum(axis=1).tolist()

    def make(part):
        with _borrowed_work(tuple(shape), octaves) as work:
            for number in part:
                scale, base = float(scales[number]), int(bases[number])
                if magnified[number]:
                    fields[number] = _field_in_the_c_codes_order(shape, scale, waves, persistences[number], base)
                else:
                    fields[number] = _field(shape, scale, waves, amplitudes[number, :counts[number]], base, work)

    threads = max(1, min(os.cpu_count() or 1, len(scales) // _FIELDS_PER_THREAD))
    if threads == 1:
        make(range(len(scales)))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(make, [range(first, len(scales), threads) for first in range(threads)]))
    return fields


def _amplitudes(octaves, persistences):
    """Each octave's share of a field, float32 (N, octaves), multiplied and summed one by one as in C."""
    factors = np.repeat(np.asarray(persistences, np.float32)[:, None], octaves, axis=1)
    factors[:, 0] = 1
    amplitudes = np.cumprod(factors, axis=1, dtype=np.float32)
    return amplitudes / np.cumsum(amplitudes, axis=1, dtype=np.float32)[:, -1:]


class _Work:
    """Buffers for fields of one shape, and the matrix (rows, lines times x and lines times y) that multiplies them."""

    def __init__(self, shape, octaves):
        rows, columns = shape
        most = min(256, 2 * rows) * octaves
        self.places = np.empty((most, columns), np.intp)
        self.pairs = np.empty((most, columns), np.intp)
        self.lines = np.zeros((2 * most, columns), np.float32)
        self.matrix = sparse.csr_matrix((rows, 2 * most), dtype=np.float32)


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
    """All octaves along the columns, n pixels, for every base and persistence."""

    corners: np.ndarray     # intp (octaves, n) lattice line, modulo 256, below a pixel; its place in the octave's pairs
    pairs: np.ndarray       # intp: table position of a corner -> kinds of its and the next corner's gradient, as one
    starts: np.ndarray      # intp (octaves, n) where a pixel's values start in ``x`` and ``y``
    x: np.ndarray           # float32 (octaves * n * pairs,) sum over both corners of fade times gradient's first part
    y: np.ndarray           # the same of fade times distance times gradient's second part


class _Along(NamedTuple):
    """The first octaves along the rows, n pixels: sums over lattice lines, as a sparse matrix of four entries each."""

    lines: np.ndarray       # intp (lines,) the different lattice lines, modulo 256, octave after octave
    octaves: np.ndarray     # intp (lines,) their octaves
    corners: np.ndarray     # intp (n, octaves, 2) the line below and above each pixel
    places: np.ndarray      # int32 (n, octaves, 2) where they are in ``lines``
    starts: np.ndarray      # int32 (n + 1,) where each row of the matrix starts among its values
    weights: np.ndarray     # float32 (n, octaves, 2, 2) fade times distance and fade, before the octave's amplitude


def _field(shape, scale, waves, amplitudes, base, work):
    """One field; interpolates along the columns for each lattice line of the rows, then along the rows.

    With the fade f, distance d and gradient g of a corner, an octave is the sum over its four corners of
    f(x) f(y) (d_x g_x + d_y g_y). The sum over the two columns is done once per lattice line and not once per row, or
    once for all lines that are alike; as two neighbouring corners have one of 64 pairs of gradients, it is looked up.
    """
    count = len(amplitudes)
    across, along = _across(shape[1], scale, *waves), _along(shape[0], scale, count, *waves)
    hashes, hash_of = _hashes(base)
    if count * len(hashes) < len(along.lines):
        octaves = np.repeat(np.arange(count), len(hashes))
        corners = np.tile(hashes, count)
        places = hash_of[along.corners] + (np.arange(count) * len(hashes))[:, None]
    else:
        octaves, corners, places = along.octaves, hashes[hash_of[along.lines]], along.places
    total = len(corners)
    table, pairs = work.places[:total], work.pairs[:total]
    across.corners.take(octaves, 0, table, "wrap")
    table += (corners + base)[:, None]
    across.pairs.take(table, None, pairs, "wrap")
    across.starts.take(octaves, 0, table, "wrap")
    pairs += table
    across.x.take(pairs, None, work.lines[:total], "wrap")
    across.y.take(pairs, None, work.lines[total:2 * total], "wrap")
    indices = np.empty(along.weights.shape, np.int32)
    indices[..., 0] = places
    np.add(places, total, indices[..., 1], casting="same_kind")
    matrix = work.matrix
    matrix.data = (along.weights * amplitudes[:, None, None]).reshape(-1)
    matrix.indices, matrix.indptr = indices.reshape(-1), along.starts
    return matrix @ work.lines


@functools.lru_cache(maxsize=MAX_BASE + 1)
def _hashes(base):
    """(the different results of the first hash step over all 256 lattice lines, intp (256,) which of them a line has).

    Beyond the permutation the table holds few values: with most bases many lines are alike.
    """
    found, place = np.unique(PERMUTATION[base:base + 256], return_inverse=True)
    return found.astype(np.intp), place.reshape(-1).astype(np.intp)


@functools.lru_cache(maxsize=32)
def _across(size, scale, octaves, lacunarity, repeat):
    """The `_Across` of one scale; the published noise needs twenty of these."""
    corners, every, by_x, by_y, known = [], [], [], [], 0
    for low, high, x, fade in _octaves(size, scale, octaves, lacunarity, repeat):
        # The next line is one further, or the first again where the table or the repetition ends.
        steps, step = np.unique(high - low, return_inverse=True)
        every.extend(_pairs(int(number)) for number in steps)
        corners.append(low + (step.reshape(-1) + known) * len(_KIND))
        known += len(steps)
        lower, upper = _DIRECTIONS[:, None, :], _DIRECTIONS[None, :, :]
        fade, x = fade[:, None, None], x[:, None, None]
        by_x.append((1 - fade) * lower[..., 0] + fade * upper[..., 0])
        by_y.append((1 - fade) * x * lower[..., 1] + fade * (x - 1) * upper[..., 1])
    starts = np.arange(octaves * size).reshape(octaves, size) * _PAIRS
    return _Across(np.stack(corners), np.concatenate(every), starts, np.concatenate(by_x).reshape(-1),
                   np.concatenate(by_y).reshape(-1))


@functools.lru_cache(maxsize=512)
def _pairs(step):
    """For every table position the kinds of gradient there and ``step`` positions on, as one number."""
    positions = np.arange(len(_KIND)) + step
    return _KIND * len(_DIRECTIONS) + _KIND[np.clip(positions, 0, len(_KIND) - 1)]


@functools.lru_cache(maxsize=256)
def _along(size, scale, count, octaves, lacunarity, repeat):
    """The `_Along` of the first ``count`` octaves."""
    every, corners, places, weights, first = [], [], [], [], 0
    for low, high, x, fade in _octaves(size, scale, octaves, lacunarity, repeat)[:count]:
        ends = np.stack([low, high], axis=-1)
        lines, place = np.unique(ends, return_inverse=True)
        every.append(lines)
        corners.append(ends)
        places.append(first + place.reshape(ends.shape))
        weights.append(np.stack([(1 - fade) * x, 1 - fade, fade * (x - 1), fade], axis=1).reshape(size, 2, 2))
        first += len(lines)
    return _Along(np.concatenate(every), np.repeat(np.arange(count), [len(lines) for lines in every]),
                  np.stack(corners, axis=1), np.stack(places, axis=1).astype(np.int32),
                  (4 * count * np.arange(size + 1)).astype(np.int32), np.stack(weights, axis=1))


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


def _field_in_the_c_codes_order(shape, scale, waves, persistence, base):
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
