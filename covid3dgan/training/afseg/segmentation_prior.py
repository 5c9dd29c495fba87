"""Deep Segmentation Prior (paper 003, section 2.2): which pixels look like the coarse label's foreground.

A small network learns the coarse label of the whole training set and is stopped early, when it still fires on every
label-like structure: as soon as its predicted area is ``area_multiple`` (lambda) times the coarse area. The highest
scores then give each image's mask, so its area is right even where the stop came late (A03).
"""

__all__ = ["area_ratio", "foreground_mask", "has_reached", "scores_of", "train_prior"]

import math

import numpy as np
from scipy import ndimage

from covid3dgan import compat, progress, streams
from covid3dgan.data.batches.patches import patch_batches, to_network
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.classical.coarse import drop_small
from covid3dgan.training.afseg.networks import build_patch_segmenter

CLOSE_ENOUGH = 0.05  # of lambda
SCORED_AT_ONCE = 4


def train_prior(images, weak, options, seed):
    """Trains until the stop rule holds.

    Args:
        images: (N, H, W) in [0, 1].
        weak: (N, H, W) bool, the coarse labels.
        options: presets.afseg.Background.
        seed: of weights and patches.

    Returns:
        (keras model, history): history is a list of (step, area ratio); its last entry is where training stopped.
    """
    compat.seed_everything(seed)
    network = build_patch_segmenter(options.width, options.depth, options.learning_rate)
    batches = patch_batches({"image": images, "label": weak}, options.patch, options.batch_size,
                            [seed, streams.PRIOR_PATCHES], flips=True, halvings=options.depth)
    history = []
    with progress.bar(total=options.most_steps, description="segmentation prior", unit="step") as bar:
        step = 0
        while step < options.most_steps:
            end = min(step + options.check_every, options.most_steps)
            network.fit(step_dataset(batches, step, end), epochs=1, verbose=0)
            bar.update(end - step)
            step = end
            if step < options.first_check:
                continue
            history.append((step, area_ratio(scores_of(network.segmenter, images), weak)))
            if has_reached([ratio for _, ratio in history], options.area_multiple):
                break
    return network.segmenter, history


def scores_of(segmenter, images):
    """Scores of whole images, (N, H, W); their sides must suit the network."""
    batches = [np.asarray(segmenter(to_network(images[i:i + SCORED_AT_ONCE]), training=False))[..., 0]
               for i in range(0, len(images), SCORED_AT_ONCE)]
    return np.concatenate(batches)


def area_ratio(scores, weak):
    """Predicted area (above 0.5) over coarse area, both summed over the set."""
    return float((scores > 0.5).sum() / max(int(weak.sum()), 1))


def has_reached(ratios, area_multiple):
    """The stop rule: the newest ratio is near lambda, or lambda lies between the two newest.

    A fresh network may start with half of the image or with nothing, so either direction counts.
    """
    if abs(ratios[-1] - area_multiple) <= CLOSE_ENOUGH * area_multiple:
        return True
    return len(ratios) > 1 and (ratios[-2] - area_multiple) * (ratios[-1] - area_multiple) < 0


def foreground_mask(scores, weak, area_multiple, rate=None, min_area=0, dilation=0, spared=0.0):
    """The ``area_multiple`` times coarse area's worth of highest-scoring pixels, joined with the coarse label.

    Args:
        scores: (H, W).
        weak: (H, W) bool.
        rate: the coarse label's share of the image; its own by default, or the set's mean.
        min_area: pixels; smaller pieces are dropped.
        dilation: iterations of a 3x3 cross afterwards; left out where it would take what is spared.
        spared: share of the pixels outside the label that stay known, whatever ``area_multiple`` asks for (A21): of a
            dense image lambda times the coarse area may be all of it.

    Returns:
        (H, W) bool; at first exactly ceil(area_multiple * rate * H * W) pixels, or fewer by ``spared``.
    """
    rate = float(weak.mean()) if rate is None else rate
    # Rounded first: 2 * 0.07 * 100 is 14.000000000000002, and would ask for 15.
    asked = math.ceil(round(area_multiple * rate * weak.size, 6))
    most = weak.size - math.ceil(spared * int((~weak).sum()))  # pixels of the mask, the label included
    ranked = np.argsort(-scores, axis=None, kind="stable")
    mask = weak.ravel().copy()
    mask[ranked[:asked]] = True
    beyond = ranked[(mask & ~weak.ravel())[ranked]]  # outside the label, highest score first
    mask[beyond[max(most - int(weak.sum()), 0):]] = False
    mask = drop_small(mask.reshape(weak.shape), min_area) | weak
    wider = ndimage.binary_dilation(mask, iterations=dilation) if dilation else mask
    return wider if wider.sum() <= most else mask
