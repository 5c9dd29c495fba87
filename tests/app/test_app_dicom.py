"""A DICOM series in the app: patient and date from its header, HTML in it as text, a segmentation out of it."""

import gzip
import io
import zipfile

import numpy as np
import pydicom
import pytest
from app_client import Served
from dicom_files import save_slice

from covid3dgan.app.case_files import CaseFiles
from covid3dgan.app.jobs import Jobs

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def folder(phantom, tmp_path_factory):
    """The phantom as an axial series, from a patient whose ID is HTML."""
    room = tmp_path_factory.mktemp("dicom")
    ct = phantom.ct.canonical()
    sx, sy, sz = ct.spacing
    for z in range(ct.shape[2]):
        # DICOM's columns run to the patient's left and its rows to the back: both ends of RAS+ are turned.
        pixels = np.ascontiguousarray(ct.array[::-1, ::-1, z].T.astype(np.int16))
        save_slice(room / f"{z}.dcm", z, position=(0.0, 0.0, z * sz), pixels=pixels, PixelSpacing=[sy, sx],
                   RescaleSlope=1, RescaleIntercept=0, PatientID=EVIL, AcquisitionDate="20210304",
                   StudyInstanceUID="1.2.840.99.2", FrameOfReferenceUID="1.2.840.99.1", SeriesNumber=3)
    return room


def test_a_zipped_series_is_segmented_and_comes_back_as_dicom(folder, tmp_path):
    pytest.importorskip("highdicom")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"study/{path.name}")
    with Served(tmp_path, Jobs) as app:
        case = app.client.upload("study", {"study.zip": packed.getvalue()})
        found = app.client.wait(case, "done", "failed")
        assert found["state"] == "done", found
        assert (found["patient"], found["date"], found["name"]) == (EVIL, "2021-03-04", "study")
        files = CaseFiles(app.folder.case(case))
        hand = np.zeros(files.about["grid"]["shape"], np.uint8)
        hand[tuple(np.argwhere(~files.mask())[500])] = 1
        status, _ = app.client.save_hand(case, hand.tobytes(order="F"), files.about["cut"], 0)
        assert status == 200
        status, headers, body = app.client.ask("GET", f"/api/cases/{case}/save/segmentation.dcm")
        assert status == 200 and headers["content-type"] == "application/dicom"
        made = pydicom.dcmread(io.BytesIO(body))
        assert made.Modality == "SEG" and made.PatientID == EVIL
        frames = made.pixel_array
        lesions = [groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 2
                   for groups in made.PerFrameFunctionalGroupsSequence]
        assert frames[np.array(lesions)].sum() == files.mask(files.about["cut"], hand).sum()
        [how] = made.SegmentSequence[1].SegmentationAlgorithmIdentificationSequence
        assert "corrected by hand" in how.AlgorithmName
        assert gzip.decompress(CaseFiles(files.folder, 1).path("hand").read_bytes()) == hand.tobytes(order="F")
