"""Which images of a set train, validate and test: as it was published, or at random (50 / 20 / 30 % in paper 003)."""

__all__ = ["split", "split_of", "training_part", "with_truth"]

import dataclasses

import numpy as np

from covid3dgan import progress, streams
from covid3dgan.errors import ArgumentError, InputError


def split(count, shares, seed):
    """Indices of the training, validation and test images: a seeded random split (50 / 20 / 30 % in paper 003).

    Returns:
        Three sorted integer arrays; training and test are never empty.
    """
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1.0) > 1e-6:
        raise ArgumentError("images.split", "three shares that add up to 1", f"{tuple(shares)}",
                            "use for example 0.5,0.2,0.3")
    training, validation = round(shares[0] * count), round(shares[1] * count)
    if training < 1 or count - training - validation < 1:
        raise InputError("data set", "at least one image to train on and one to test on",
                         f"{count} images split {tuple(shares)}", "add images or change images.split")
    order = np.random.default_rng([seed, streams.IMAGE_SPLIT]).permutation(count)
    return tuple(np.sort(part) for part in np.split(order, [training, training + validation]))


def split_of(found, shares, seed):
    """Like :func:`split` for an ImageSet; where it was published in training and test, these are kept.

    The validation images are then the same share of the training part that they have of training and validation.
    """
    parts = np.array([case.part or "" for case in found.cases])
    if not {"training", "test"} <= set(parts):
        return split(len(parts), shares, seed)
    own = np.flatnonzero(parts == "training")
    kept = shares[0] / max(shares[0] + shares[1], 1e-9)
    training, _, validation = split(len(own), (kept, 0.0, 1.0 - kept), seed) if shares[1] else (
        np.arange(len(own)), None, np.arange(0))
    return own[training], own[validation], np.flatnonzero(parts == "test")


def training_part(found):
    """The set without a published test part, which no training may see."""
    kept = [case for case in found.cases if case.part != "test"]
    return dataclasses.replace(found, cases=kept or found.cases)


def with_truth(found):
    """The set as it can be scored: without a published test part that has no masks, which is said.

    An InputError names an image that lacks its mask elsewhere.
    """
    without = [case for case in found.cases if case.mask is None]
    if without and all(case.part == "test" for case in without) and training_part(found).cases != found.cases:
        progress.say(f"{len(without)} images under test/ have no 1st_manual: they are left out, and the split is of "
                     "training/")
        return dataclasses.replace(found, cases=[dataclasses.replace(case, part=None) for case in found.cases
                                                 if case.part != "test"])
    if without:
        raise InputError(without[0].image, "a true mask for every image",
                         f"none for this one and {len(without) - 1} more" if without[1:] else "none for this one",
                         "add it (docs/DATASETS.md, \"Images of cells and vessels\"), or use 'covid3dgan train afseg', "
                         "which needs none")
    return found
