"""One training step of papers 000, 002 and 003, by their own presets, in float32 and bfloat16; 004 is ssinfnet_step.

Paper 003's own code is PyTorch and paper 000's is not published as a whole, so there is no published side to rewrite
but the TransUNet's: the same network by Keras' train_on_batch, run eagerly.
"""

import dataclasses
import functools

import numpy as np

from benchmarks.bench import Bench, median_after_first


def _timed(training, batch, steps, precision):
    import tensorflow as tf

    from benchmarks.flops import count_flops

    step = tf.function(training.train_step, jit_compile=False)

    def one():
        {name: float(value) for name, value in step(batch).items()}

    try:
        flops = count_flops(step, batch)
    except (TypeError, ValueError):  # a network whose sizes vary within the step
        flops = None
    return {"seconds": median_after_first(one, steps), "dtype": precision, "flops": flops}


def elmourabit(precision, steps, side):
    """Paper 000: its GAN (a 3D UNet++), one volume of half the sides."""
    from covid3dgan import compat, presets
    from covid3dgan.data.batches.pipelines import gan_batches
    from covid3dgan.training.shabani.gan3d import build_gan

    compat.set_precision(precision)
    shape = (16, side // 2, side // 2)
    options = dataclasses.replace(presets.get("elmourabit/paper").gan, batch_size=1, volume_shape=shape)
    volumes = np.random.default_rng(0).random((2, *shape), np.float32)
    batch = gan_batches(volumes, volumes, np.ones_like(volumes), options, 0)(0)
    return _timed(build_gan(options), batch, steps, precision)


def _transunet_batch(options, side):
    rng = np.random.default_rng(0)
    size = options.batch_size
    labels = np.repeat(np.array([1, 0], np.int32), size // 2)
    image, target = (rng.random((size, side, side, 1), np.float32) for _ in range(2))
    return {"image": image, "target": target,
            "label": labels, "weights": np.ones(3, np.float32), "step": np.int64(0)}


def khali(precision, steps, side):
    """Paper 002: the TransUNet's contrastive, MSE and sensitivity losses together, 8 slices."""
    from covid3dgan import compat, presets
    from covid3dgan.data.batches.grouped_batches import contrasted
    from covid3dgan.training.khali.transunet import build_training

    compat.set_precision(precision)
    options = dataclasses.replace(presets.get("khali/paper").transunet, batch_size=8)
    batch = _transunet_batch(options, side)
    batch["label"] = np.repeat(np.array([1, 0], np.int32), contrasted(options) // 2)
    return _timed(build_training(options, (side, side)), batch, steps, precision)


def khali_published(steps, side):
    """The same network by train_on_batch, eagerly, MSE alone."""
    import keras
    import tensorflow as tf

    from covid3dgan import presets
    from covid3dgan.models.from_presets import transunet_network

    tf.config.run_functions_eagerly(True)
    options = dataclasses.replace(presets.get("khali/paper").transunet, batch_size=8)
    network, batch = transunet_network(options, (side, side)), _transunet_batch(options, side)
    network.compile(optimizer=keras.optimizers.Adam(1e-4), loss="mse", jit_compile=False)
    return {"seconds": median_after_first(lambda: network.train_on_batch(batch["image"], batch["target"]), steps)}


def afseg(precision, steps, side):
    """Paper 003: generator, discriminator and segmenter in turn on the preset's batch of patches, at least ``side``."""
    from covid3dgan import compat, presets
    from covid3dgan.training.afseg.networks import build_afseg

    compat.set_precision(precision)
    options = presets.get("afseg/cells").synthesis
    rng = np.random.default_rng(0)
    side = max(side, options.patch)  # which the generator halves down to one pixel
    shape = (options.batch_size, side, side, 1)
    batch = {"image": rng.random(shape, np.float32), "background": rng.random(shape, np.float32),
             "weak": (rng.random(shape) > 0.7).astype(np.float32), "share": np.ones(options.batch_size, np.float32)}
    return _timed(build_afseg(options, 1, 1), batch, steps, precision)


SYSTEMS = {"000, GAN": elmourabit, "002, TransUNet": khali, "003, AF-SEG": afseg}
SIDES = {"002, TransUNet, train_on_batch eagerly": khali_published}
SIDES.update({f"{name}, {kind}": functools.partial(system, precision) for name, system in SYSTEMS.items()
              for kind, precision in (("float32", "float32"), ("bfloat16", "mixed_bfloat16"))})
BENCH = Bench("one training step of papers 000, 002 and 003", "step", SIDES, baseline=None,
              options={"steps": 3, "side": 128}, quick={"steps": 1, "side": 64},
              quick_sides=("002, TransUNet, float32", "003, AF-SEG, float32"))
