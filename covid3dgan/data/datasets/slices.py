"""Axial slices with labels and the patients they come from; the parts that they are split into.

Paper 004 works on 2D slices. A slice is (rows, columns) with anterior up and the patient's right on the left, values
in [0, 1] across the preset's HU window; labels are 0 none, 1 ground glass, 2 consolidation.
"""

__all__ = ["CLASSES", "INFECTION", "SliceSet", "axial", "from_axial", "from_volume", "join", "read_slices",
           "split_slices"]

import dataclasses
import warnings
from typing import Optional

import numpy as np
from PIL import Image

from covid3dgan import progress, streams
from covid3dgan.data import volumes
from covid3dgan.data.datasets import opening
from covid3dgan.data.files import images
from covid3dgan.data.files.geometry import axial, from_axial
from covid3dgan.errors import InputError, InputWarning

CLASSES = ("background", "GGO", "consolidation")
INFECTION = ("infection",)  # one class, where there is no network for its kinds
SEMISEG_GREY = (19, 39)  # COVID-SemiSeg stores ground glass as grey 38 and consolidation as 75: the code's cuts


@dataclasses.dataclass(frozen=True)
class SliceSet:
    """Slices of one size.

    Attributes:
        images: (N, S, S) float32 in [0, 1].
        labels: (N, S, S) uint8, or None where nobody labelled them.
        patients, names: one string per slice.
    """

    images: np.ndarray
    labels: Optional[np.ndarray]
    patients: np.ndarray
    names: np.ndarray

    def __len__(self):
        return len(self.images)

    def take(self, indices):
        """The slices of those numbers."""
        labels = None if self.labels is None else self.labels[indices]
        return SliceSet(self.images[indices], labels, self.patients[indices], self.names[indices])

    @property
    def infection(self):
        """(N, S, S) float32, 1 where there is any infection."""
        return (self.labels > 0).astype(np.float32)


def from_volume(ct, classes, patient, size, window, per_case=None):
    """The slices of one CT.

    Args:
        ct: a Volume in HU.
        classes: a Volume of labels on its grid, or None.
        patient: the patient's name.
        size: side of the slices.
        window: HU shown as 0 and 1.
        per_case: how many, evenly spaced; None takes every one.
    """
    pictures = axial(ct.canonical().array)
    low, high = window
    pictures = np.clip((pictures - low) / (high - low), 0.0, 1.0)
    labels = None if classes is None else axial(classes.canonical().array)
    return _slices(pictures, labels, [patient] * len(pictures), patient, size, per_case)


def _slices(pictures, labels, patients, name, size, per_case=None):
    chosen = range(len(pictures))
    if per_case is not None and per_case < len(pictures):
        # The middle of equal parts: neither the neck nor the abdomen is drawn first.
        chosen = [int((i + 0.5) * len(pictures) / per_case) for i in range(per_case)]
    return SliceSet(
        np.stack([images.resize(np.asarray(pictures[i], np.float32), (size, size)) for i in chosen]),
        None if labels is None else np.stack([_resized_labels(labels[i], size) for i in chosen]),
        np.array([patients[i] for i in chosen]), np.array([f"{name}_{i:03d}" for i in chosen]))


def _resized_labels(labels, size):
    """Nearest neighbour; MedSeg's label 3, pleural effusion, is no infection of the lung and becomes background."""
    labels = np.where(labels > 2, 0, labels).astype(np.uint8)
    return np.asarray(Image.fromarray(labels).resize((size, size), Image.NEAREST))


def read_slices(dataset, options, labelled):
    """The slices of a data set on disk.

    Args:
        dataset: from ``datasets.open_dataset``: CTs, stacks of single slices, or pictures.
        options: presets.ssinfnet.Slices.
        labelled: True takes the cases with a label map of two kinds of infection and fails where there is none;
            False takes every case and reads no labels.
    """
    cases = [case for case in dataset if not labelled or case.classes is not None]
    if not cases:
        raise InputError(dataset.root, "cases with ground glass and consolidation labelled" if labelled else "cases",
                         f"none in this {dataset.name} folder", "pass MedSeg or COVID-SemiSeg with its masks")
    read = {"volume": _read_volume, "stack": _read_stack, "image": _read_picture}
    return join([read[case.kind](case, options, labelled)
                 for case in progress.bar(cases, description=dataset.name, unit="case")])


def _read_volume(case, options, labelled):
    ct = opening.read_case(case).ct
    classes = volumes.read_labels(case.classes) if labelled else None
    if classes is not None and classes.shape != ct.shape:
        raise InputError(case.classes, f"the shape of its CT, {ct.shape}", f"{classes.shape}", "bring both to one grid")
    return from_volume(ct, classes, case.patient or case.id, options.size, options.window, options.per_case)


def _read_stack(case, options, labelled):
    """Single slices of different patients in one file: who is whose is not recorded, so each counts as a patient."""
    low, high = options.window
    pictures = np.moveaxis(volumes.read(case.image).array, 2, 0)
    labels = np.moveaxis(volumes.read_labels(case.classes).array, 2, 0) if labelled else None
    patients = [f"{case.id}_{i:03d}" for i in range(len(pictures))]
    scaled = np.clip((pictures - low) / (high - low), 0.0, 1.0)
    return _slices(scaled, labels, patients, case.id, options.size)


def _read_picture(case, options, labelled):
    picture = images.read(case.image)
    labels = None
    if labelled:
        grey = np.asarray(Image.open(case.classes).convert("L"))
        if grey.shape != picture.shape:
            raise InputError(case.classes, f"the size of its image, {picture.shape}", f"{grey.shape}", "pair them anew")
        # Masks of 0, 1, 2 are labels already; COVID-SemiSeg's are greys.
        labels = np.digitize(grey, SEMISEG_GREY) if grey.max() > 3 else grey
        labels = labels[None]
    return _slices(picture[None], labels, [case.patient or case.id], case.id, options.size)


def join(sets):
    """Several SliceSets as one."""
    labels = None if sets[0].labels is None else np.concatenate([s.labels for s in sets])
    return SliceSet(np.concatenate([s.images for s in sets]), labels, np.concatenate([s.patients for s in sets]),
                    np.concatenate([s.names for s in sets]))


def split_slices(slices, options, seed):
    """(train, validation, test) SliceSets.

    Args:
        options: presets.ssinfnet.Slices. Its ``split`` is "patient", or "image" as in the paper (I19), which puts
            neighbouring slices of one patient into different parts, and warns. A test share of 0
            leaves that part empty.
    """
    units = slices.patients if options.split == "patient" else slices.names
    names = np.unique(units)
    order = np.random.default_rng([seed, streams.SLICE_SPLIT]).permutation(len(names))
    counts = [max(1, round(options.validation_share * len(names))),
              max(1, round(options.test_share * len(names))) if options.test_share else 0]
    if sum(counts) >= len(names):
        raise InputError("slices", f"at least {sum(counts) + 1} {options.split}s for three parts", f"{len(names)}",
                         "add cases or lower the shares")
    parts = np.split(names[order], [counts[0], sum(counts)])
    validation, test, train = (slices.take(np.flatnonzero(np.isin(units, part))) for part in parts)
    shared = set(test.patients) & (set(train.patients) | set(validation.patients))
    if shared:
        warnings.warn(InputWarning(f"split by image: {len(shared)} of {len(set(test.patients))} test patients are also "
                                   "trained on, so every score is too good; use slices.split=patient"), stacklevel=2)
    return train, validation, test
