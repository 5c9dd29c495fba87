"""One iteration of the full-size 3D GAN: the published loop, written anew, against this project's train_step.

The published loop: Perlin noise per pixel with the ``noise`` package, train_on_batch for the reconstruction, predict
for the fakes, train_on_batch and evaluate for the discriminator, train_on_batch for the stacked GAN.
"""

import functools

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, median_after_first


def published(batch, iterations, shape):
    """The loop of the notebook GAN3D in our own words."""
    import keras
    from noise import pnoise2

    from covid3dgan import compat, models

    shape = tuple(shape)
    generator = models.build_generator(input_shape=(*shape, 1))
    discriminator = models.build_discriminator(input_shape=(*shape, 1))
    # Keras 2's former optimizers serve two models at once; those of Keras 3 do not, so the stack gets a twin there.
    adam = keras.optimizers.Adam if compat.KERAS_3 else keras.optimizers.legacy.Adam
    shared = adam(5e-5)
    discriminator.compile(optimizer=adam(1e-3), loss="mse", jit_compile=False)
    generator.compile(optimizer=shared, loss="mse", jit_compile=False)
    discriminator.trainable = False
    latent_shape = tuple(side // 16 for side in shape) + (10,)
    ct, z = keras.Input((*shape, 1)), keras.Input(latent_shape)
    stacked = keras.Model([ct, z], discriminator(generator([ct, z])))
    stacked.compile(optimizer=adam(5e-5) if compat.KERAS_3 else shared, loss="mse", jit_compile=False)
    rng = np.random.default_rng(0)

    def latent():
        return rng.uniform(-0.5, 0.5, (batch, *latent_shape)).astype(np.float32)

    def add_perlin(volumes):
        noisy = volumes.copy()
        for volume in noisy:
            for s in rng.choice(shape[0], shape[0] // 4, replace=False):
                scale, persistence = int(rng.integers(10, 30)), 0.01 * int(rng.integers(-50, 50))
                base = int(rng.integers(0, 1000))
                for i in range(shape[1]):
                    for j in range(shape[2]):
                        volume[s, i, j, 0] += pnoise2(i / scale, j / scale, octaves=10, persistence=persistence,
                                                      lacunarity=2.0, repeatx=140, repeaty=140, base=base)
        return noisy

    healthy, covid = (rng.random((2 * batch, *shape, 1), np.float32) for _ in range(2))
    labels = np.repeat(np.eye(2, dtype=np.float32)[::-1], batch, 0)

    def iteration():
        clean = healthy[:batch]
        generator.train_on_batch([add_perlin(clean), latent()], clean)
        fakes = generator.predict([covid[:batch], latent()], verbose=0)
        both = np.concatenate([healthy[batch:], fakes])
        discriminator.trainable = True
        discriminator.train_on_batch(both, labels)
        discriminator.evaluate(both, labels, verbose=0)
        discriminator.trainable = False
        stacked.train_on_batch([covid[batch:], latent()], labels[:batch])

    return {"seconds": median_after_first(iteration, iterations)}


def ours(precision, preset, batch, iterations, shape):
    """The same updates by ``train_step``, with batches made ahead by data.pipelines."""
    import tensorflow as tf

    from benchmarks.flops import count_flops
    from covid3dgan.data.batches.pipelines import gan_batches, step_dataset

    network, options = material.seeded_gan(preset, precision, batch, shape)
    rng = np.random.default_rng(0)
    healthy, covid = (rng.random((2 * batch, *shape), np.float32) for _ in range(2))
    lungs = np.ones_like(healthy)
    batches = iter(step_dataset(gan_batches(healthy, covid, lungs, options, 0), 0, iterations + 2))
    step = tf.function(network.train_step, jit_compile=False)

    def iteration():
        {name: float(value) for name, value in step(next(batches)).items()}

    flops = count_flops(step, next(batches))
    return {"seconds": median_after_first(iteration, iterations), "dtype": precision, "flops": flops}


BENCH = Bench("3D GAN, one iteration", "iteration",
              {"published": published,
               "ours, float32": functools.partial(ours, "float32", "shabani/published"),
               "ours, bfloat16": functools.partial(ours, "mixed_bfloat16", "shabani/published")},
              options={"batch": 5, "iterations": 5, "shape": [32, 128, 128]},
              quick={"batch": 2, "iterations": 1, "shape": [16, 64, 64]},
              needs=("noise",), alternating=True)
