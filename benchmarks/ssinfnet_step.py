"""One training step of each network of paper 004 at published size: its peak of memory is what counts (8 GB).

Inf-Net takes three optimizer steps, at 0.75, 1 and 1.25 of the size; the paintings take one turn of the network and one
of the coach, on crops of 128 x 128.
"""

import dataclasses
import functools

import numpy as np

from benchmarks.bench import Bench, median_after_first


def supervised(network, size, batch, steps):
    from covid3dgan import presets
    from covid3dgan.data.batches import slice_batches
    from covid3dgan.data.datasets.slices import SliceSet
    from covid3dgan.models.from_presets import multi_class_network
    from covid3dgan.training.ssinfnet import train_ssinfnet

    preset = presets.get("ssinfnet/published")
    images, labels = _pictures(size, batch)
    slices = SliceSet(images, labels, np.arange(batch), np.arange(batch))
    if network == "infnet":
        training = train_ssinfnet._infnet_training(preset, "SInfNet")
        batch_at = slice_batches.single_batches(slices, _with_batch(preset.single, batch), lambda step: 1e-4, 1)
    else:
        training = train_ssinfnet._multi_training(preset, "SSInfNet", lambda: multi_class_network(preset, "SSInfNet"))
        batch_at = slice_batches.multi_batches(slices, images, _with_batch(preset.multi, batch), 1)
    return _timed(training, [batch_at(0)], steps)


def painting(network, size, batch, steps):
    from covid3dgan import presets
    from covid3dgan.data.batches import slice_batches
    from covid3dgan.training.ssinfnet.inpainting_plan import Moment
    from covid3dgan.training.ssinfnet.networks import build_inpainting

    preset = presets.get("ssinfnet/published")
    options = _with_batch(preset.single_inpainting if network == "single" else preset.multi_inpainting, batch)
    images, _ = _pictures(size, batch)

    def moment(step):
        return Moment("coach" if step else "network", 1e-5, False, False)

    batch_at = slice_batches.inpainting_batches(images, images if network == "multi" else None, options, moment,
                                                options.coach_latent, 1)
    return _timed(build_inpainting(preset, network), [batch_at(0), batch_at(1)], steps)


def _pictures(size, batch):
    rng = np.random.default_rng(0)
    images = rng.random((batch, size, size), np.float32)
    return images, rng.integers(0, 3, images.shape, dtype=np.uint8)


def _with_batch(options, batch):
    return dataclasses.replace(options, batch_size=batch)


def _timed(training, batches, steps):
    import tensorflow as tf

    step = tf.function(training.train_step)
    tensors = [{name: tf.constant(value) for name, value in batch.items()} for batch in batches]
    return {"seconds": median_after_first(lambda: [step(batch)["loss"].numpy() for batch in tensors], steps)}


BENCH = Bench("training step of SSInfNet's networks", "step",
              {"Inf-Net": functools.partial(supervised, "infnet"),
               "multi-class network": functools.partial(supervised, "multi"),
               "painting, Inf-Net": functools.partial(painting, "single"),
               "painting, multi-class": functools.partial(painting, "multi")},
              baseline=None, options={"size": 352, "batch": 4, "steps": 2}, quick={"size": 128, "steps": 1},
              quick_sides=("multi-class network",))
