"""Training the GAN from 2,000 cases of 32x128x128 in shards: the memory of the input, and the steps.

The volumes are generated noise within a box for lungs, not rendered phantoms: rendering 2,000 takes hours, and the
input pipeline does not see the difference. The input alone is measured: the GAN's own memory is in ``gan_step``.
"""

import resource
import shutil
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, wait_for_turn


def from_shards(cases, steps, batch, shape):
    """Seconds per batch read and made, and how far the process's peak rose over what it was before."""
    import dataclasses

    from covid3dgan import presets
    from covid3dgan.data.batches.pipelines import gan_batches, step_dataset
    from covid3dgan.data.preprocess.prepared_set import open_prepared

    folder = write_noise(cases, shape)
    wait_for_turn()
    try:
        before = _peak_mb()
        opened = open_prepared(folder)
        healthy, covid = opened.only("healthy"), opened.only("covid")
        options = dataclasses.replace(presets.get("shabani/improved").gan, batch_size=batch, volume_shape=tuple(shape))
        at = gan_batches(healthy.array("lung"), covid.array("lung"), healthy.array("lung_mask"), options, 0)
        started = time.perf_counter()
        for _ in step_dataset(at, 0, steps):
            pass
        seconds = (time.perf_counter() - started) / steps
        rise = _peak_mb() - before
    finally:
        shutil.rmtree(folder)
    size = cases * 3 * 4 * np.prod(shape) / 1e9
    return {"seconds": seconds, "peak_mb": rise + before,
            "note": f"{cases} cases, {size:.1f} GB on disk; the input takes {rise:.0f} MB (target: under 3000)"}


def write_noise(cases, shape):
    """A folder of shards with ``cases`` volumes of noise, half of them healthy."""
    from covid3dgan.data.preprocess.shards import ShardWriter

    folder, rng = material.folder() / "shards", np.random.default_rng(0)
    lungs = np.zeros(shape, np.float32)
    lungs[4:-4, shape[1] // 6:-shape[1] // 6, shape[2] // 8:-shape[2] // 8] = 1
    writer = ShardWriter(folder, shape, overwrite=True)
    for number in range(cases):
        lung = rng.random(shape, np.float32) * lungs
        writer.add(f"case{number:05d}", number % 2 == 0, lung, lungs, np.zeros_like(lungs))
    writer.close()
    return folder


def _peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


BENCH = Bench("input of the GAN from cases in shards", "batch", {"from shards": from_shards},
              baseline=None, options={"cases": 2000, "steps": 100, "batch": 4, "shape": [32, 128, 128]},
              quick=None)
