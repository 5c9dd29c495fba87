"""Batches for the segmenter: pairs for the contrastive steps, slices and pseudo-masks for the end-to-end step."""

__all__ = ["SEGMENTER_AXES", "segmenter_batches"]

import functools
import threading

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.pipelines import Indices
from covid3dgan.data.noise import healthy_noise
from covid3dgan.errors import ArgumentError, InputError

# The batch axis of what ``segmenter_batches`` gives, where it is not the first; None: not split among devices.
SEGMENTER_AXES = {"pairs": 1, "label": None, "step": None}
SLICES_PER_VOLUME = 4
STEPS_PER_VOLUME = 2  # a painted volume has many slices, and painting it takes a third of a small network's step
KEPT_TURNS = 4  # painted volumes that wait for their other step; batches are made a few steps ahead
UNTOUCHED_SHARE = 0.1


def segmenter_batches(slices, targets, groups, options, contrastive, seed, healthy=None,
                      healthy_lungs=None, with_lung=None):
    """A function step -> dict of arrays for one step of training/shabani/segmenter.py.

    Args:
        slices, targets: (S, H, W) float32: COVID slices and their pseudo-masks.
        groups: data.batches.slice_groups.SliceGroups of those slices; None where the contrastive loss is off and every
            slice trains the segmenter.
        options: presets.stages.Segmenter.
        contrastive: presets.stages.Contrastive.
        seed: the run's seed.
        healthy, healthy_lungs: (M, D, H, W) healthy volumes and their lung masks, for pairs with healthy slices and
            for synthetic ones.
        with_lung: indices of the slices that the end-to-end step may draw; all by default.

    The dict holds ``slice`` and ``target`` (B, H, W, 1) and, with the contrastive loss, ``pairs`` (K, B, H, W, 1) and
    ``label`` (B,): half of each batch positive (1), half negative (0), for K contrastive steps.
    """
    size = options.batch_size
    half = size // 2
    needed = 1 if contrastive.loss == "npairs" else 2  # supcon contrasts a slice with another one of its group
    if contrastive.enabled and half < needed:
        raise ArgumentError("segmenter.batch_size", f"at least {2 * needed}: {needed} slice(s) of each group for "
                            f"contrastive.loss={contrastive.loss}", size, "raise it or set contrastive.enabled=false")
    orders = _group_orders(groups, half, seed)
    drawn = np.arange(len(slices)) if with_lung is None else np.asarray(with_lung)
    everything = Indices(len(drawn), size, [seed, streams.SEGMENTER_SLICES], "epochs")
    pair = _pairs(slices, healthy, groups, orders)
    synthetic = round(size * options.synthetic_share)
    synthetic_slices = _synthetic_slices(healthy, healthy_lungs, synthetic, seed) if synthetic else None

    def at(step):
        if options.only_grouped_slices:
            chosen = np.concatenate([groups.high[orders["high"].at(step)], groups.low[orders["low"].at(step)]])
        else:
            chosen = drawn[everything.at(step)]
        image, target = slices[chosen].astype(np.float32), targets[chosen].astype(np.float32)
        if synthetic:
            image[-synthetic:], target[-synthetic:] = synthetic_slices(step)
        if options.flip:
            mirrored = np.random.default_rng([seed, streams.SEGMENTER_FLIPS, step]).random(len(chosen)) < 0.5
            image[mirrored], target[mirrored] = image[mirrored, :, ::-1], target[mirrored, :, ::-1]
        batch = {"slice": image[..., None], "target": target[..., None], "step": np.int64(step)}
        if contrastive.enabled:
            steps = contrastive.steps_per_step
            batch["pairs"] = np.stack([pair(step * steps + k) for k in range(steps)])[..., None].astype(np.float32)
            batch["label"] = np.repeat(np.array([1, 0], np.int32), half)
        return batch

    return at


def _group_orders(groups, half, seed):
    """The order in which each group's slices come, by the group's name; none where there are no groups."""
    if groups is None:
        return {}
    return {name: Indices(len(group), half, [seed, stream]) for name, group, stream in (
        ("positive", groups.positive, streams.GROUP_POSITIVE), ("negative", groups.negative, streams.GROUP_NEGATIVE),
        ("high", groups.high, streams.GROUP_HIGH), ("low", groups.low, streams.GROUP_LOW))}


def _pairs(slices, healthy, groups, orders):
    """A function of the contrastive step -> (B, H, W): half of the batch positive, then half negative."""
    sources = {"covid": slices, "healthy": None if healthy is None else healthy.reshape(-1, *slices.shape[1:])}

    def pair(step):
        positive = sources[groups.positive_source][groups.positive[orders["positive"].at(step)]]
        negative = sources[groups.negative_source][groups.negative[orders["negative"].at(step)]]
        return np.concatenate([positive, negative])

    return pair


def _synthetic_slices(healthy, healthy_lungs, count, seed):
    """A function step -> ``count`` slices with painted lesions, and the extent of these."""
    if healthy is None or not len(healthy):
        raise InputError("segmenter.synthetic_share", "healthy cases to paint lesions into", "none",
                         "pass healthy cases or set segmenter.synthetic_share=0")
    volumes = Indices(len(healthy), -(-count // SLICES_PER_VOLUME), [seed, streams.PAINTED_VOLUMES], "epochs")

    @functools.lru_cache(maxsize=KEPT_TURNS)
    def painted(turn):
        indices = volumes.at(turn)
        chosen, lungs = healthy[indices], healthy_lungs[indices]
        rng = np.random.default_rng([seed, streams.PAINTED_LESIONS, turn])
        return *_paint(chosen, lungs, rng), np.argwhere((lungs > 0.5).any((2, 3)))

    painting = threading.Lock()  # else two steps that are made at once would both paint

    def synthetic_slices(step):
        with painting:
            noisy, extent, with_lung = painted(step // STEPS_PER_VOLUME)
        rng = np.random.default_rng([seed, streams.PAINTED_SLICES, step])
        at = tuple(with_lung[rng.choice(len(with_lung), count, replace=len(with_lung) < count)].T)
        return noisy[at], extent[at]

    return synthetic_slices


def _paint(volumes, lungs, rng):
    """Healthy volumes with painted lesions, and the extent of these: known exactly, here alone.

    One volume in ten stays as it is: its slices teach what vessels look like.
    """
    painted, extent = healthy_noise.painted_lesions(volumes, lungs, rng, healthy_noise.LIKE_COVID)
    untouched = rng.random(len(volumes)) < UNTOUCHED_SHARE
    painted[untouched], extent[untouched] = volumes[untouched], 0
    return painted, extent
