"""What AF-SEG's networks train on: each image's coarse label and clean background (paper 003, sections 2.1, 2.2)."""

__all__ = ["Backgrounds", "coarse_labels", "make_backgrounds"]

import dataclasses

import numpy as np

from covid3dgan import progress, streams
from covid3dgan.data.classical import inpainting
from covid3dgan.data.classical.coarse import coarse_mask
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.training.afseg import deep_image_prior, segmentation_prior

OWN_TEXTURE = 0.3  # an image with a smaller share of known pixels takes its texture from the set's emptiest image


@dataclasses.dataclass(frozen=True)
class Backgrounds:
    """``holes`` (N, H, W) bool, what was masked out; ``images`` (N, H, W), inpainted; ``history`` of the prior."""

    holes: np.ndarray
    images: np.ndarray
    history: list


def coarse_labels(loaded, options):
    """The coarse masks of a data set, (N, H, W) bool; a useless one is an InputError that names its image.

    Args:
        loaded: data.datasets.image_sets.LoadedSet.
        options: presets.afseg.Coarse.
    """
    return np.stack([coarse_mask(image, options, name, field) for image, name, field in
                     zip(progress.bar(loaded.images, description="coarse masks", unit="image"), loaded.names,
                         loaded.fields)])


def make_backgrounds(images, weak, options, seed, names=None, learning=None):
    """Deep Segmentation Prior, then inpainting.

    Args:
        images: (N, H, W) in [0, 1].
        weak: (N, H, W) bool.
        options: presets.afseg.Background.
        names: of the images, for an error's sentence.
        learning: how many of the first images the prior learns from; the others are only masked and filled.
    """
    if not 0.0 <= options.spared < 1.0:
        raise ArgumentError("background.spared", "a share of at least 0 and below 1", f"{options.spared:g}",
                            "use for example 0.1")
    names = [f"image {number + 1}" for number in range(len(images))] if names is None else names
    prior, history = segmentation_prior.train_prior(images[:learning], weak[:learning], options, seed)
    rate = float(weak[:learning].mean()) if options.rate == "set" else None
    holes = np.stack([segmentation_prior.foreground_mask(scores, label, options.area_multiple, rate, options.min_area,
                                                         options.dilation, options.spared)
                      for scores, label in zip(segmentation_prior.scores_of(prior, images), weak)])
    _refuse_whole(holes, weak, names, options)
    donors = _donors(images, holes)
    filled = [_inpaint(images[number], holes[number], donors[number], options,
                       (seed, streams.INPAINTED_IMAGES, number), f"inpainting {number + 1}/{len(images)}")
              for number in progress.bar(range(len(images)), description="backgrounds")]
    return Backgrounds(holes, np.stack(filled), history)


def _refuse_whole(holes, weak, names, options):
    """Nothing can be drawn into an image of which nothing is known."""
    for hole, label, name in zip(holes, weak, names):
        if hole.all():
            raise InputError(f"clean background of {name}", "some pixels outside of its foreground",
                             f"a mask of foreground that covers all of it (the coarse mask covers {label.mean():.0%})",
                             f"raise background.spared (now {options.spared:g}) or lower background.area_multiple "
                             f"(now {options.area_multiple:g})")


def _donors(images, holes):
    """For each image another (image, hole) to copy texture from, or None where its own known part is large enough."""
    richest = int(np.argmin(holes.mean(axis=(1, 2))))
    return [None if 1.0 - hole.mean() >= OWN_TEXTURE or number == richest else (images[richest], holes[richest])
            for number, hole in enumerate(holes)]


def _inpaint(image, hole, donor, options, seed, description):
    if options.inpainting == "fast":
        return inpainting.fill(image, hole, seed, donor=donor)
    return deep_image_prior.inpaint(image, hole, options.dip_variant, options.dip_steps, options.paste, seed,
                                    description)
