"""Where the slices of paper 004's system come from: folders of real data sets, or phantoms; kept in one file."""

__all__ = ["is_phantom", "keep_slices", "load_slices", "open_slices", "slice_files"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan.data.datasets import opening
from covid3dgan.data.datasets.slices import SliceSet, join, read_slices
from covid3dgan.data.phantoms.medseg import phantom_slices
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path


def open_slices(data, options, seed, labels=True):
    """(labelled or None, unlabelled or None) SliceSets.

    Args:
        data: folders, each a data set or with data sets in its sub-folders; None makes phantoms. Data sets with
            ground glass and consolidation labelled (MedSeg, COVID-SemiSeg) give labelled slices, others none.
        options: presets.ssinfnet.Slices.
        seed: of the phantoms.
        labels: whether labelled slices are needed; without, every data set gives unlabelled ones.
    """
    if data is None:
        return phantom_slices(options, seed)
    found = [dataset for folder in data for dataset in _in_folder(folder)]
    labelled = [dataset for dataset in found if labels and any(case.classes is not None for case in dataset)]
    if labels and not labelled:
        raise InputError(", ".join(map(str, data)), "a data set with ground glass and consolidation labelled", "none",
                         "add MedSeg or COVID-SemiSeg with its masks, or make one of phantoms: covid3dgan phantom "
                         "--cohort medseg-like")
    parts = ([read_slices(dataset, options, kind) for dataset in found if (dataset in labelled) is kind]
             for kind in (True, False))
    return tuple(join(part) if part else None for part in parts)


def is_phantom(data):
    """Whether any of the slices are of phantoms."""
    return data is None or any((folder / "cohort.json").is_file()
                               for path in data for folder in (Path(path), *_sub_folders(path)))


def slice_files(data):
    """The image and label files of data set folders, for a run's record."""
    cases = [case for folder in data for dataset in _in_folder(folder) for case in dataset]
    return [path for case in cases for path in (case.image, case.classes) if path is not None and path.is_file()]


def _in_folder(folder):
    inside = [dataset for dataset in map(opening.find_dataset, _sub_folders(folder)) if dataset is not None]
    return inside or [opening.open_dataset(folder)]


def _sub_folders(folder):
    return sorted(child for child in Path(folder).glob("*") if child.is_dir())


def keep_slices(path, labelled, unlabelled):
    """Writes both SliceSets to one ``.npz``; returns how many slices they hold."""
    parts = {"labelled": labelled, "unlabelled": unlabelled}
    content = {f"{kind}_{field.name}": getattr(part, field.name) for kind, part in parts.items() if part is not None
               for field in dataclasses.fields(part) if getattr(part, field.name) is not None}
    with atomic_path(path) as temporary:
        np.savez(temporary, **content)
    return {kind: 0 if part is None else len(part) for kind, part in parts.items()}


def load_slices(path):
    """(labelled or None, unlabelled or None) SliceSets that ``keep_slices`` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        return tuple(_part(kept, kind) for kind in ("labelled", "unlabelled"))


def _part(kept, kind):
    if f"{kind}_images" not in kept.files:
        return None
    return SliceSet(*(kept[f"{kind}_{field.name}"] if f"{kind}_{field.name}" in kept.files else None
                      for field in dataclasses.fields(SliceSet)))
