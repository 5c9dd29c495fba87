"""What a full-size GAN step of batch 8 takes: whole, in parts, with recomputation."""

import functools

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, median_after_first


def step(accumulate, recompute, batch, shape, preset):
    import tensorflow as tf

    from covid3dgan.data.batches.pipelines import gan_batches

    network, options = material.seeded_gan(preset, "float32", batch, shape, min(accumulate, batch), recompute)
    volumes = np.random.default_rng(0).random((batch, *shape), np.float32)
    data = gan_batches(volumes, volumes, np.ones_like(volumes), options, 0)(0)
    run = tf.function(network.train_step, jit_compile=False)
    seconds = median_after_first(lambda: {name: float(value) for name, value in run(data).items()}, 1)
    return {"seconds": seconds}


BENCH = Bench("3D GAN, memory of one float32 step", "step",
              {"whole batch": functools.partial(step, 1, False), "accumulate 4": functools.partial(step, 4, False),
               "accumulate 8": functools.partial(step, 8, False), "recompute": functools.partial(step, 1, True),
               "accumulate 8, recompute": functools.partial(step, 8, True)},
              baseline="whole batch", options={"batch": 8, "shape": [32, 128, 128], "preset": "shabani/published"},
              quick=None)
