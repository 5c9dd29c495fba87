"""Folders of 2D images with masks, found by their layout, and loaded as squares of one size.

===========  ====================================================================================================
layout       files
===========  ====================================================================================================
``drive``    ``training/images/21_training.tif``, ``training/1st_manual/21_manual1.gif``, ``training/mask/21_...gif``,
             and the same under ``test/``; or one of the two folders
``chase``    ``Image_01L.jpg``, ``Image_01L_1stHO.png`` (CHASE_DB1; the first observer is the truth)
``plain``    ``images/NAME.png``, ``masks/NAME.png``
``rbc``      ``NAME.png``, ``NAME_mask.png`` side by side
``images``   images alone: enough to train AF-SEG, not to evaluate it
===========  ====================================================================================================
"""

__all__ = ["ImageCase", "ImageSet", "LoadedSet", "RETINAS", "find", "load", "prepare",
           "split"]

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np
from scipy import ndimage

from covid3dgan import progress, streams
from covid3dgan.data.classical import contrast
from covid3dgan.data.files import images
from covid3dgan.errors import ArgumentError, InputError

RETINAS = ("drive", "chase")
DARK_SURROUND = 0.06  # green values of a retina photograph outside its disc
RIM = 4  # pixels of the disc's edge that are blurred with the surround


@dataclasses.dataclass(frozen=True)
class ImageCase:
    """The files of one image; ``mask`` and ``field`` (where there is image at all) may be missing."""

    name: str
    image: Path
    mask: Optional[Path] = None
    field: Optional[Path] = None


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """``layout`` as in the table above; ``cases`` sorted by name."""

    layout: str
    cases: list

    def files(self):
        """Every file of the set, for a run's record."""
        return [path for case in self.cases for path in (case.image, case.mask, case.field) if path is not None]


@dataclasses.dataclass(frozen=True)
class LoadedSet:
    """``names``; ``images`` (N, S, S) float32 in [0, 1]; ``masks`` (N, S, S) bool or None; ``fields`` (N, S, S)."""

    names: list
    images: np.ndarray
    masks: Optional[np.ndarray]
    fields: np.ndarray


def find(folder):
    """The images of a folder by the first layout that fits."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "a folder of images", "no such folder", "check the path")
    for layout, finder in (("drive", _drive), ("chase", _chase), ("plain", _plain), ("rbc", _rbc)):
        cases = finder(folder)
        if cases:
            return ImageSet(layout, sorted(cases, key=lambda case: case.name))
    alone = [ImageCase(path.stem, path) for path in _pictures(folder)]
    if not alone:
        raise InputError(folder, f"images ({', '.join(images.SUFFIXES)}) in a known layout", "none",
                         "see docs/DATASETS.md for the layouts")
    return ImageSet("images", alone)


def _pictures(folder):
    found = [p for p in folder.iterdir() if p.suffix.lower() in images.SUFFIXES] if folder.is_dir() else []
    return sorted(p for p in found if not p.name.startswith("."))


def _drive(folder):
    parts = [part for part in (folder / "training", folder / "test", folder) if (part / "1st_manual").is_dir()]
    cases = []
    for part in parts:
        masks, fields = ({path.name.split("_")[0]: path for path in _pictures(part / name)}
                         for name in ("1st_manual", "mask"))
        for path in _pictures(part / "images"):
            number = path.name.split("_")[0]
            cases.append(ImageCase(path.stem, path, masks.get(number), fields.get(number)))
    return cases


def _chase(folder):
    return [ImageCase(mask.name[:-len("_1stHO.png")], image, mask) for mask in sorted(folder.glob("*_1stHO.png"))
            for image in [mask.with_name(mask.name[:-len("_1stHO.png")] + ".jpg")] if image.is_file()]


def _plain(folder):
    masks = {path.stem: path for path in _pictures(folder / "masks")}
    return [ImageCase(path.stem, path, masks.get(path.stem)) for path in _pictures(folder / "images")]


def _rbc(folder):
    pictures = _pictures(folder)
    masks = {path.stem[:-len("_mask")]: path for path in pictures if path.stem.endswith("_mask")}
    return [ImageCase(path.stem, path, masks.get(path.stem)) for path in pictures
            if masks and not path.stem.endswith("_mask")]


def load(found, options):
    """All images of a set, prepared as a preset says: grey, cut to a square, resized, contrast evened.

    Args:
        found: ImageSet.
        options: presets.afseg.Images; retinas are best read with the channel "green".

    Returns:
        LoadedSet; ``masks`` is None unless every image has one.
    """
    shape = (options.size, options.size)
    loaded, masks, fields = [], [], []
    for case in progress.bar(found.cases, description="images", unit="image"):
        image = images.read(case.image, options.channel)
        field = _field(case, image, found.layout)
        if case.mask is not None:
            masks.append(images.resize(images.centre_square(images.read_mask(case.mask, image.shape)), shape))
        # Outside a retina's disc the nearest retina goes on: its black surround would look like an edge.
        nearest = ndimage.distance_transform_edt(~field, return_distances=False, return_indices=True)
        image = images.resize(images.centre_square(image[tuple(nearest)]), shape)
        loaded.append(prepare(image, options))
        fields.append(images.resize(images.centre_square(field), shape))
    every_mask = np.stack(masks) if len(masks) == len(loaded) else None
    return LoadedSet([case.name for case in found.cases], np.stack(loaded), every_mask, np.stack(fields))


def prepare(image, options):
    """The contrast preparation of a preset, on an image of the working size."""
    return contrast.prepare_angiogram(image, options.median, options.clahe_tiles, options.clahe_clip)


def _field(case, image, layout):
    """Where the image holds retina, less its blurred rim; everywhere for other images."""
    if layout not in RETINAS:
        return np.ones(image.shape, bool)
    if case.field is not None:
        field = images.read_mask(case.field, image.shape)
    else:
        field = ndimage.binary_fill_holes(ndimage.binary_opening(image > DARK_SURROUND, iterations=2))
    field = ndimage.binary_erosion(field, iterations=RIM)
    return field if field.any() else np.ones(image.shape, bool)


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
