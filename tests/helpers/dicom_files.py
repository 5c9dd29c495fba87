"""DICOM files for tests, made with pydicom: slices whose every pixel differs, series, enhanced multi-frame files."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
AXIAL = (1, 0, 0, 0, 1, 0)
SHAPE = (5, 7)  # rows, columns


def stored(z):
    """Stored values of slice z: a different number in every pixel of the series."""
    return (np.arange(35).reshape(SHAPE) + 100 * z).astype(np.int16)


def save_slice(path, z, position=None, orientation=AXIAL, series="1.2.3", pixels=None, **elements):
    """Writes one CT slice; ``elements`` set or (None) delete DICOM elements by keyword."""
    data = pydicom.Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CT_STORAGE
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    data.SeriesInstanceUID, data.Modality = series, "CT"
    data.ImagePositionPatient = list((10.0, 20.0, -300.0 + 2.5 * z) if position is None else position)
    data.ImageOrientationPatient, data.PixelSpacing = list(orientation), [0.5, 0.75]
    data.RescaleSlope, data.RescaleIntercept = 2, -1024
    pixels = stored(z) if pixels is None else pixels
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    if pydicom.__version__ < "3":  # later ones read this from the transfer syntax
        data.is_little_endian, data.is_implicit_VR = True, False
    data.preamble = b"\0" * 128
    pydicom.dcmwrite(path, data)
    return path


def save_series(folder, count=4, skip=(), prefix="slice", **named):
    """Slices whose file names run against their positions."""
    for z in range(count):
        if z not in skip:
            save_slice(folder / f"{prefix}{90 - z}.dcm", z, **named)
    return folder


def save_frames(path, order, lone=False, **elements):
    """An enhanced CT (PS3.3 A.38) whose frame i is slice ``order[i]`` of ``save_slice``'s series.

    Args:
        lone: whether slope and orientation are written for each frame, not once for all.
    """
    save_slice(path, 0, pixels=np.concatenate([stored(z) for z in order]), NumberOfFrames=len(order), **elements)
    data = pydicom.dcmread(path)
    data.Rows = SHAPE[0]
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
                    "RescaleIntercept"):
        delattr(data, keyword)
    common = {"PixelMeasuresSequence": {"PixelSpacing": [0.5, 0.75], "SliceThickness": 2.5},
              "PlaneOrientationSequence": {"ImageOrientationPatient": list(AXIAL)},
              "PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": -1024}}
    data.SharedFunctionalGroupsSequence = [_group({} if lone else common)]
    data.PerFrameFunctionalGroupsSequence = [
        _group({"PlanePositionSequence": {"ImagePositionPatient": [10.0, 20.0, -300.0 + 2.5 * z]},
                **(common if lone else {})}) for z in order]
    data.save_as(path)
    return path


def _group(sequences):
    group = Dataset()
    for name, values in sequences.items():
        inner = Dataset()
        for keyword, value in values.items():
            setattr(inner, keyword, value)
        setattr(group, name, [inner])
    return group
