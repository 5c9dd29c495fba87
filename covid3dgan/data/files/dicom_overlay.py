"""A CT with its lungs and infection drawn in, as DICOM Secondary Captures (PS3.3 A.8.1): any viewer shows them.

Paper 001's Fig. 4 has lungs in blue and infection in red; here slice by slice, at the slices' own places.
"""

__all__ = ["write_overlays"]

import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from covid3dgan import __version__, progress
from covid3dgan.data.files import dicom
from covid3dgan.data.files.dicom_seg import NOTE, source_headers

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
WINDOW = (-1350.0, 150.0)  # HU shown as black and white: the usual window for lungs
BLUE, RED = (51, 128, 255), (255, 38, 38)
_NUMBER = 9500
# Copied from the CT, so that the pictures lie in the same study and at the same places.
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
            "StudyID", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID", "SpecificCharacterSet")


def write_overlays(folder, series, array, mask, lungs):
    """Writes a colour picture of each slice into a new folder: 0001.dcm, 0002.dcm, ...

    Args:
        folder: the folder.
        series: data.files.dicom_folder.Series of the CT.
        array: its HU (X, Y, Z).
        mask, lungs: on its grid; infection becomes red, the lungs' edge blue.
    """
    folder = Path(folder)
    slices = dicom.sorted_slices(series.path, series.slices, least=1)
    headers = source_headers(series, slices)
    if len(headers) < len(slices):  # frames of one file
        headers = headers * len(slices)
    uid, now = generate_uid(), datetime.datetime.now()
    folder.mkdir(parents=True)
    for z, (item, header) in enumerate(progress.bar(list(zip(slices, headers)), description="overlay", unit="slice")):
        picture = _drawn(array[:, :, z].T, mask[:, :, z].T > 0, lungs[:, :, z].T > 0)
        _captured(item, header, picture, uid, z + 1, now).save_as(folder / f"{z + 1:04d}.dcm", **_writing())


def _drawn(hu, mask, lungs):
    """(rows, columns, 3) uint8."""
    grey = np.clip((hu - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1) * 255
    colours = np.repeat(grey[..., None], 3, axis=2)
    padded = np.pad(lungs, 1)
    inner = lungs & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    colours[lungs & ~inner & ~mask] = BLUE
    colours[mask] = 0.5 * colours[mask] + 0.5 * np.array(RED)
    return np.rint(colours).astype(np.uint8)


def _captured(item, header, picture, series_uid, number, now):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SECONDARY_CAPTURE
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    for keyword in _PATIENT:
        if keyword in header:
            setattr(data, keyword, header.get(keyword))
    data.Modality, data.ConversionType, data.Manufacturer = "OT", "WSD", "covid3dgan"
    data.SoftwareVersions, data.SeriesInstanceUID = __version__, series_uid
    data.SeriesNumber, data.InstanceNumber = _NUMBER + int(item.number or 0), number
    data.SeriesDescription, data.DerivationDescription = "covid3dgan: infection drawn on the CT", NOTE
    data.ImageType, data.PatientOrientation, data.Laterality = ["DERIVED", "SECONDARY"], "", ""
    data.ContentDate, data.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.ImagePositionPatient, data.ImageOrientationPatient = list(item.position), list(item.orientation)
    data.PixelSpacing, data.SliceThickness = list(item.spacing), item.thickness
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    if item.frame is not None:
        source.ReferencedFrameNumber = item.frame + 1
    data.SourceImageSequence = [source]
    data.Rows, data.Columns = picture.shape[:2]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = picture.tobytes() + b"\0" * (picture.size % 2)
    return data


def _writing():
    """How pydicom writes a standard file; version 2 knows it by another name."""
    import pydicom

    return {"enforce_file_format": True} if pydicom.__version__ >= "3" else {"write_like_original": False}
