"""What a data set is made of: cases, the problems found while pairing their files, and pairing by case id."""

__all__ = ["Case", "Dataset", "PairingProblem", "Pairing", "case_id", "stem"]

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

from covid3dgan.errors import InputError, sentence

VOLUME_SUFFIXES = (".nii.gz", ".nii")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")

# What files of one case add to its id: study_0255.nii.gz and study_0255_mask.nii.gz are one case.
_ROLE = re.compile(r"[-_](ct|im|img|image|mask|msk|seg|segmentation|label|labels|gt|infection|lesion|lung|lungs|"
                   r"lungmask|lung[-_]mask|infection[-_]mask)$", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """One CT (or one image) and the files that belong to it.

    ``kind`` says what ``image`` is: "volume" (a CT), "stack" (unrelated slices in one NIfTI file) or "image" (a
    2D picture). ``window`` is set where a data set stores an HU window as 0..1 or 0..255 instead of HU.
    ``trust_image_grid`` is set where a data set's masks are known to carry a wrong affine.
    """

    id: str
    image: Path
    infection: Optional[Path] = None  # 0: background, above 0: infected
    lungs: Optional[Path] = None
    classes: Optional[Path] = None    # several kinds of infection; which label is which depends on the data set
    prior: Optional[Path] = None      # a first guess at the infection that comes with the data set
    group: Optional[str] = None       # "healthy", "covid", or MosMedData's CT-0 .. CT-4
    subset: Optional[str] = None      # the part of the data set that it comes from
    patient: Optional[str] = None     # where several images are of one patient
    kind: str = "volume"
    window: Optional[tuple[float, float]] = None
    trust_image_grid: bool = False

    @property
    def healthy(self):
        """True or False, or None where the data set does not say."""
        return None if self.group is None else self.group in ("healthy", "CT-0")


@dataclass(frozen=True)
class PairingProblem:
    """A file that fits no case or fits two. ``level`` is "error" or "warning"."""

    level: str
    path: Path
    text: str


@dataclass(frozen=True)
class Dataset:
    """The cases of a data set, in the order of their ids, and what did not fit."""

    name: str
    layout: str
    root: Path
    cases: tuple[Case, ...]
    problems: tuple[PairingProblem, ...] = ()

    def __len__(self):
        return len(self.cases)

    def __iter__(self):
        return iter(self.cases)

    def case(self, identity):
        """The case of that id."""
        for case in self.cases:
            if case.id == identity:
                return case
        raise InputError(self.root, f"a case {identity!r}", f"{len(self)} other cases", "check the id")

    def select(self, healthy=None, annotated=None, subset=None):
        """Those cases that are (not) healthy, (not) annotated with an infection mask, or of one subset."""
        return tuple(case for case in self.cases
                     if (healthy is None or case.healthy is healthy)
                     and (annotated is None or (case.infection is not None) is annotated)
                     and (subset is None or case.subset == subset))


@dataclass
class Pairing:
    """Collects the files of a data set by case id and notes what does not pair."""

    cases: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)

    def add(self, case):
        """A new case; a second one of the same id is an error, and the first is kept."""
        if case.id in self.cases:
            self._note("error", case.image, f"one image for case {case.id!r}",
                       f"also {self.cases[case.id].image}", "remove or rename one")
        else:
            self.cases[case.id] = case

    def by_id(self, folder, suffixes=VOLUME_SUFFIXES, identify=None):
        """{case id: path} of the files in a folder; a doubled id is noted and its first file kept."""
        found = {}
        for path in data_files(folder, suffixes):
            identity = (identify or case_id)(path)
            if identity in found:
                self._note("error", path, f"one file for case {identity!r}", f"also {found[identity].name}",
                           "remove or rename one")
            else:
                found[identity] = path
        return found

    def attach(self, role, paths, required=True):
        """Gives each case its file of ``role`` (a field of ``Case``).

        Args:
            role: "infection", "lungs", "classes" or "prior".
            paths: {case id: path}; a path without a case is an error.
            required: whether a case without such a file deserves a warning.
        """
        for identity, path in paths.items():
            if identity in self.cases:
                self.cases[identity] = replace(self.cases[identity], **{role: path})
            else:
                self._note("error", path, "an image of the same case", f"none with the id {identity!r}",
                           "add the image or remove the mask")
        if required and paths:
            for identity, case in self.cases.items():
                if identity not in paths:
                    self._note("warning", case.image, f"a file with its {role}", f"none with the id {identity!r}",
                               "add it or leave the case out")

    def dataset(self, name, layout, root):
        """The finished data set."""
        ordered = sorted(self.cases.values(), key=lambda case: natural(case.id))
        return Dataset(name, layout, Path(root), tuple(ordered), tuple(self.problems))

    def _note(self, level, path, *parts):
        self.problems.append(PairingProblem(level, Path(path), sentence(path, *parts)))


def data_files(folder, suffixes):
    """The files of a folder with one of the suffixes, sorted; hidden files and macOS leftovers are none."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
                  and path.name.lower().endswith(suffixes))


def stem(path):
    """A file's name without .nii.gz, .png and the like."""
    name = Path(path).name
    for suffix in VOLUME_SUFFIXES + IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[:-len(suffix)]
    return name


def case_id(path):
    """The case that a file belongs to, from its name: study_0255_mask.nii.gz -> study_0255.

    >>> case_id("study_0255_mask.nii.gz"), case_id("7.png"), case_id("a/patient-3_lung_mask.nii")
    ('study_0255', '7', 'patient-3')
    """
    return _ROLE.sub("", stem(path))


def natural(text):
    """A sort key that puts '10' after '9'."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]

