"""Every CT series in a folder of DICOM files, whoever's they are; what is none is named.

Hospitals hand out folders that hold scout views, dose reports, segmentations and reconstructions of several patients.
Each CT series becomes a ``Series``; a study that has none is a problem, since a mask would be missing without a word.
"""

__all__ = ["Series", "list_series"]

import re
from dataclasses import dataclass
from pathlib import Path

from covid3dgan import progress
from covid3dgan.data.files import dicom
from covid3dgan.data.files.checks import warn_or_refuse
from covid3dgan.data.files.dicom_slices import Slice, read_headers
from covid3dgan.errors import InputError

_MODALITIES = {"SEG": "a segmentation (SEG)", "MR": "an MR", "PT": "a PET", "RTSTRUCT": "contours (RTSTRUCT)",
               "US": "an ultrasound", "CR": "an X-ray", "DX": "an X-ray", "SC": "a screenshot", "OT": "a screenshot"}


@dataclass(frozen=True)
class Series:
    """The slices of one CT series, of one size, orientation and spacing.

    Attributes:
        name: for files: from the folder's name, the patient's ID and the series' number, as far as they are needed.
        path: the file of a single slice or of all frames, else the folder that holds all slices.
        slices: dicom_slices.Slice of each.
    """

    name: str
    path: Path
    slices: tuple[Slice, ...]

    @property
    def files(self):
        """The files of the series, each once."""
        return tuple(dict.fromkeys(item.path for item in self.slices))

    def read(self, strict=False):
        """(array, affine) as from ``dicom.read_series``."""
        return dicom.read_slices(self.path, self.slices, strict, least=1)

    def facts(self):
        """What identifies the series, for a record."""
        first = self.slices[0]
        return {"series_uid": first.series, "series_number": first.number, "series_description": first.description,
                "slices": len(self.slices)}


def list_series(root):
    """The CT series in a folder, its subfolders, or a single file.

    Returns:
        (list of Series, in the order of their names; list of InputError, one for each damaged file, and one for each
        patient's study that has other images but no CT). Other images beside a CT are warned about.
    """
    root = Path(root)
    images, problems = _headers(root)
    spoilt = {Path(problem.subject).parent for problem in problems}
    studies = {}
    for item in images:
        studies.setdefault((item.patient, item.study or str(item.path.parent)), []).append(item)
    groups, others = [], []
    for items in studies.values():
        series, other = _split(items)
        groups += series
        (others if series else problems).extend(other if series else [_none(root, items, other)])
    # A series beside a damaged file may lack just that slice, which nothing else would show.
    whole = [group for group in groups if not spoilt & {item.path.parent for item in group}]
    if others:
        names = ", ".join(sorted({_what(items) for items in others}))
        warn_or_refuse(root, "CT series alone", f"other images beside them, left out: {names}",
                       "pass the folder of a series to silence this")
    return _named(root, whole), problems


def _headers(root):
    images, problems = [], []
    for path in progress.bar(dicom.files_in(root), description="read headers", unit="file"):
        try:
            images += read_headers(path)
        except InputError as error:
            problems.append(error)
    return images, problems


def _split(items):
    """(CT series, other groups) of one study, each a list of slices."""
    groups = {}
    for item in items:
        usable = not _unusable(item)
        groups.setdefault((usable, dicom.series_key(item) if usable else (item.series, item.kind[2:3])),
                          []).append(item)
    series = [group for (usable, _), group in groups.items() if usable]
    other = [group for (usable, _), group in groups.items() if not usable]
    if any(len(group) > 1 for group in series):  # single slices beside whole series are scout views or key images
        other += [group for group in series if len(group) == 1]
        series = [group for group in series if len(group) > 1]
    return series, other


def _unusable(item):
    """What keeps a slice from being one of a CT, in words; or nothing."""
    if item.modality != "CT":
        return _MODALITIES.get(item.modality, f"images of modality {item.modality}")
    if "LOCALIZER" in item.kind:
        return "a scout view"
    if item.samples != 1:
        return "colour images"
    if item.frames > 1 and item.frame is None:
        return f"{item.frames} frames without places"
    missing = dicom.what_is_missing(item)
    return f"images without {', '.join(missing)}" if missing else ""


def _what(items):
    return f"{_unusable(items[0]) or 'a single slice'} of {len(items)} image{'s' * (len(items) > 1)}"


def _none(root, items, other):
    folder = _common_folder(root, items)
    return InputError(folder, "a CT series", " and ".join(_what(group) for group in other), "pass the CT itself")


def _common_folder(root, items):
    """The deepest folder that holds all slices; the file itself where they are one file's."""
    paths = {item.path for item in items}
    if len(paths) == 1:
        return paths.pop()
    folders = [path.parent for path in paths]
    common = folders[0]
    while any(common not in (folder, *folder.parents) for folder in folders):
        common = common.parent
    return common if root in (common, *common.parents) else root


def _named(root, groups):
    """A Series of each group with a name that no other has."""
    folders = [_common_folder(root, group) for group in groups]
    names = [_folder_name(root, folder) for folder in folders]
    for extra in (lambda first: first.patient, lambda first: first.number and f"s{first.number}"):
        twice = {name for name in names if names.count(name) > 1}
        names = [f"{name}_{_plain(extra(group[0]))}" if name in twice and extra(group[0]) else name
                 for name, group in zip(names, groups)]
    for name in {name for name in names if names.count(name) > 1}:  # nothing in the headers tells them apart
        places = [i for i, other in enumerate(names) if other == name]
        for count, place in enumerate(sorted(places, key=lambda i: groups[i][0].series), 1):
            names[place] = f"{name}_{count}"
    return sorted((Series(*parts) for parts in zip(names, folders, map(tuple, groups))), key=lambda item: item.name)


def _folder_name(root, path):
    """The root's own name for what lies in it; for what lies deeper the folders below it."""
    if path.is_file():
        path = path if path == root else path.with_suffix("")
    if path == root:
        return _plain(path.stem if path.is_file() else path.resolve().name)
    return _plain("_".join(path.relative_to(root).parts))


def _plain(text):
    """``text`` as a part of a file name."""
    return re.sub(r"[^\w.-]+", "_", str(text)).strip("._") or "ct"
