"""What ``predict`` is asked to work on: CTs (NIfTI, DICOM), slices, pictures; one, a folder or a zip file of them."""

__all__ = ["Input", "find_images", "find_inputs", "is_volume_file", "one_per_id"]

import dataclasses
import zipfile
from pathlib import Path
from typing import Any, Optional

from covid3dgan.data.datasets.cases import VOLUME_SUFFIXES, case_id, stem
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.data.files import images
from covid3dgan.data.files.zip_files import Archive
from covid3dgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class Input:
    """One CT, slice or picture to segment.

    Attributes:
        id: what its mask is called.
        path: its file, or the folder of a DICOM series.
        lungs: the user's lung mask, where there is one.
        window: HU of the lowest and highest value, where a data set says so.
        series: data.files.dicom_folder.Series, for DICOM.
        archive: data.files.zip_files.Archive that it came out of.
        problem: why it cannot be read, where that is known already.
    """

    id: str
    path: Path
    lungs: Optional[Path] = None
    window: Optional[tuple] = None
    series: Any = None
    archive: Optional[Archive] = None
    problem: Optional[InputError] = None

    @property
    def is_picture(self):
        """Whether it is an image file, such as PNG."""
        return self.series is None and self.path.suffix.lower() in images.SUFFIXES

    @property
    def files(self):
        """The files that it consists of; a folder's in the order of their names."""
        if self.series is not None:
            return self.series.files
        return (self.path,) if self.path.is_file() else tuple(sorted(p for p in self.path.iterdir() if p.is_file()))

    def named(self, text):
        """``text`` with the zip file's name in the place of the folder that it was unpacked into."""
        return str(text) if self.archive is None else self.archive.named(text)


def find_inputs(path, lungs=None):
    """The CTs and slices at ``path``, in the order of their ids.

    Args:
        path: a NIfTI, DICOM or image file, a zip file, a data set, or a folder of any of these; of a folder with DICOM
            files, and of its subfolders, each series is one CT.
        lungs: a lung mask (for one CT) or a folder of lung masks, paired by case id; they win over a data set's own.

    Raises:
        InputError: nothing there; two CTs of one id; a lung mask that fits no CT.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(path, "a CT or a folder of CTs", "nothing at that path", "check its name")
    try:
        found = _in_file(path) if path.is_file() else _in_folder(path)
    except PermissionError as error:
        raise InputError(error.filename or path, "files that may be read", "no permission",
                         "change their access rights") from None
    if not found:
        raise InputError(path, "CTs (NIfTI, DICOM series or slices)", "none in it", "check its name")
    one_per_id(found, path)
    return _with_lungs(found, Path(lungs)) if lungs is not None else found


def find_images(path):
    """The image at ``path``, or the images in that folder but for masks that an earlier call wrote there."""
    path = Path(path)
    if not path.is_dir():
        return [Input(path.stem, path)]
    found = _pictures(path)
    if not found:
        raise InputError(path, f"images ({', '.join(images.SUFFIXES)})", "none", "name another folder")
    return one_per_id(found, path)


def _pictures(folder):
    return [Input(p.stem, p) for p in sorted(folder.iterdir())
            if p.suffix.lower() in images.SUFFIXES and not p.name.startswith(".") and not _is_result(p)]


def _is_result(path):
    """Whether the picture is a mask, or what an earlier call wrote beside one and its record."""
    name, _, what = path.stem.rpartition("_")
    return what == "mask" or what in ("probability", "overlay") and path.with_name(f"{name}_mask.json").is_file()


def is_volume_file(path):
    """Whether ``path`` is the name of one mask, not of a folder for masks."""
    return Path(path).name.lower().endswith(VOLUME_SUFFIXES)


def one_per_id(found, path):
    """``found``, or InputError where two of the inputs from ``path`` would write the same mask."""
    ids = [item.id for item in found if item.problem is None]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise InputError(path, "one input per id", f"several called {', '.join(twice)}", "rename or separate them")
    return found


def _in_file(path):
    if zipfile.is_zipfile(path) and path.suffix.lower() not in images.SUFFIXES:
        archive = Archive(path)
        found = _in_folder(archive.folder)
        if len(found) == 1 and found[0].series is not None:  # a folder inside says less than the zip file's name
            found = [dataclasses.replace(found[0], id=path.stem)]
        return [dataclasses.replace(item, archive=archive) for item in found]
    if path.suffix.lower() in images.SUFFIXES:
        return [Input(path.stem, path)]
    if is_volume_file(path):
        return [Input(stem(path), path)]
    # pydicom is loaded only where it is needed.
    from covid3dgan.data.files.dicom_slices import is_dicom

    return _dicom(path) if is_dicom(path) else [Input(stem(path), path)]


def _in_folder(folder):
    dataset = find_dataset(folder)
    if dataset is not None:
        kind = "volume" if any(case.kind == "volume" for case in dataset) else "image"
        return [Input(case.id, case.image, case.lungs, case.window) for case in dataset if case.kind == kind]
    volumes = sorted(p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(VOLUME_SUFFIXES)
                     and not p.name.startswith("."))
    return [Input(stem(p), p) for p in volumes] or _pictures(folder) or _dicom(folder)


def _dicom(path):
    from covid3dgan.data.files.dicom_folder import list_series

    series, problems = list_series(path)
    return ([Input(item.name, item.path, series=item) for item in series]
            + [Input(Path(problem.subject).name, Path(problem.subject), problem=problem) for problem in problems])


def _with_lungs(found, lungs):
    if not lungs.exists():
        raise InputError(lungs, "a lung mask or a folder of lung masks", "nothing at that path", "check its name")
    if lungs.is_file():
        if len(found) > 1:
            raise InputError(lungs, f"a folder of lung masks for {len(found)} CTs", "one file", "pass the folder")
        return [dataclasses.replace(found[0], lungs=lungs)]
    masks = {case_id(p): p for p in sorted(lungs.iterdir()) if p.name.lower().endswith(VOLUME_SUFFIXES)}
    missing = [item.id for item in found
               if item.problem is None and item.id not in masks and case_id(item.path) not in masks]
    if missing:
        raise InputError(lungs, f"a lung mask for {missing[0]}", f"masks of {', '.join(list(masks)[:3]) or 'no case'}",
                         "name the masks like the CTs, or leave --lungs out")
    return [item if item.problem else
            dataclasses.replace(item, lungs=masks.get(item.id) or masks[case_id(item.path)]) for item in found]
