"""What ``predict`` is asked to work on: CTs (NIfTI files, DICOM series) and pictures, one or a folder of them."""

__all__ = ["Input", "find_cts_or_pictures", "find_images", "find_inputs", "is_volume_file", "one_per_id"]

import dataclasses
from pathlib import Path
from typing import Optional

from covid3dgan.data.datasets.cases import VOLUME_SUFFIXES, case_id, stem
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.data.files import images
from covid3dgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class Input:
    """One CT to segment: its id, file or DICOM folder, the user's lung mask where there is one, and its HU window."""

    id: str
    path: Path
    lungs: Optional[Path] = None
    window: Optional[tuple] = None


def find_inputs(path, lungs=None):
    """The CTs at ``path``, in the order of their ids.

    Args:
        path: a NIfTI file, a folder that is a DICOM series, a data set, or a folder of NIfTI files or of series.
        lungs: a lung mask (for one CT) or a folder of lung masks, paired by case id; they win over a data set's own.

    Raises:
        InputError: nothing there; two CTs of one id; a lung mask that fits no CT.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(path, "a CT or a folder of CTs", "nothing at that path", "check its name")
    found = [Input(stem(path), path)] if path.is_file() else _in_folder(path)
    if not found:
        raise InputError(path, "CTs (.nii, .nii.gz or DICOM series)", "none in that folder", "check its name")
    one_per_id(found, path)
    return _with_lungs(found, Path(lungs)) if lungs is not None else found


def find_cts_or_pictures(path):
    """The CTs or the pictures at ``path``, in the order of their ids.

    Args:
        path: a CT, a picture, a DICOM series, a data set, or a folder of CTs, of series or of pictures.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() in images.SUFFIXES:
        return [Input(path.stem, path)]
    if path.is_dir():
        dataset = find_dataset(path)
        pictures = ([Input(case.id, case.image) for case in dataset if case.kind == "image"] if dataset is not None
                    else [Input(p.stem, p) for p in sorted(path.iterdir()) if p.suffix.lower() in images.SUFFIXES])
        if pictures:
            return one_per_id(pictures, path)
    return find_inputs(path)


def find_images(path):
    """The image at ``path``, or the images in that folder but for masks that an earlier call wrote there."""
    path = Path(path)
    if not path.is_dir():
        return [Input(path.stem, path)]
    found = [Input(p.stem, p) for p in sorted(path.iterdir())
             if p.suffix.lower() in images.SUFFIXES and not _is_result(p)]
    if not found:
        raise InputError(path, f"images ({', '.join(images.SUFFIXES)})", "none", "name another folder")
    return one_per_id(found, path)


def _is_result(path):
    """Whether the picture is a mask, or what an earlier call wrote beside one and its record."""
    name, _, what = path.stem.rpartition("_")
    return what == "mask" or what in ("probability", "overlay") and path.with_name(f"{name}_mask.json").is_file()


def is_volume_file(path):
    """Whether ``path`` is the name of one mask, not of a folder for masks."""
    return Path(path).name.lower().endswith(VOLUME_SUFFIXES)


def one_per_id(found, path):
    """``found``, or InputError where two of the inputs from ``path`` would write the same mask."""
    ids = [item.id for item in found]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise InputError(path, "one input per id", f"several called {', '.join(twice)}", "rename or separate them")
    return found


def _in_folder(folder):
    dataset = find_dataset(folder)
    if dataset is not None:
        return [Input(case.id, case.image, case.lungs, case.window) for case in dataset if case.kind == "volume"]
    volumes = sorted(p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(VOLUME_SUFFIXES)
                     and not p.name.startswith("."))
    if volumes:
        return [Input(stem(p), p) for p in volumes]
    if any(p.is_file() and not p.name.startswith(".") for p in folder.iterdir()):
        return [Input(folder.resolve().name, folder)]  # reading says what is wrong if it is no DICOM series
    return [Input(child.name, child) for child in sorted(folder.iterdir()) if child.is_dir()]


def _with_lungs(found, lungs):
    if not lungs.exists():
        raise InputError(lungs, "a lung mask or a folder of lung masks", "nothing at that path", "check its name")
    if lungs.is_file():
        if len(found) > 1:
            raise InputError(lungs, f"a folder of lung masks for {len(found)} CTs", "one file", "pass the folder")
        return [dataclasses.replace(found[0], lungs=lungs)]
    masks = {case_id(p): p for p in sorted(lungs.iterdir()) if p.name.lower().endswith(VOLUME_SUFFIXES)}
    missing = [item.id for item in found if item.id not in masks and case_id(item.path) not in masks]
    if missing:
        raise InputError(lungs, f"a lung mask for {missing[0]}", f"masks of {', '.join(list(masks)[:3]) or 'no case'}",
                         "name the masks like the CTs, or leave --lungs out")
    return [dataclasses.replace(item, lungs=masks.get(item.id) or masks[case_id(item.path)]) for item in found]
