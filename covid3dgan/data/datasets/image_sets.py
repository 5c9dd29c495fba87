"""Folders of 2D images with masks, found by their layout, and loaded as squares of one size.

===========  ====================================================================================================
layout       files
===========  ====================================================================================================
``drive``    ``training/images/21_training.tif``, ``training/1st_manual/21_manual1.gif``, ``training/mask/21_...gif``,
             and the same under ``test/``, with or without ``1st_manual``: the published split; or one of the two
``chase``    ``Image_01L.jpg``, ``Image_01L_1stHO.png`` (CHASE_DB1; the first observer is the truth)
``plain``    ``images/NAME.png``, ``masks/NAME.png``
``rbc``      ``NAME.png``, ``NAME_mask.png`` side by side
``images``   images alone: enough to train AF-SEG, not to evaluate it
===========  ====================================================================================================
"""

__all__ = ["ImageCase", "ImageSet", "LoadedSet", "RETINAS", "cases_of", "find", "load", "prepare"]

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np
from scipy import ndimage

from covid3dgan import progress
from covid3dgan.data.classical import contrast
from covid3dgan.data.datasets.field_of_view import DARK_SURROUND, field_of_view, without_rim, without_surround
from covid3dgan.data.files import images
from covid3dgan.errors import InputError

RETINAS = ("drive", "chase")


@dataclasses.dataclass(frozen=True)
class ImageCase:
    """The files of one image; ``mask`` and ``field`` (where there is image at all) may be missing.

    ``part`` is "training" or "test" where the data set was published in these two parts.
    """

    name: str
    image: Path
    mask: Optional[Path] = None
    field: Optional[Path] = None
    part: Optional[str] = None


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
    """The images of a folder by the first layout that fits; of a folder with one such folder in it, that one's."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "a folder of images", "no such folder", "check the path")
    found = _recognised(folder)
    if found is None:  # an archive often unpacks into a folder of its own
        within = [child for child in sorted(folder.iterdir()) if child.is_dir() and _recognised(child) is not None]
        if len(within) > 1:
            raise InputError(folder, "one set of images", f"{len(within)}: {', '.join(p.name for p in within)}",
                             "name one of these folders")
        found = _recognised(within[0]) if within else None
    if found is None:
        raise InputError(folder, f"images ({', '.join(images.SUFFIXES)}) in a known layout", "none",
                         "see docs/DATASETS.md, \"Images of cells and vessels\", for the layouts")
    return found


def _recognised(folder):
    for layout in _finders():
        cases = cases_of(folder, layout)
        if cases:
            return ImageSet(layout, cases)
    return None


def _finders():
    return {"drive": _drive, "chase": _chase, "plain": _plain, "rbc": _rbc, "images": _alone}


def cases_of(folder, layout):
    """The ImageCases of a folder under one layout, by name; none where it is another."""
    return sorted(_finders()[layout](folder), key=lambda case: case.name)


def _alone(folder):
    return [ImageCase(path.stem, path) for path in _pictures(folder)]


def _pictures(folder):
    found = [p for p in folder.iterdir() if p.suffix.lower() in images.SUFFIXES] if folder.is_dir() else []
    return sorted(p for p in found if not p.name.startswith("."))


def _drive(folder):
    parts = [part for part in (folder / "training", folder / "test", folder) if (part / "images").is_dir()
             and ((part / "1st_manual").is_dir() or (part / "mask").is_dir())]
    cases = []
    for part in parts:
        masks, fields = ({path.name.split("_")[0]: path for path in _pictures(part / name)}
                         for name in ("1st_manual", "mask"))
        for path in _pictures(part / "images"):
            number = path.name.split("_")[0]
            cases.append(ImageCase(path.stem, path, masks.get(number), fields.get(number),
                                   None if part == folder else part.name))
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
        image = images.resize(images.centre_square(without_surround(image, field)), shape)
        loaded.append(prepare(image, options))
        fields.append(images.resize(images.centre_square(field), shape))
    every_mask = np.stack(masks) if len(masks) == len(loaded) else None
    return LoadedSet([case.name for case in found.cases], np.stack(loaded), every_mask, np.stack(fields))


def prepare(image, options):
    """The contrast preparation of a preset, on an image of the working size."""
    return contrast.prepare_angiogram(image, options.median, options.clahe_tiles, options.clahe_clip)


def _field(case, image, layout):
    """The field of view by its file, or as the image shows it."""
    if case.field is not None:
        return without_rim(images.read_mask(case.field, image.shape))
    if layout not in RETINAS:
        return field_of_view(image)
    return without_rim(ndimage.binary_fill_holes(ndimage.binary_opening(image > DARK_SURROUND, iterations=2)))
