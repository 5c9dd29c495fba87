"""Perlin noise for one published GAN batch: the published double loop over ``noise.pnoise2``, against data.perlin.

    python benchmarks/bench_perlin.py [--fields 40] [--size 128] [--repeats 7]

Both sides make the same fields (5 volumes x 8 slices of 128 x 128, ten octaves) in one run; the best of the repeats
counts on either side. The package `noise` is needed (requirements.txt).
"""

import argparse
import os
import time

import numpy as np
from noise import pnoise2

from covid3dgan.data import perlin

OCTAVES, LACUNARITY, REPEAT = 10, 2.0, 140


def published(size, scales, persistences, bases):
    """One C call per pixel, as in the notebook."""
    fields = np.zeros((len(scales), size, size))
    for field, scale, persistence, base in zip(fields, scales, persistences, bases):
        for i in range(size):
            for j in range(size):
                field[i, j] = pnoise2(i / scale, j / scale, octaves=OCTAVES, persistence=persistence,
                                      lacunarity=LACUNARITY, repeatx=REPEAT, repeaty=REPEAT, base=base)
    return fields


def ours(size, scales, persistences, bases):
    """The same fields at once."""
    return perlin.pnoise2_batch((size, size), scales, OCTAVES, persistences, LACUNARITY, REPEAT, bases)


def best(function, repeats):
    """(the shortest of ``repeats`` runs in seconds, the last result)."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
    return min(times), result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fields", type=int, default=40)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    drawn = (rng.integers(10, 30, args.fields).tolist(), (0.01 * rng.integers(-50, 50, args.fields)).tolist(),
             rng.integers(0, 1000, args.fields).tolist())
    first, _ = best(lambda: ours(args.size, *drawn), 1)
    slow, wanted = best(lambda: published(args.size, *drawn), min(3, args.repeats))
    fast, found = best(lambda: ours(args.size, *drawn), args.repeats)
    print(f"{args.fields} fields of {args.size} x {args.size}, {OCTAVES} octaves, {os.cpu_count()} cores")
    print(f"{'':32}{'seconds':>10}{'ratio':>8}")
    for name, seconds in (("published double loop", slow), ("data.perlin, first batch", first),
                          ("data.perlin, further batches", fast)):
        print(f"{name:32}{seconds:10.4f}{slow / seconds:8.1f}")
    print(f"largest difference {np.abs(found - wanted).max():.1e}")


if __name__ == "__main__":
    main()
