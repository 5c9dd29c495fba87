"""DICOM Segmentation (PS3.3 A.51) of a series: lungs and infection with the codes of DICOM's own terms (PS3.16)."""

__all__ = ["write_segmentation"]

import warnings

import numpy as np
import pydicom

from covid3dgan import __version__
from covid3dgan.data.files import dicom
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path

# What the standard wants of a patient and a study, if only as an empty value, and anonymised files often lack.
_WANTED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
           "AccessionNumber", "ReferringPhysicianName")
_NUMBER = 9000  # is added to the series number of the CT
NOTE = "Research software, not a medical device"


def write_segmentation(path, series, segments, model):
    """Writes one DICOM file that refers to the slices of the CT.

    Args:
        path: the file.
        series: data.files.dicom_folder.Series of the CT.
        segments: kind ("lungs", "infection", "GGO", "consolidation") -> mask (X, Y, Z) on the CT's grid.
        model: (name, version or checksum) of what made them.

    Raises:
        InputError: highdicom is not installed, or the CT lacks what a segmentation must refer to.
    """
    try:
        import highdicom as hd
    except ImportError:
        raise InputError("--format", "the package highdicom for dicom-seg", "it is not installed",
                         "run pip install 'covid3dgan[dicom-seg]', or use another format") from None
    slices = dicom.sorted_slices(series.path, series.slices, least=1)
    sources = source_headers(series, slices)
    frames = np.stack([np.transpose(mask, (2, 1, 0)) > 0 for mask in segments.values()], axis=-1)
    if slices[0].frame is not None:  # in the order of the file's frames
        frames = frames[np.argsort([item.frame for item in slices])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of highdicom, on names without carets and the like
        made = hd.seg.Segmentation(
            sources, frames.astype(np.uint8), hd.seg.SegmentationTypeValues.BINARY,
            [_described(hd, number, kind, model) for number, kind in enumerate(segments, 1)],
            series_instance_uid=hd.UID(), series_number=_NUMBER + int(slices[0].number or 0), instance_number=1,
            sop_instance_uid=hd.UID(), manufacturer="covid3dgan", manufacturer_model_name=model[0][:64],
            software_versions=__version__, device_serial_number=model[1][:16], content_label="LUNG_INFECTION",
            content_description=NOTE)
        made.SeriesDescription = f"covid3dgan: {' and '.join(segments)}"
        with atomic_path(path) as temporary:
            made.save_as(temporary)


def source_headers(series, slices):
    """The headers of the CT's files in the order of ``slices``, with an empty value for what they must not lack."""
    headers = []
    for file in dict.fromkeys(item.path for item in slices):
        header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        for keyword in _WANTED:
            if keyword not in header:
                setattr(header, keyword, "")
        if header.get("SliceThickness") is None and slices[0].frame is None:
            apart = np.linalg.norm(slices[-1].position - slices[0].position) / max(len(slices) - 1, 1)
            header.SliceThickness = f"{apart or slices[0].thickness:.6g}"
        missing = [name for name in ("StudyInstanceUID", "FrameOfReferenceUID") if not header.get(name)]
        if missing:
            raise InputError(series.path, f"{' and '.join(missing)}, which other DICOM files refer to", "none",
                             "export the series again, or write NIfTI")
        headers.append(header)
    return headers


def _described(hd, number, kind, model):
    from pydicom.sr.codedict import codes

    lesion = codes.SCT.MorphologicallyAbnormalStructure
    label, category, what, colour = {
        "lungs": ("Lungs", codes.SCT.AnatomicalStructure, codes.SCT.Lung, (0.35, 0.6, 1.0)),
        "infection": ("Infection (ground glass and consolidation)", lesion, codes.SCT.Lesion, (1.0, 0.15, 0.15)),
        "GGO": ("Ground glass opacity", lesion, codes.DCM.GroundGlassOpacity, (1.0, 0.6, 0.1)),
        "consolidation": ("Consolidation", lesion, hd.sr.CodedConcept("9656002", "SCT", "Consolidation"),
                          (1.0, 0.15, 0.15))}[kind]
    found = hd.seg.SegmentDescription(
        number, label, category, what, hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        hd.AlgorithmIdentificationSequence(f"covid3dgan {model[0]}"[:64], codes.DCM.ArtificialIntelligence,
                                           f"{__version__} {model[1][:12]}"),
        anatomic_regions=None if kind == "lungs" else [codes.SCT.Lung], tracking_uid=hd.UID(),
        tracking_id=f"covid3dgan {kind}")
    found.RecommendedDisplayCIELabValue = _cielab(colour)
    return found


def _cielab(colour):
    """An sRGB colour as DICOM's CIELab numbers of 16 bits (PS3.3 C.10.7.1.1), by way of CIE XYZ under D65."""
    linear = np.where(np.array(colour) > 0.04045, ((np.array(colour) + 0.055) / 1.055) ** 2.4, np.array(colour) / 12.92)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    ratio = xyz / (0.9505, 1.0, 1.089)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    lightness, a, b = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    return [round(lightness * 65535 / 100), round((a + 128) * 65535 / 255), round((b + 128) * 65535 / 255)]
