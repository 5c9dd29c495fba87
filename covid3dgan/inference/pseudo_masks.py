"""From a trained generator to pseudo-masks (paper 001, Eq. 3): input minus pseudo-healthy volume."""

__all__ = ["PseudoMasks", "difference", "load_generator", "make_pseudo_masks", "pseudo_healthy", "slice_sums"]

import dataclasses

import numpy as np

from covid3dgan import compat, progress
from covid3dgan.data.batches.pipelines import latent_noise
from covid3dgan.models.from_presets import gan_generator
from covid3dgan.runs import state
from covid3dgan.runs.directory import open_run


@dataclasses.dataclass(frozen=True)
class PseudoMasks:
    """What the GAN says of a set of volumes, each (N, D, H, W) float32 except ``sums`` (N, D).

    ``healthy``: pseudo-healthy volumes. ``difference``: the pseudo-mask before any threshold. ``spread``: standard
    deviation of the pseudo-healthy volumes over the latent samples (zeros for a single one). ``sums``: each slice's
    sum of the pseudo-mask, the score that sorts slices into high and low infection.
    """

    healthy: np.ndarray
    difference: np.ndarray
    spread: np.ndarray
    sums: np.ndarray


def make_pseudo_masks(generator, volumes, lung_masks, options, seed):
    """Pseudo-masks of many volumes.

    Args:
        generator: (ct, latent) -> pseudo-healthy; the averaged one where the run has it.
        volumes, lung_masks: (N, D, H, W) float32 in [0, 1].
        options: presets.stages.Pseudo.
        seed: seeds the latent noise, so that the same call gives the same masks (F32).
    """
    healthy, spread = pseudo_healthy(generator, volumes, options, seed)
    change = difference(volumes, healthy, lung_masks, options)
    return PseudoMasks(healthy, change, spread, slice_sums(change))


def pseudo_healthy(generator, volumes, options, seed):
    """(mean, standard deviation) over the latent samples, each (N, D, H, W) float32.

    ``latent="random"`` gives every volume its own noise, as the notebooks do; ``"fixed"`` the same to all (F32).
    """
    mean, spread = np.empty_like(volumes, np.float32), np.zeros_like(volumes, np.float32)
    for i in progress.bar(range(len(volumes)), description="pseudo-healthy", unit="volume"):
        rng = np.random.default_rng([seed, i] if options.latent == "random" else [seed])
        latents = latent_noise(volumes.shape[1:], options.latent_samples, rng)
        inputs = np.repeat(volumes[i][None, ..., None], options.latent_samples, 0)
        outputs = np.asarray(generator([inputs, latents], training=False), np.float32)[..., 0]
        mean[i], spread[i] = outputs.mean(0), outputs.std(0)
    return mean, spread


def difference(volumes, healthy, lung_masks, options):
    """The pseudo-mask volumes, (N, D, H, W) float32: input minus pseudo-healthy, with the preset's options.

    F14: the notebooks scale input and output to [0, 1], each volume by its own extremes, before they subtract.
    F15: signed as published, or only what is brighter than the pseudo-healthy volume, as lesions are.
    """
    if options.minmax:
        volumes, healthy = _min_max(volumes), _min_max(healthy)
    change = volumes - healthy
    if options.sign == "clipped":
        change = np.maximum(change, 0)
    if options.within_lung:
        change = change * (lung_masks > 0.5)
    return change.astype(np.float32)


def slice_sums(change):
    """Sum of each slice's pseudo-mask: (N, D, H, W) -> (N, D)."""
    return change.sum((2, 3), dtype=np.float64)


def _min_max(volumes):
    low = volumes.min((1, 2, 3), keepdims=True)
    high = volumes.max((1, 2, 3), keepdims=True)
    return (volumes - low) / np.maximum(high - low, 1e-12)


def load_generator(path):
    """The generator of a GAN run, for inference: (model, preset, step). The averaged one where the run has it."""
    run, preset = open_run(path, "gan")
    found, options = run.newest_checkpoint(), preset.gan
    with compat.precision("float32"):  # whatever it was trained in: a mask should not depend on the precision
        generator = gan_generator(options)
    state.put_weights(generator, "averaged" if options.ema_decay else "generator", found.arrays, path)
    return generator, preset, found.step
