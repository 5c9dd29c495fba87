"""Checks a data set file by file: errors that stop a run, warnings that deserve a look, and facts.

Every file is read to its last byte. One bad file never hides another.
"""

__all__ = ["CaseReport", "DatasetReport", "verify"]

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from covid3dgan import progress
from covid3dgan.data import volumes
from covid3dgan.data.datasets.cases import Case, Dataset, case_id
from covid3dgan.data.datasets.layouts import LAYOUTS
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.data.files import geometry, images
from covid3dgan.errors import InputError, InputWarning, sentence

# Paper 002 leaves out CTs with fewer slices, and every network here takes 32 of them.
FEWEST_SLICES = 32
# The share of an infection mask that may lie outside the lung mask before one of them looks misplaced.
MOST_OUTSIDE_LUNGS = 0.5


@dataclass
class CaseReport:
    """What was found about one case: sentences, and facts by name."""

    id: str
    files: dict
    facts: dict = field(default_factory=dict)
    errors: list = field(default_factory=list)
    warnings: list = field(default_factory=list)


@dataclass
class DatasetReport:
    """The report of a whole data set; ``errors`` and ``warnings`` are those that belong to no case."""

    name: str
    layout: str
    root: str
    cases: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    warnings: list = field(default_factory=list)

    def count(self, level):
        """How many "errors" or "warnings" there are in all."""
        return len(getattr(self, level)) + sum(len(getattr(case, level)) for case in self.cases)


def verify(path, layout=None, strict=False):
    """Checks a data set, a single CT file or the folder of a DICOM series.

    Args:
        path: the folder or file.
        layout: a name in ``LAYOUTS``; found by itself if None.
        strict: report doubts as errors.

    Returns:
        A ``DatasetReport``.

    Raises:
        InputError: only where there is nothing to report on, since ``path`` does not exist or is no data set.
    """
    dataset = find_dataset(path, layout) or _single(Path(path), layout)
    report = DatasetReport(dataset.name, dataset.layout, str(dataset.root))
    for problem in dataset.problems:
        (report.errors if problem.level == "error" or strict else report.warnings).append(problem.text)
    for case in progress.bar(dataset.cases, description=f"verify {dataset.name}", unit="case"):
        report.cases.append(_check(case, strict))
    return report


def _single(path, layout):
    if path.is_dir() and (layout is not None or not any(child.is_file() for child in path.rglob("*"))):
        raise InputError(path, f"a data set ({layout or ', '.join(LAYOUTS)}; see docs/DATASETS.md)",
                         "another layout" if any(path.iterdir()) else "an empty folder",
                         "check the folder or arrange it as images/ and masks/")
    return Dataset(path.name, "single CT", path, (Case(case_id(path), path),))


def _check(case, strict):
    files = {role: str(getattr(case, role)) for role in ("image", "infection", "lungs", "classes", "prior")
             if getattr(case, role) is not None}
    report = CaseReport(case.id, files)
    report.facts.update({name: getattr(case, name) for name in ("group", "subset", "patient")
                         if getattr(case, name) is not None})
    (_check_picture if case.kind == "image" else _check_volume)(case, report, strict)
    return report


def _attempt(report, strict, path, read, **named):
    """The result of reading a file, or None; what it raises and warns goes into the report.

    The readers are never strict here, so that a doubt about a file does not keep its facts from the report.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = read(path, **named)
        except InputError as error:
            report.errors.append(str(error))
            result = None
        except Exception as error:  # what no reader foresaw must not hide the other files
            failure = f"one that fails with {type(error).__name__}: {error}"
            report.errors.append(sentence(path, "a readable file", failure, "report this with the file"))
            result = None
    for warning in caught:
        if issubclass(warning.category, InputWarning):
            (report.errors if strict else report.warnings).append(str(warning.message))
    return result


def _doubt(report, strict, *parts):
    (report.errors if strict else report.warnings).append(sentence(*parts))


def _check_volume(case, report, strict):
    ct = _attempt(report, strict, case.image, volumes.read, window=case.window)
    if ct is not None:
        slices = ct.shape[int(np.flatnonzero(geometry.orientation(ct.affine)[:, 0] == 2)[0])]
        report.facts.update(shape=ct.shape, spacing=tuple(round(s, 4) for s in ct.spacing), slices=slices,
                            orientation=ct.orientation, hu_low=float(ct.array.min()), hu_high=float(ct.array.max()))
        if slices < FEWEST_SLICES and case.kind == "volume":
            _doubt(report, strict, case.image, f"at least {FEWEST_SLICES} slices", f"{slices}",
                   "leave it out or expect a coarse result")
    lungs = _check_mask(case, report, strict, "lungs", ct)
    infection = _check_mask(case, report, strict, "infection", ct)
    if lungs is not None and infection is not None and lungs.shape == infection.shape and infection.any():
        inside = int((infection & lungs).sum())
        if lungs.any():
            report.facts["infection_percent_of_lungs"] = round(100 * inside / int(lungs.sum()), 4)
        if inside < (1 - MOST_OUTSIDE_LUNGS) * int(infection.sum()):
            _doubt(report, strict, case.infection, "an infection inside the lungs",
                   f"{100 - 100 * inside / int(infection.sum()):.0f} % of it outside",
                   "check that neither mask is flipped")


def _check_mask(case, report, strict, role, ct):
    """Reads and checks a mask; returns it as a uint8 array, or None."""
    path = getattr(case, role)
    if path is None:
        return None
    mask = _attempt(report, strict, path, volumes.read_labels)
    if mask is None:
        return None
    _note_labels(case, report, strict, role, path, mask.array)
    report.facts[f"{role}_voxels"] = int(np.count_nonzero(mask.array))
    if ct is not None and mask.shape != ct.shape:
        report.errors.append(sentence(path, f"the shape of its CT, {ct.shape}", f"{mask.shape}",
                                      "bring both to one grid"))
        return None
    if ct is not None and not geometry.same_grid(ct.shape, ct.affine, mask.shape, mask.affine):
        parts = (path, f"the grid of its CT, {geometry.describe_grid(ct.shape, ct.affine)}",
                 geometry.describe_grid(mask.shape, mask.affine))
        if case.trust_image_grid:
            _doubt(report, strict, *parts, "the CT's is used, as this data set's masks need")
        else:
            report.errors.append(sentence(*parts, "bring both to one grid"))
    return (mask.array > 0).astype(np.uint8)


def _check_picture(case, report, strict):
    picture = _attempt(report, strict, case.image, images.read)
    if picture is not None:
        report.facts["shape"] = picture.shape
    for role in ("infection", "lungs", "classes", "prior"):
        path = getattr(case, role)
        labels = None if path is None else _attempt(report, strict, path, images.read_labels)
        if labels is None:
            continue
        _note_labels(case, report, strict, role, path, labels)
        report.facts[f"{role}_pixels"] = int(np.count_nonzero(labels))
        if picture is not None and labels.shape != picture.shape:
            report.errors.append(sentence(path, f"the size of its image, {picture.shape}", f"{labels.shape}",
                                          "bring both to one size"))


def _note_labels(case, report, strict, role, path, labels):
    """Facts and doubts about the labels above 0: none, or several where one is expected."""
    values = np.unique(labels[labels != 0])
    report.facts[f"{role}_labels"] = [int(v) for v in values[:10]]
    if len(values) == 0 and not (role != "lungs" and case.healthy):
        _doubt(report, strict, path, f"a mask that marks the {role}", "an empty one",
               "check that it belongs to this case")
    # Left and right lung may have labels of their own; a class map has several by its nature.
    if len(values) > {"infection": 1, "prior": 1, "lungs": 2}.get(role, 255) and path != case.classes:
        _doubt(report, strict, path, "a mask of 0 and one other value",
               f"{len(values)} values ({', '.join(f'{v:g}' for v in values[:5])}{', ...' if len(values) > 5 else ''})",
               "every value above 0 counts as 1")
