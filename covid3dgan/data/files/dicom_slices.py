"""One DICOM slice: the header facts that place it in the patient, and its pixels in HU.

A slice is a file, or a frame of an enhanced multi-frame file. Every value that a damaged or odd file can get wrong is
read here, once, so that nothing else touches pydicom.
"""

__all__ = ["Slice", "is_dicom", "read_headers", "read_hounsfield"]

import contextlib
import importlib.util
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
# SOP classes of CT images: single slices, enhanced multi-frame files, legacy converted ones.
_CT_IMAGES = tuple(f"1.2.840.10008.5.1.4.1.1.2{ending}" for ending in ("", ".1", ".2"))
# Where an enhanced multi-frame file keeps what single slices have at the top (PS3.3 C.7.6.16): element -> its group.
_GROUPS = {"ImagePositionPatient": "PlanePositionSequence", "ImageOrientationPatient": "PlaneOrientationSequence",
           "PixelSpacing": "PixelMeasuresSequence", "SliceThickness": "PixelMeasuresSequence",
           "RescaleSlope": "PixelValueTransformationSequence", "RescaleIntercept": "PixelValueTransformationSequence"}


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
    thickness: float                   # mm; 1 where the file does not say
    modality: str
    frames: int                        # in its file
    frame: Optional[int]               # its number in a multi-frame file that places its frames; else None
    samples: int                       # values per pixel: 1 is grey
    slope: float
    intercept: float
    promised: int                      # bytes of pixels, 0 where compression leaves that open
    lossy: bool
    patient: str
    study: str
    number: str                        # of the series
    description: str                   # of the series
    kind: tuple                        # ImageType: ORIGINAL or DERIVED, PRIMARY or SECONDARY, AXIAL or LOCALIZER ...


def is_dicom(path):
    """Whether a file is DICOM by its first bytes; or, where it lacks them, by its suffix .dcm or .ima."""
    with open(path, "rb") as handle:
        return handle.read(132)[128:] == b"DICM" or Path(path).suffix.lower() in (".dcm", ".ima")


def read_headers(path):
    """The slices of one file: one, each frame of an enhanced multi-frame file, or none where it is no DICOM image.

    Raises:
        InputError: where it is a DICOM file that cannot be read.
    """
    try:
        with _quiet():
            header = _open(path)
            return [] if header is None else _parse(path, header)
    except (InputError, PermissionError):
        raise
    except Exception as error:  # a damaged file fails in pydicom in any way, at any element
        raise InputError(path, "a readable DICOM file", f"a damaged one ({error})", "copy it again") from None


def read_hounsfield(slices):
    """The pixels of each ``Slice`` in HU, float64 (rows, columns), one after the other; a file is decoded once."""
    opened = stored = None
    for item in slices:
        if item.path != opened:
            stored, opened = _pixels(item), item.path
        pixels = stored if item.frame is None else stored[item.frame]
        if pixels.shape != (item.rows, item.columns):
            raise InputError(item.path, f"{item.rows} x {item.columns} pixels", f"the shape {pixels.shape}",
                             "copy the slice again")
        yield pixels.astype(np.float64) * item.slope + item.intercept


def _pixels(item):
    """The stored values of a file: (rows, columns), or (frames, rows, columns)."""
    try:
        with _quiet():
            _quiet_decoder()
            stored = pydicom.dcmread(item.path, force=True).pixel_array
    except PermissionError:
        raise
    except Exception as error:  # as above
        said = " ".join(str(error).split())[:150]
        if not item.promised and importlib.util.find_spec("gdcm") is None:
            raise InputError(item.path, "uncompressed pixels or an installed decoder", f"neither ({said})",
                             "install python-gdcm, or decompress the series") from None
        raise InputError(item.path, "whole pixel data", f"truncated or damaged data ({said})",
                         "copy the slice again") from None
    # A file of one frame has no axis of frames.
    return stored[None] if item.frame is not None and stored.ndim == 2 else stored


def _quiet_decoder():
    """Keeps the decoder's library from printing what pydicom raises anyway."""
    if importlib.util.find_spec("gdcm") is not None:
        import gdcm

        for switch in ("DebugOff", "WarningOff", "ErrorOff"):
            getattr(gdcm.Trace, switch)()


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
    if {"Rows", "Columns", "SeriesInstanceUID"} <= set(header.dir()):
        return header
    if header.get("SOPClassUID") in _CT_IMAGES:  # left out in silence, the first or last slice would not be missed
        raise InputError(path, "a readable DICOM file", "a truncated one: a CT image that ends before its size",
                         "copy it again")
    return None


def _parse(path, header):
    rows, columns = int(header.Rows), int(header.Columns)
    if rows < 1 or columns < 1:
        raise InputError(path, "at least one row and column", f"{rows} x {columns}", "copy it again")
    compressed = header.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian) not in _UNCOMPRESSED
    frames = int(header.get("NumberOfFrames") or 1)
    size = frames * rows * columns * int(header.get("BitsAllocated", 16)) // 8
    common = dict(
        path=path, series=str(header.SeriesInstanceUID), rows=rows, columns=columns, frames=frames,
        modality=str(header.get("Modality", "CT")), samples=int(header.get("SamplesPerPixel", 1)),
        promised=0 if compressed else max(size, 1), lossy=str(header.get("LossyImageCompression", "00")) == "01",
        patient=str(header.get("PatientID") or ""), study=str(header.get("StudyInstanceUID") or ""),
        number=str(header.get("SeriesNumber") or ""),
        description=str(header.get("SeriesDescription") or ""), kind=_words(header.get("ImageType")))
    placed = header.get("PerFrameFunctionalGroupsSequence")
    if not placed:
        return [Slice(**common, **_place(header.get), frame=None)]
    if len(placed) != frames:
        raise InputError(path, f"a place for each of its {frames} frames", f"{len(placed)}", "copy it again")
    shared = header.get("SharedFunctionalGroupsSequence") or []
    return [Slice(**common, **_place(_in_groups([group, *shared])), frame=number)
            for number, group in enumerate(placed)]


def _in_groups(groups):
    """A function from an element's keyword to its value in the first of the functional groups that holds it."""
    def get(keyword):
        for group in groups:
            inner = group.get(_GROUPS[keyword])
            if inner and inner[0].get(keyword) is not None:
                return inner[0].get(keyword)
        return None
    return get


def _place(get):
    """The fields of a ``Slice`` that each frame has of its own."""
    thickness = _numbers(get("SliceThickness"), 1)
    return dict(position=_numbers(get("ImagePositionPatient"), 3),
                orientation=_numbers(get("ImageOrientationPatient"), 6), spacing=_numbers(get("PixelSpacing"), 2),
                thickness=float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
                slope=_number(get, "RescaleSlope", 1.0), intercept=_number(get, "RescaleIntercept", 0.0))


def _words(values):
    return () if values is None else (values,) if isinstance(values, str) else tuple(str(value) for value in values)


def _number(get, name, default):
    value = default if get(name) is None else float(get(name))
    if not np.isfinite(value):
        raise ValueError(f"{name} is {value}")
    return value


def _numbers(value, count):
    """``count`` finite numbers of an element as an array; None where it is absent or holds anything else."""
    try:
        values = np.array([float(v) for v in (value if hasattr(value, "__len__") else [value])])
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None
