"""Opening a data set by its folder, and reading its cases on one grid and in HU.

>>> data = open_dataset("data/MosMedData")                     # doctest: +SKIP
>>> len(data.select(healthy=True))                             # doctest: +SKIP
254
"""

__all__ = ["CaseVolumes", "find_dataset", "open_dataset", "read_case"]

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from covid3dgan.data import volumes
from covid3dgan.data.datasets.layouts import LAYOUTS
from covid3dgan.data.files import geometry
from covid3dgan.data.files.checks import warn_or_refuse
from covid3dgan.errors import ArgumentError, InputError, InputWarning, nearest_names

# Archives often unpack into a folder of their own, twice; a folder with more entries than this is not searched.
_SEARCH_DEPTH = 2
_SEARCH_BREADTH = 20


@dataclass(frozen=True)
class CaseVolumes:
    """A case as read: the CT in HU, and masks (uint8 0/1) on its grid or None."""

    ct: volumes.Volume
    infection: Optional[volumes.Volume]
    lungs: Optional[volumes.Volume]


def open_dataset(path, layout=None, strict=False):
    """Opens a data set; nothing but folder listings is read.

    Args:
        path: its folder, or one or two folders above it.
        layout: a name in ``LAYOUTS``; found by itself if None.
        strict: raise InputError where files do not pair, instead of warning.

    Returns:
        A ``Dataset`` with ``name``, ``layout``, ``root``, ``cases`` and ``problems``.
    """
    dataset = find_dataset(path, layout)
    if dataset is None:
        raise InputError(path, f"a data set ({', '.join(LAYOUTS)}; see docs/DATASETS.md)", "none of these layouts",
                         "check the folder or arrange it as images/ and masks/")
    if dataset.problems:
        more = f" ({len(dataset.problems) - 1} more of the kind: covid3dgan verify)" if dataset.problems[1:] else ""
        text = dataset.problems[0].text + more
        if strict:
            raise InputError(path, "files that pair by case id", text.rstrip("."), "run covid3dgan verify")
        warnings.warn(InputWarning(text), stacklevel=2)
    return dataset


def find_dataset(path, layout=None):
    """The data set in a folder or up to two levels below, problems and all; None where there is none."""
    if layout is not None and layout not in LAYOUTS:
        raise ArgumentError("layout", f"one of {', '.join(LAYOUTS)}", f"{layout!r}{nearest_names(layout, LAYOUTS)}",
                            "choose one of them")
    root = Path(path)
    try:
        if not root.exists():
            raise InputError(path, "a folder with a data set", "nothing at that path", "check its name")
        if not root.is_dir():
            return None
        folders = [root]
        for _ in range(_SEARCH_DEPTH + 1):
            found = [dataset for dataset in (_recognise(folder, layout) for folder in folders) if dataset is not None]
            if len(found) > 1:
                raise InputError(path, "one data set", f"{len(found)}: {', '.join(str(d.root) for d in found)}",
                                 "pass one of these folders")
            if found:
                return found[0]
            folders = [child for folder in folders for child in _children(folder)]
    except PermissionError as error:
        raise InputError(error.filename or path, "a folder that may be read", "no permission",
                         "change its access rights") from None
    return None


def read_case(case, strict=False):
    """Reads a case of kind "volume" and checks that its masks lie on the CT's grid.

    Args:
        case: a ``Case``. Where its data set stores an HU window (``case.window``), values are brought back to HU.
        strict: turn doubts into errors.

    Returns:
        ``CaseVolumes``.
    """
    ct = volumes.read(case.image, strict, window=case.window)
    return CaseVolumes(ct, *(path and _on_grid(case, ct, path, strict) for path in (case.infection, case.lungs)))


def _on_grid(case, ct, path, strict):
    mask = volumes.read_mask(path, strict)
    if mask.shape != ct.shape:
        raise InputError(path, f"the shape of its CT, {ct.shape}", f"{mask.shape}", "bring both to one grid")
    if not geometry.same_grid(ct.shape, ct.affine, mask.shape, mask.affine):
        parts = (path, f"the grid of its CT, {geometry.describe_grid(ct.shape, ct.affine)}",
                 geometry.describe_grid(mask.shape, mask.affine))
        if not case.trust_image_grid:
            raise InputError(*parts, "bring both to one grid")
        warn_or_refuse(*parts, "the CT's is used, as this data set's masks need", strict)
    return ct.like(mask.array)


def _recognise(folder, layout):
    for name, read in LAYOUTS.items():
        if layout in (None, name):
            dataset = read(folder)
            if dataset is not None and dataset.cases:
                return dataset
    return None


def _children(folder):
    children = [child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")]
    return sorted(children) if len(children) <= _SEARCH_BREADTH else []
