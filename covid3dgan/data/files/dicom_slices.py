"""One DICOM slice: the header facts that place it in the patient, and its pixels in HU.

Every value that a damaged or odd file can get wrong is read here, once, so that nothing else touches pydicom.
"""

__all__ = ["Slice", "read_header", "read_hounsfield"]

import contextlib
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from covid3dgan.errors import InputError

# Files of these suffixes may lack the 128-byte preamble; other files without it are not DICOM.
_BARE_SUFFIXES = (".dcm", ".ima", "")
_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_DICOMDIR = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class Slice:
    """What a slice's header says; None for what it leaves out."""

    path: Path
    series: str
    rows: int
    columns: int
    position: Optional[np.ndarray]     # (3,) mm, left-posterior-head: the centre of the first pixel
    orientation: Optional[np.ndarray]  # (6,) directions along a row and along a column
    spacing: Optional[np.ndarray]      # (2,) mm between rows and between columns
    modality: str
    frames: int
    samples: int                       # values per pixel: 1 is grey
    slope: float
    intercept: float
    promised: int                      # bytes of pixels, 0 where compression leaves that open


def read_header(path):
    """The header of one file.

    Returns:
        A ``Slice``, or None where the file is no DICOM image.

    Raises:
        InputError: where it is a DICOM file that cannot be read.
    """
    try:
        with _quiet():
            header = _open(path)
            return None if header is None else _parse(path, header)
    except (InputError, PermissionError):
        raise
    except Exception as error:  # a damaged file fails in pydicom in any way, at any element
        raise InputError(path, "a readable DICOM file", f"a damaged one ({error})", "copy it again") from None


def read_hounsfield(item):
    """The pixels of a ``Slice`` in HU, float64 (rows, columns)."""
    try:
        with _quiet():
            stored = pydicom.dcmread(item.path, force=True).pixel_array
    except PermissionError:
        raise
    except (NotImplementedError, RuntimeError) as error:
        raise InputError(item.path, "uncompressed pixels or an installed decoder", f"neither ({error})",
                         "install pylibjpeg with pylibjpeg-libjpeg and pylibjpeg-openjpeg, or decompress the series") \
            from None
    except Exception as error:  # as above
        raise InputError(item.path, "whole pixel data", f"truncated or damaged data ({error})",
                         "copy the slice again") from None
    if stored.shape != (item.rows, item.columns):
        raise InputError(item.path, f"{item.rows} x {item.columns} pixels", f"the shape {stored.shape}",
                         "copy the slice again")
    return stored.astype(np.float64) * item.slope + item.intercept


@contextlib.contextmanager
def _quiet():
    """Without pydicom's comments on values that do not matter here, which it warns or logs by version."""
    log = logging.getLogger("pydicom")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def _open(path):
    """The header; None for other files, for DICOM without pixels (reports) and for a medium's table of contents."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    except InvalidDicomError:
        if path.suffix.lower() not in _BARE_SUFFIXES:
            return None
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception:  # not DICOM at all: forced parsing of arbitrary bytes can fail in any way
            return None
    else:
        if header.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
            return None
        if "SOPClassUID" not in header:
            raise InputError(path, "a readable DICOM file", "a truncated one", "copy it again")
    return header if {"Rows", "Columns", "SeriesInstanceUID"} <= set(header.dir()) else None


def _parse(path, header):
    rows, columns = int(header.Rows), int(header.Columns)
    if rows < 1 or columns < 1:
        raise InputError(path, "at least one row and column", f"{rows} x {columns}", "copy it again")
    compressed = header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) not in _UNCOMPRESSED
    return Slice(
        path=path, series=str(header.SeriesInstanceUID), rows=rows, columns=columns,
        position=_numbers(header, "ImagePositionPatient", 3),
        orientation=_numbers(header, "ImageOrientationPatient", 6), spacing=_numbers(header, "PixelSpacing", 2),
        modality=str(header.get("Modality", "CT")), frames=int(header.get("NumberOfFrames") or 1),
        samples=int(header.get("SamplesPerPixel", 1)), slope=_number(header, "RescaleSlope", 1.0),
        intercept=_number(header, "RescaleIntercept", 0.0),
        promised=0 if compressed else rows * columns * int(header.get("BitsAllocated", 16)) // 8)


def _number(header, name, default):
    value = default if header.get(name) is None else float(header.get(name))
    if not np.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value


def _numbers(header, name, count):
    """``count`` finite numbers of an element as an array; None where it is absent or holds anything else."""
    try:
        values = np.array([float(v) for v in header.get(name)])
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None
