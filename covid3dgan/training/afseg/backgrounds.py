"""What AF-SEG's networks train on: each image's coarse label and clean background (paper 003, sections 2.1, 2.2)."""

__all__ = ["Backgrounds", "coarse_labels", "make_backgrounds"]

import dataclasses

import numpy as np

from covid3dgan import progress, streams
from covid3dgan.data.classical import inpainting
from covid3dgan.data.classical.coarse import coarse_mask
from covid3dgan.training.afseg import deep_image_prior, segmentation_prior


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


def make_backgrounds(images, weak, options, seed):
    """Deep Segmentation Prior, then inpainting, on the training images.

    Args:
        images: (N, H, W) in [0, 1].
        weak: (N, H, W) bool.
        options: presets.afseg.Background.
    """
    prior, history = segmentation_prior.train_prior(images, weak, options, seed)
    rate = float(weak.mean()) if options.rate == "set" else None
    holes = np.stack([segmentation_prior.foreground_mask(scores, label, options.area_multiple, rate, options.min_area,
                                                         options.dilation)
                      for scores, label in zip(segmentation_prior.scores_of(prior, images), weak)])
    filled = [_inpaint(image, hole, options, (seed, streams.INPAINTED_IMAGES, number),
                       f"inpainting {number + 1}/{len(images)}")
              for number, (image, hole) in enumerate(zip(progress.bar(images, description="backgrounds"), holes))]
    return Backgrounds(holes, np.stack(filled), history)


def _inpaint(image, hole, options, seed, description):
    if options.inpainting == "fast":
        return inpainting.fill(image, hole, seed)
    return deep_image_prior.inpaint(image, hole, options.dip_variant, options.dip_steps, options.paste, seed,
                                    description)
