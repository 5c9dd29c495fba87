"""One iteration of the full-size 3D GAN: the published loop, written anew, against this project's train_step.

    python benchmarks/bench_gan_step.py [--batch 5] [--iterations 2]

Each side runs in a process of its own and prints seconds per iteration (the first, which compiles, left out) and peak
memory. The published loop: Perlin noise per pixel with the `noise` package, train_on_batch for the reconstruction,
predict for the fakes, train_on_batch and evaluate for the discriminator, train_on_batch for the stacked GAN.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import time

import numpy as np

SHAPE = (32, 128, 128)


def published(batch, iterations):
    """The loop of the notebook GAN3D in our own words."""
    import keras
    from noise import pnoise2

    from covid3dgan import models

    generator, discriminator = models.build_generator(), models.build_discriminator()
    legacy = getattr(keras.optimizers, "legacy", keras.optimizers)
    shared = legacy.Adam(5e-5)
    discriminator.compile(optimizer=legacy.Adam(1e-3), loss="mse")
    generator.compile(optimizer=shared, loss="mse")
    discriminator.trainable = False
    ct, z = keras.Input((*SHAPE, 1)), keras.Input((2, 8, 8, 10))
    stacked = keras.Model([ct, z], discriminator(generator([ct, z])))
    stacked.compile(optimizer=shared, loss="mse")
    rng = np.random.default_rng(0)

    def latent():
        return rng.uniform(-0.5, 0.5, (batch, 2, 8, 8, 10)).astype(np.float32)

    def add_perlin(volumes):
        noisy = volumes.copy()
        for volume in noisy:
            for s in rng.choice(SHAPE[0], 8, replace=False):
                scale, persistence = int(rng.integers(10, 30)), 0.01 * int(rng.integers(-50, 50))
                base = int(rng.integers(0, 256))
                for i in range(SHAPE[1]):
                    for j in range(SHAPE[2]):
                        volume[s, i, j, 0] += pnoise2(i / scale, j / scale, octaves=10, persistence=persistence,
                                                      lacunarity=2.0, repeatx=140, repeaty=140, base=base)
        return noisy

    healthy, covid = (rng.random((2 * batch, *SHAPE, 1), np.float32) for _ in range(2))
    labels = np.repeat(np.eye(2, dtype=np.float32)[::-1], batch, 0)
    times = []
    for _ in range(iterations + 1):
        started = time.perf_counter()
        clean = healthy[:batch]
        generator.train_on_batch([add_perlin(clean), latent()], clean)
        fakes = generator.predict([covid[:batch], latent()], verbose=0)
        both = np.concatenate([healthy[batch:], fakes])
        discriminator.trainable = True
        discriminator.train_on_batch(both, labels)
        discriminator.evaluate(both, labels, verbose=0)
        discriminator.trainable = False
        stacked.train_on_batch([covid[batch:], latent()], labels[:batch])
        times.append(time.perf_counter() - started)
    return times[1:]


def ours(batch, iterations, precision):
    """The same updates by the preset shabani/published."""
    import tensorflow as tf

    from covid3dgan import compat, presets
    from covid3dgan.data.pipelines import gan_batches, step_dataset
    from covid3dgan.training.gan3d import build_gan

    compat.seed_everything(0)
    compat.set_precision(precision)
    options = dataclasses.replace(presets.get("shabani/published").gan, batch_size=batch)
    network = build_gan(options)
    rng = np.random.default_rng(0)
    healthy, covid = (rng.random((2 * batch, *SHAPE), np.float32) for _ in range(2))
    batches = gan_batches(healthy, covid, None, options, 0)
    step = tf.function(network.train_step, jit_compile=False)
    times, started = [], time.perf_counter()
    for data in step_dataset(batches, 0, iterations + 1):
        {name: float(value) for name, value in step(data).items()}
        times.append(time.perf_counter() - started)
        started = time.perf_counter()
    return times[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=2)
    parser.add_argument("--side", choices=["published", "float32", "mixed_bfloat16"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        from covid3dgan.environment import peak_memory_mb

        run = published if args.side == "published" else ours
        extra = () if args.side == "published" else (args.side,)
        times = run(args.batch, args.iterations, *extra)
        print(json.dumps({"seconds": float(np.median(times)), "peak_mb": peak_memory_mb()}))
        return
    found = {}
    for side in ("published", "float32", "mixed_bfloat16"):
        command = [sys.executable, __file__, "--side", side, "--batch", str(args.batch),
                   "--iterations", str(args.iterations)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[side] = json.loads(done.stdout.splitlines()[-1])
    base = found["published"]["seconds"]
    print(f"{'side':<16} {'s per iteration':>16} {'times as fast':>14} {'peak MB':>9}")
    for side, result in found.items():
        print(f"{side:<16} {result['seconds']:>16.2f} {base / result['seconds']:>14.2f} {result['peak_mb']:>9.0f}")


if __name__ == "__main__":
    main()
