"""How much memory a training of the 3D GAN will take, from its networks' graphs: asked before it starts."""

__all__ = ["gan_memory", "refuse_beyond"]

import math

import keras

from covid3dgan import compat, models
from covid3dgan.errors import InputError
from covid3dgan.losses import adversarial
from covid3dgan.models.fused_units import FusedUnits
from covid3dgan.training.recompute import Recomputed

# The interpreter, TensorFlow, the traced graph and oneDNN's scratch, in MB.
RUNTIME_MB = 750
# Measured peaks over the sum of the layers' outputs that are kept: what backpropagation holds beside them
# (docs/RESULTS.md, memory of one float32 step). Where little is kept the rest weighs more.
BACKWARD_SHARE = {"whole": 0.95, "recompute": 1.2, "accumulate": 1.7, "both": 2.45}
# In mixed precision much is kept in float32 too, beside what the outputs say (measured at full size, batch 5).
MIXED_SHARE = 1.7
# Volumes per case that training holds: lung and lung mask as read and as stacked, base and infection as read.
VOLUMES_PER_CASE = 6


def gan_memory(options, precision, accumulate=1, recompute=False, replicas=1, cases=0):
    """MB that training takes, by what takes it: ``runtime``, ``weights``, ``activations``, ``batches``, ``cases``.

    Args:
        options: presets.stages.Gan.
        precision: float32, mixed_bfloat16 or mixed_float16.
        accumulate, recompute: as in training.gan3d.build_gan.
        replicas: devices that share a batch; all are counted, since on one machine's CPU they share its memory.
        cases: prepared cases held in memory.
    """
    shape = (*options.volume_shape, 1)
    with compat.precision(precision):
        generator = models.build_generator(variant=options.generator, input_shape=shape, width=options.generator_width,
                                           head=options.generator_head)
        discriminator = models.build_discriminator(
            variant=options.discriminator, input_shape=shape, width=options.discriminator_width,
            return_logits=adversarial.uses_logits(options.adversarial_loss))
    volume = math.prod(shape) * 4
    samples = options.batch_size / replicas / accumulate
    judged = _outputs(discriminator)
    # The generator's update keeps both networks' activations; the discriminator's sees twice as many volumes.
    units = FusedUnits(generator)
    if recompute:
        borders, largest = _kept(units.fused)
        most = samples * max(borders + max(judged, largest), 2 * judged)
    else:
        most = samples * max(_outputs(generator, units.never_written) + judged, 2 * judged)
    # Weights, their gradients (and the sum over parts), two moments per Adam, and the average.
    copies = 2 + (accumulate > 1) + 2 * (2 - options.shared_optimizer) + bool(options.ema_decay)
    weights = generator.count_params() * copies + discriminator.count_params() * 4
    in_parts = accumulate > 1
    share = BACKWARD_SHARE["both" if in_parts and recompute else "accumulate" if in_parts else
                           "recompute" if recompute else "whole"]
    share *= 1.0 if precision == "float32" else MIXED_SHARE
    held = options.batch_size * (2 * options.reconstructions + 3) * volume
    return {"runtime": RUNTIME_MB, "weights": 4 * weights / 2**20, "activations": share * most / 2**20,
            "batches": 4 * held / 2**20, "cases": cases * VOLUMES_PER_CASE * volume / 2**20}


def refuse_beyond(limit_gb, found, recomputed, batch, how):
    """InputError where the estimate is above the limit, naming what to change.

    Args:
        limit_gb: gigabytes (1e9 bytes).
        found: what :func:`gan_memory` gave.
        recomputed: what it gives with recomputation, which is not always less.
        batch: samples per device.
        how: training.conduct.How.
    """
    needed = sum(found.values()) * 2**20 / 1e9
    if needed <= limit_gb:
        return
    parts = ", ".join(f"{name} {value * 2**20 / 1e9:.1f}" for name, value in found.items())
    action = (f"pass --accumulate {_next_divisor(batch, how.accumulate)}" if how.accumulate < batch else
              "pass --recompute" if sum(recomputed.values()) < sum(found.values()) else
              "choose a smaller gan.volume_shape or gan.generator_width")
    if found["cases"] > found["activations"]:
        action = "train from shards ('covid3dgan preprocess --shards')"
    raise InputError("--memory-limit", f"a training of at most {limit_gb:g} GB",
                     f"one of about {needed:.1f} GB ({parts})",
                     f"{action}, or raise the limit")


def _next_divisor(batch, above):
    return next(number for number in range(above + 1, batch + 1) if batch % number == 0)


def _outputs(model, never_written=()):
    """Bytes of all layers' outputs for one sample, but for the layers of these names."""
    return sum(_bytes(layer.output) for layer in model.layers
               if not isinstance(layer, keras.layers.InputLayer) and layer.name not in never_written)


def _kept(model):
    """The same where levels are recomputed: (what crosses their borders, the largest level while it runs again)."""
    pieces = Recomputed(model).pieces
    return (sum(_bytes(tensor) for piece in pieces for tensor in piece.outputs),
            max(_outputs(piece.model) for piece in pieces))


def _bytes(tensor):
    size = {"float32": 4, "bfloat16": 2, "float16": 2}[tensor.dtype if isinstance(tensor.dtype, str)
                                                       else tensor.dtype.name]
    return math.prod(tensor.shape[1:]) * size
