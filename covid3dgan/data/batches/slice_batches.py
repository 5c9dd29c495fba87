"""Batches of slices for the three trainings of paper 004; each is a pure function of (seed, step)."""

__all__ = ["CHANNEL_MEAN", "CHANNEL_STD", "inpainting_batches", "inpainting_check", "inpainting_pair", "multi_batches",
           "normalised", "one_hot", "single_batches"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.pipelines import Indices
from covid3dgan.data.classical.edges import canny
from covid3dgan.data.files.images import resize

# ImageNet's channels, which Inf-Net normalises with, and Potsdam's aerial images (BGR, 0..255), which the coach's
# source and so paper 004's code use.
CHANNEL_MEAN, CHANNEL_STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
POTSDAM_MEAN, POTSDAM_STD = np.float32([85.55, 92.67, 86.81]), np.float32([32.89, 31.73, 31.54])
CELL, CROP_SHARE = 16, 0.8


def normalised(grey):
    """(..., H, W) in [0, 1] as three channels normalised with ImageNet's constants: (..., H, W, 3)."""
    return (grey[..., None] - CHANNEL_MEAN) / CHANNEL_STD


def inpainting_pair(grey, scaling):
    """(network input, target in [-1, 1]) of grey images in [0, 1], each (..., H, W, 3).

    Args:
        scaling: "imagenet" is the scale of the later training; "potsdam" is the published one, whose input is not
            scaled (about -90..170) and whose target saturates beyond three standard deviations.
    """
    if scaling == "imagenet":
        return normalised(grey), np.repeat(2.0 * grey[..., None] - 1.0, 3, -1)
    centred = 255.0 * grey[..., None] - POTSDAM_MEAN
    return centred, np.clip(centred / (3 * POTSDAM_STD), -1.0, 1.0)


def one_hot(labels):
    """(..., H, W) labels as (..., H, W, 3) targets."""
    return (labels[..., None] == np.arange(3)).astype(np.float32)


def _indices(count, options, seed, shuffle=True):
    """step -> numbers of the slices; in file order without ``shuffle``."""
    if shuffle:
        return Indices(count, options.batch_size, seed, "epochs").at
    return lambda step: (step * options.batch_size + np.arange(options.batch_size)) % count


def inpainting_batches(images, priors, options, plan, latent, seed):
    """A function step -> batch for the coach-guided inpainting.

    Args:
        images: (N, S, S) float32 in [0, 1].
        priors: (N, S, S) of the same, or None for Inf-Net, which sees the image alone.
        options: presets.ssinfnet.Inpainting.
        plan: step -> training.ssinfnet.inpainting_plan.Moment.
        latent: channels of the coach's noise.

    The batch: ``image`` and ``target`` (B, c, c, 3 or 6), ``edge`` (B, c, c, 3) for Inf-Net where its edge head
    paints edges, ``noise`` and ``random_scores`` for the mask, and the plan's scalars.
    """
    at = _indices(len(images), options, [seed, streams.INPAINTING_ORDER])
    side, cells = options.crop, options.crop // CELL

    def batch_at(step):
        rng = np.random.default_rng([seed, streams.INPAINTING_STEP, step])
        numbers = at(step)
        cuts = [_random_cut(rng, images.shape[1], side) for _ in numbers]
        image = np.stack([_cut(images[i], cut, side) for i, cut in zip(numbers, cuts)])
        inputs, targets = inpainting_pair(image, options.scaling)
        batch = {}
        if priors is not None:
            if not options.aligned_prior:
                cuts = [_random_cut(rng, images.shape[1], side) for _ in numbers]
            prior = np.stack([_cut(priors[i], cut, side) for i, cut in zip(numbers, cuts)])
            prior_pair = _prior_pair(prior, options.scaling)
            inputs, targets = (np.concatenate(pair, -1) for pair in zip((inputs, targets), prior_pair))
        elif options.edge_target == "edge":
            edges = np.stack([_picture_edges(picture) for picture in image])
            batch["edge"] = np.repeat(2.0 * edges[..., None] - 1.0, 3, -1).astype(np.float32)
        batch.update(
            image=inputs.astype(np.float32), target=targets.astype(np.float32),
            noise=rng.normal(size=(len(numbers), cells, cells, latent)).astype(np.float32),
            random_scores=rng.uniform(size=(len(numbers), cells, cells, 1)).astype(np.float32))
        return {**batch, **_turn(plan(step))}

    return batch_at


def _turn(moment):
    """The plan's scalars as a part of the batch, so that one traced step serves every phase."""
    return {"coach_turn": np.array(moment.who == "coach"), "fresh": np.array(moment.fresh),
            "random_mask": np.array(moment.random_mask), "learning_rate": np.array(moment.rate, np.float32)}


def inpainting_check(images, options, seed, number, priors=None):
    """A fixed batch for measuring the painting error; its ``random_mask`` says which masks, and may be replaced."""
    return inpainting_batches(images, priors, options, lambda step: _Rest(), options.coach_latent, seed)(number)


class _Rest:
    """A moment in which nobody learns."""

    who, rate, fresh, random_mask = "network", 0.0, False, False


def _prior_pair(prior, scaling):
    """The published code neither centres nor scales the prior, and paints it as it is."""
    if scaling == "imagenet":
        return inpainting_pair(prior, scaling)
    raw = np.repeat(prior[..., None], 3, -1)
    return raw, raw


def _picture_edges(picture):
    """Edges of a grey picture: what the paper's words 'the image and the edge' ask of the edge head (I04)."""
    return canny(picture)


def _random_cut(rng, size, side):
    """Where a crop starts, whether it is mirrored, and how often it is turned by 90 degrees."""
    return (*rng.integers(0, max(1, size - side + 1), 2), rng.random() < 0.5, int(rng.integers(0, 4)))


def _cut(image, cut, side):
    top, left, mirrored, turns = cut
    if min(image.shape) < side:
        image, top, left = resize(image, (side, side)), 0, 0
    part = image[top:top + side, left:left + side]
    return np.rot90(part[:, ::-1] if mirrored else part, turns)


def single_batches(slices, options, rates, seed):
    """A function step -> ``image`` (B, S, S, 3), ``mask`` and ``edge`` (B, S, S, 1), ``learning_rate``.

    Args:
        slices: a labelled data.datasets.slices.SliceSet.
        options: presets.ssinfnet.Single.
        rates: step -> learning rate.
    """
    at = _indices(len(slices), options, [seed, streams.SINGLE_ORDER])
    masks = slices.infection

    def batch_at(step):
        numbers = at(step)
        image, mask = slices.images[numbers], masks[numbers]
        if options.augment:
            image, mask, _ = _augmented(image, mask, np.random.default_rng([seed, streams.SINGLE_STEP, step]))
        edge = np.stack([canny(m) for m in mask]).astype(np.float32)
        return {"image": normalised(image).astype(np.float32), "mask": mask[..., None], "edge": edge[..., None],
                "learning_rate": np.array(rates(step), np.float32)}

    return batch_at


def multi_batches(slices, priors, options, seed):
    """A function step -> ``image`` (B, S, S, 6, or 3 without priors) and ``target`` (B, S, S, 3).

    Args:
        slices: a labelled data.datasets.slices.SliceSet.
        priors: (N, S, S) in [0, 1], or None for the U-Net that sees the image alone.
        options: presets.ssinfnet.Multi.
    """
    at = _indices(len(slices), options, [seed, streams.MULTI_ORDER], options.shuffle)

    def batch_at(step):
        numbers = at(step)
        image, labels = slices.images[numbers], slices.labels[numbers]
        prior = None if priors is None else priors[numbers]
        if options.augment:
            rng = np.random.default_rng([seed, streams.MULTI_STEP, step])
            image, labels, prior = _augmented(image, labels, rng, prior)
        inputs = normalised(image) if prior is None else np.concatenate([normalised(image), normalised(prior)], -1)
        return {"image": inputs.astype(np.float32), "target": one_hot(labels)}

    return batch_at


def _augmented(images, labels, rng, priors=None):
    """Random square crops of 0.8 of the side, both mirrors, and a grey rectangle on the image; each with p = 0.5.

    The published code leaves the edge map as it was and swaps the rectangle's rows and columns; here edges are drawn
    after this, on the changed mask.
    """
    size = images.shape[1]
    images, labels = images.copy(), labels.copy()
    priors = None if priors is None else priors.copy()
    stacks = [stack for stack in (images, labels, priors) if stack is not None]
    for index in range(len(images)):
        crop, across, upside, erase = rng.random(4) < 0.5
        side = int(CROP_SHARE * size)
        top, left = rng.integers(0, size - side + 1, 2)
        for stack in stacks:
            if crop:
                stack[index] = _zoomed(stack[index, top:top + side, left:left + side], size, stack is images)
            if across:
                stack[index] = stack[index, :, ::-1].copy()
            if upside:
                stack[index] = stack[index, ::-1].copy()
        if erase:
            height, width = (rng.uniform(0, 0.5, 2) * size).astype(int)
            row, column = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
            images[index, row:row + height, column:column + width] = rng.random()
    return images, labels, priors


def _zoomed(part, size, smooth):
    """A square part at ``size``: bilinear for pictures, nearest for labels and priors."""
    if smooth:
        return resize(part, (size, size))
    numbers = (np.arange(size) + 0.5) * len(part) / size
    return part[np.ix_(numbers.astype(int), numbers.astype(int))]
