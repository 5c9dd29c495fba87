"""How long the full-size GAN step waits for its input: batch 5 at 32x128x128, noise made ahead by data.pipelines."""

import functools
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, wait_for_turn


def waiting(preset, precision, batch, iterations, shape):
    """Seconds of a step, and in the note the share of them spent waiting for the batch."""
    import tensorflow as tf

    from covid3dgan.data.batches.pipelines import gan_batches, step_dataset

    network, options = material.seeded_gan(preset, precision, batch, shape)
    rng = np.random.default_rng(0)
    healthy, covid = (rng.random((4 * batch, *shape), np.float32) for _ in range(2))
    lungs = np.zeros_like(healthy)
    lungs[:, 4:-4, 24:-24, 16:-16] = 1
    at = gan_batches(healthy, covid, lungs, options, 0)
    wait_for_turn()
    started = time.perf_counter()
    at(0)
    alone = time.perf_counter() - started
    step = tf.function(network.train_step, jit_compile=False)
    batches = iter(step_dataset(at, 0, iterations + 1))
    times = []
    for _ in range(iterations + 1):
        started = time.perf_counter()
        data = next(batches)
        ready = time.perf_counter()
        {name: float(value) for name, value in step(data).items()}
        times.append((ready - started, time.perf_counter() - started))
    waits, totals = np.array(times[1:]).T
    return {"seconds": float(np.median(totals)),
            "note": f"waiting {100 * waits.sum() / totals.sum():.2f} % of the step (target: under 5); one batch made "
            f"on its own takes {alone:.2f} s"}


BENCH = Bench("waiting for input in the GAN step", "step",
              {"published noise, float32": functools.partial(waiting, "shabani/published", "float32"),
               "published noise, bfloat16": functools.partial(waiting, "shabani/published", "mixed_bfloat16"),
               "improved noise, bfloat16": functools.partial(waiting, "shabani/improved", "mixed_bfloat16")},
              baseline=None, options={"batch": 5, "iterations": 4, "shape": [32, 128, 128]},
              quick=None)
