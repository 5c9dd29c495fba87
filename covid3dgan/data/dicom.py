"""DICOM series folders: slices sorted by where they lie in the patient, rescaled to HU, with a RAS+ affine.

File names and instance numbers are not trusted; only positions and orientations are (DICOM PS3.3 C.7.6.2).
"""

__all__ = ["read_series"]

import os
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from covid3dgan.data.checks import check_memory, doubt
from covid3dgan.errors import InputError

# DICOM's patient axes run to the left, posterior and head; NIfTI's to the right, anterior and head.
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
# Files of these suffixes may lack the 128-byte preamble; other files without it are not DICOM.
_BARE_SUFFIXES = (".dcm", ".ima", "")
# A step that is longer than this many times the shortest one means that slices are missing.
_GAP = 1.5
# Steps that differ by more than this share of their mean are uneven enough to say so.
_UNEVEN = 0.1
_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
# What places a slice in the patient, and how many numbers each takes.
_PLACE = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
_DICOMDIR = "1.2.840.10008.1.3.10"


def read_series(folder, strict=False):
    """Reads the largest CT series in a folder and its subfolders.

    Args:
        folder: the folder.
        strict: raise instead of warning where several series are found, steps are uneven or the modality is not CT.

    Returns:
        (array, affine): HU, float32 (X, Y, Z) = (columns, rows, slices), and 4x4 voxel -> RAS+ mm.

    Raises:
        InputError: where no complete series of at least two slices can be read.
    """
    slices = _largest_series(folder, _headers(folder), strict)
    first = slices[0]
    if "NumberOfFrames" in first and int(first.NumberOfFrames) > 1:
        raise InputError(folder, "one slice per DICOM file", f"a file of {first.NumberOfFrames} frames "
                         f"({Path(first.filename).name})", "convert it to NIfTI first")
    if int(first.get("SamplesPerPixel", 1)) != 1:
        raise InputError(folder, "one grey value per pixel", "colour images", "pass the CT itself")
    if first.get("Modality", "CT") != "CT":
        doubt(folder, "a CT series", f"the modality {first.Modality}", "check the folder", strict)
    slices, affine = _arrange(folder, slices, strict)
    shape = (int(first.Columns), int(first.Rows), len(slices))
    for header in slices:
        _check_size(header)
    check_memory(folder, 8 * int(np.prod(shape, dtype=object)))
    array = np.empty(shape, np.float32, order="F")
    for z, header in enumerate(slices):
        array[:, :, z] = _hounsfield(header).T
    return array, affine


def _headers(folder):
    """The headers of all images in a folder, in the order of their paths, without their pixels."""
    headers = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom comments on values that do not matter here
        for path in _files(folder):
            header = _header(path)
            if header is not None and {"Rows", "Columns", "SeriesInstanceUID"} <= set(header.dir()):
                headers.append(header)
    if not headers:
        raise InputError(folder, "a folder with DICOM images", "none", "pass the folder that holds the series")
    return headers


def _files(folder):
    """All files of a folder and its subfolders in the order of their paths; a closed subfolder is an error."""
    def closed(error):
        raise error
    return sorted(Path(parent) / name for parent, _, names in os.walk(folder, onerror=closed) for name in names)


def _header(path):
    """A file's header; None where it is not DICOM or holds a DICOMDIR."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
            return None
        if "SOPClassUID" not in header:
            raise InputError(path, "a readable DICOM file", "a truncated one", "copy it again")
        return header
    except InvalidDicomError:
        if path.suffix.lower() not in _BARE_SUFFIXES:
            return None
    except (InputError, PermissionError):
        raise
    except Exception as error:  # a damaged file can fail in pydicom in any way
        raise InputError(path, "a readable DICOM file", f"a damaged one ({error})", "copy it again") from None
    try:
        return pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception:  # not DICOM at all: forced parsing of arbitrary bytes can fail in any way
        return None


def _largest_series(folder, headers, strict):
    """The images of one series, size and orientation that are most; a scout view in the same series falls out."""
    groups = {}
    for header in headers:
        missing = [name for name, count in _PLACE.items() if _numbers(header, name, count) is None]
        if missing:
            orientation = ("no " + ", ".join(missing),)
        else:
            orientation = tuple(np.round(_numbers(header, "ImageOrientationPatient", 6), 3) + 0.0)
        key = (str(header.SeriesInstanceUID), int(header.Rows), int(header.Columns), orientation)
        groups.setdefault(key, []).append(header)
    usable = {key: group for key, group in groups.items() if len(key[3]) == 6}
    if not usable:
        raise InputError(folder, "DICOM slices with position, orientation and spacing",
                         f"{len(headers)} without ({next(iter(groups))[3][0]})", "export the series again")
    best = min(usable, key=lambda key: (-len(usable[key]), key))
    if len(usable) > 1:
        others = ", ".join(f"{key[0]} ({len(group)})" for key, group in sorted(usable.items()) if key != best)
        doubt(folder, "one DICOM series", f"{len(usable)}; used the largest, {best[0]} ({len(usable[best])} slices), "
              f"and left out {others}", "pass the folder of the series that you mean", strict)
    return usable[best]


def _arrange(folder, slices, strict):
    """Slices sorted along their normal and their affine; refuses doubled and missing slices."""
    if len(slices) < 2:
        raise InputError(folder, "a series of at least 2 slices", "a single 2D image", "pass the whole series")
    row, column = _numbers(slices[0], "ImageOrientationPatient", 6).reshape(2, 3)
    normal = np.cross(row, column)
    positions = np.array([_numbers(header, "ImagePositionPatient", 3) for header in slices])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    slices, positions, along = [slices[i] for i in order], positions[order], along[order]
    steps = np.diff(along)
    if steps.min() < 1e-3:
        twice = int(np.argmin(steps))
        names = " and ".join(Path(header.filename).name for header in slices[twice:twice + 2])
        raise InputError(folder, "one slice at each position", f"two at {along[twice]:g} mm ({names})",
                         "remove the copy or the other acquisition")
    gaps = np.flatnonzero(steps > _GAP * steps.min())
    if len(gaps):
        lost = int(np.rint(steps[gaps] / steps.min() - 1).sum())
        raise InputError(folder, f"a slice every {steps.min():g} mm",
                         f"{lost} missing, the first after {along[gaps[0]]:g} mm", "copy the whole series again")
    if np.ptp(steps) > _UNEVEN * steps.mean():
        doubt(folder, "evenly spaced slices", f"steps from {steps.min():g} to {steps.max():g} mm",
              "check the series; the mean step is used", strict)
    return slices, _affine(folder, slices[0], positions, row, column)


def _affine(folder, header, positions, row, column):
    """Voxel (column, row, slice) -> RAS+ mm; a tilted gantry gives a sheared affine, as it should."""
    between_rows, between_columns = _numbers(header, "PixelSpacing", 2)
    if not (between_rows > 0 and between_columns > 0):
        raise InputError(folder, "a positive spacing along each axis", f"{between_rows:g} x {between_columns:g} mm",
                         "export the series again")
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    straight = positions[0] + np.arange(len(positions))[:, None] * step
    aside = np.sqrt(((positions - straight) ** 2).sum(axis=1)).max()
    if aside > 0.5 * np.sqrt((step ** 2).sum()):
        raise InputError(folder, "slices along one straight line", f"one that lies {aside:.3g} mm aside",
                         "export the series again")
    affine = np.eye(4)
    affine[:3, 0] = row * between_columns
    affine[:3, 1] = column * between_rows
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return _LPS_TO_RAS @ affine


def _numbers(header, name, count):
    """``count`` finite numbers of an element as an array; None where it holds anything else."""
    try:
        values = np.array([float(v) for v in header.get(name)])
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None


def _check_size(header):
    """Refuses an uncompressed slice whose file is smaller than the pixels that its header promises."""
    if header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) not in _UNCOMPRESSED:
        return
    promised = int(header.Rows) * int(header.Columns) * int(header.get("BitsAllocated", 16)) // 8
    size = Path(header.filename).stat().st_size
    if size < promised:
        raise InputError(header.filename, f"{promised} bytes of pixels, as its header promises",
                         f"a file of {size} bytes (truncated)", "copy the slice again")


def _hounsfield(header):
    """One slice (rows, columns) in HU."""
    path = Path(header.filename)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pydicom.dcmread(path, force=True)
            stored = image.pixel_array
    except (NotImplementedError, RuntimeError) as error:  # no decoder for this compression
        raise InputError(path, "uncompressed pixels or an installed decoder", f"neither ({error})",
                         "install pylibjpeg with pylibjpeg-libjpeg and pylibjpeg-openjpeg, or decompress the series") \
            from None
    except (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise
        raise InputError(path, "whole pixel data", f"truncated or damaged data ({error})",
                         "copy the slice again") from None
    return stored.astype(np.float64) * float(image.get("RescaleSlope", 1)) + float(image.get("RescaleIntercept", 0))
