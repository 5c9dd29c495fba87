"""DICOM series folders: slices sorted by where they lie in the patient, with a RAS+ affine.

File names and instance numbers are not trusted; only positions and orientations are (DICOM PS3.3 C.7.6.2).
"""

__all__ = ["files_in", "read_series", "read_slices", "series_key", "sorted_slices", "what_is_missing"]

import os
from pathlib import Path

import numpy as np

from covid3dgan.data.files.checks import check_memory, warn_or_refuse
from covid3dgan.data.files.dicom_slices import read_headers, read_hounsfield
from covid3dgan.errors import InputError

# DICOM's patient axes run to the left, posterior and head; NIfTI's to the right, anterior and head.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# A step that is longer than this many times the shortest one means that slices are missing.
_GAP = 1.5
# Steps that differ by more than this share of their mean are uneven enough to say so.
_UNEVEN = 0.1
# Two slices closer than this, in mm, are at one position.
_SAME_POSITION = 1e-3


def read_series(folder, strict=False):
    """Reads the largest CT series in a folder and its subfolders.

    Args:
        folder: the folder; or a multi-frame file.
        strict: raise instead of warning where several series are found, steps are uneven or the modality is not CT.

    Returns:
        (array, affine): HU, float32 (X, Y, Z) = (columns, rows, slices), and 4x4 voxel -> RAS+ mm.

    Raises:
        InputError: where no complete series of at least two slices can be read.
    """
    images = [item for path in files_in(folder) for item in read_headers(path)]
    if not images:
        raise InputError(folder, "a folder with DICOM images", "none", "pass the folder that holds the series")
    return read_slices(folder, _largest_series(folder, images, strict), strict)


def read_slices(subject, slices, strict=False, least=2):
    """The volume that the slices of one series make, as from ``read_series``.

    Args:
        subject: the file or folder that messages name.
        slices: dicom_slices.Slice of each, in any order.
        least: how many there must be; with 1 a single slice is a volume as thick as its header says.
    """
    slices = sorted_slices(subject, slices, strict, least)
    affine = _affine(subject, slices)
    shape = (slices[0].columns, slices[0].rows, len(slices))
    for item in slices:
        size = item.path.stat().st_size
        if size < item.promised:
            raise InputError(item.path, f"{item.promised} bytes of pixels, as its header promises",
                             f"a file of {size} bytes (truncated)", "copy the slice again")
    check_memory(subject, 8 * int(np.prod(shape, dtype=object)))
    array = np.empty(shape, np.float32, order="F")
    with np.errstate(over="ignore"):  # beyond float32 is Inf, which the check of values reports
        for z, pixels in enumerate(read_hounsfield(slices)):
            array[:, :, z] = pixels.T
    return array, affine


def sorted_slices(subject, slices, strict=False, least=2):
    """The slices of one series in the order of the volume's third axis; refuses doubled and missing ones."""
    _check_kind(subject, slices[0], strict)
    if any(item.lossy for item in slices):
        warn_or_refuse(subject, "pixels without loss", "lossy compression, which changes HU and fine detail",
                       "export the series without it", strict)
    return _sorted(subject, slices, strict, least)


def files_in(folder):
    """All files in a folder and its subfolders, by their paths."""
    def closed(error):  # a subfolder without permission
        raise error

    if Path(folder).is_file():
        return [Path(folder)]
    return sorted(Path(parent) / name for parent, _, names in os.walk(folder, onerror=closed) for name in names)


def _largest_series(folder, images, strict):
    """Most images of one series, size, orientation and spacing; a scout view in the same series falls out."""
    placed = [item for item in images if not what_is_missing(item)]
    if not placed:
        raise InputError(folder, "DICOM slices with position, orientation and spacing",
                         f"{len(images)} without (no {', '.join(what_is_missing(images[0]))})",
                         "export the series again")
    if len(placed) < len(images):
        warn_or_refuse(folder, "a position in every slice", f"{len(images) - len(placed)} without, left out",
                       "remove them or export the series again", strict)
    groups = {}
    for item in placed:
        groups.setdefault(series_key(item), []).append(item)
    best = min(groups, key=lambda key: (-len(groups[key]), key))
    if len(groups) > 1:
        others = ", ".join(f"{key[0]} ({len(group)})" for key, group in sorted(groups.items()) if key != best)
        warn_or_refuse(folder, "one DICOM series",
                       f"{len(groups)}; used the largest, {best[0]} ({len(groups[best])} slices), "
                       f"and left out {others}", "pass the folder of the series that you mean", strict)
    return groups[best]


def series_key(item):
    """What the slices of one volume share; the series' UID comes first."""
    return (item.series, item.rows, item.columns, *np.round([*item.orientation, *item.spacing], 3))


def what_is_missing(item):
    """The elements that place a slice in the patient and that it lacks."""
    names = {"position": "ImagePositionPatient", "orientation": "ImageOrientationPatient", "spacing": "PixelSpacing"}
    return [name for field, name in names.items() if getattr(item, field) is None]


def _check_kind(folder, item, strict):
    if item.modality == "SEG":
        raise InputError(folder, "a CT series", "a segmentation (SEG)", "pass the CT that it was made for")
    if item.frames > 1 and item.frame is None:
        raise InputError(folder, "one slice per DICOM file", f"a file of {item.frames} frames ({item.path.name})",
                         "convert it to NIfTI first")
    if item.samples != 1:
        raise InputError(folder, "one grey value per pixel", "colour images", "pass the CT itself")
    if item.modality != "CT":
        warn_or_refuse(folder, "a CT series", f"the modality {item.modality}", "check the folder", strict)


def _sorted(folder, slices, strict, least):
    if len(slices) < least:
        raise InputError(folder, f"a series of at least {least} slices", "a single 2D image", "pass the whole series")
    if len(slices) == 1:
        return slices
    row, column = slices[0].orientation.reshape(2, 3)
    along = np.array([item.position for item in slices]) @ np.cross(row, column)
    order = np.argsort(along, kind="stable")
    slices, along = [slices[i] for i in order], along[order]
    steps = np.diff(along)
    if steps.min() < _SAME_POSITION:
        first = int(np.argmin(steps))
        names = " and ".join(item.path.name for item in slices[first:first + 2])
        raise InputError(folder, "one slice at each position", f"two at {along[first]:g} mm ({names})",
                         "remove the copy or the other acquisition")
    gaps = np.flatnonzero(steps > _GAP * steps.min())
    if len(gaps):
        lost = int(np.rint(steps[gaps] / steps.min() - 1).sum())
        raise InputError(folder, f"a slice every {steps.min():g} mm",
                         f"{lost} missing, the first after {along[gaps[0]]:g} mm", "copy the whole series again")
    if np.ptp(steps) > _UNEVEN * steps.mean():
        warn_or_refuse(folder, "evenly spaced slices", f"steps from {steps.min():g} to {steps.max():g} mm",
                       "check the series; the mean step is used", strict)
    return slices


def _affine(folder, slices):
    """Voxel (column, row, slice) -> RAS+ mm; a tilted gantry gives a sheared affine, as it should."""
    first = slices[0]
    between_rows, between_columns = first.spacing
    if not (between_rows > 0 and between_columns > 0):
        raise InputError(folder, "a positive spacing along each axis", f"{between_rows:g} x {between_columns:g} mm",
                         "export the series again")
    positions = np.array([item.position for item in slices])
    row, column = first.orientation.reshape(2, 3)
    step = ((positions[-1] - positions[0]) / (len(positions) - 1) if len(positions) > 1
            else first.thickness * np.cross(row, column))
    straight = positions[0] + np.arange(len(positions))[:, None] * step
    aside = np.linalg.norm(positions - straight, axis=1).max()
    if aside > 0.5 * np.linalg.norm(step):
        raise InputError(folder, "slices along one straight line", f"one that lies {aside:.3g} mm aside",
                         "export the series again")
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns
    affine[:3, 1] = column * between_rows
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return _LPS_TO_RAS @ affine
