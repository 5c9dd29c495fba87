"""Perlin noise of one published GAN batch: a double loop over ``noise.pnoise2``, as published, against data.perlin.

Both sides make the same fields: 5 volumes x 8 slices of 128 x 128, ten octaves.
"""

import time

import numpy as np

from benchmarks.bench import Bench, wait_for_turn

OCTAVES, LACUNARITY, REPEAT = 10, 2.0, 140


def drawn(fields):
    """(scales, persistences, bases) as the notebook draws them."""
    rng = np.random.default_rng(0)
    return (rng.integers(10, 30, fields).tolist(), (0.01 * rng.integers(-50, 50, fields)).tolist(),
            rng.integers(0, 1000, fields).tolist())


def published_fields(size, scales, persistences, bases):
    """One C call per pixel."""
    from noise import pnoise2

    fields = np.zeros((len(scales), size, size))
    for field, scale, persistence, base in zip(fields, scales, persistences, bases):
        for i in range(size):
            for j in range(size):
                field[i, j] = pnoise2(i / scale, j / scale, octaves=OCTAVES, persistence=persistence,
                                      lacunarity=LACUNARITY, repeatx=REPEAT, repeaty=REPEAT, base=base)
    return fields


def published(fields, size, repeats):
    return {"seconds": best(lambda: published_fields(size, *drawn(fields)), min(3, repeats))[0]}


def ours(fields, size, repeats):
    from covid3dgan.data.noise import perlin

    scales, persistences, bases = drawn(fields)

    def batch():
        return perlin.pnoise2_batch((size, size), scales, OCTAVES, persistences, LACUNARITY, REPEAT, bases)

    first, _ = best(batch, 1)
    seconds, found = best(batch, repeats)
    note = f"the first batch, which fills the tables, {first:.3f} s"
    try:
        wanted = published_fields(size, scales[:4], persistences[:4], bases[:4])
        note += f"; largest difference {np.abs(found[:4] - wanted).max():.1e}"
    except ImportError:
        pass
    return {"seconds": seconds, "note": note}


def best(function, repeats):
    """(the shortest of ``repeats`` runs in seconds, the last result)."""
    wait_for_turn()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
    return min(times), result


BENCH = Bench("Perlin noise, fields of 128x128, 10 octaves", "batch", {"published": published, "ours": ours},
              options={"fields": 40, "size": 128, "repeats": 21}, quick={"fields": 10, "repeats": 7}, needs=("noise",))
