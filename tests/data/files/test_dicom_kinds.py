"""DICOM as hospitals write it: compressed, enhanced multi-frame, many series in one folder."""

import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import save_frames, save_series, save_slice, stored

from covid3dgan.data import volumes
from covid3dgan.data.files.dicom_folder import list_series
from covid3dgan.errors import InputError, InputWarning

gdcm = pytest.importorskip("gdcm")
SYNTAXES = {"RLELossless": "1.2.840.10008.1.2.5", "JPEGLosslessProcess14": "1.2.840.10008.1.2.4.57",
            "JPEGLosslessProcess14_1": "1.2.840.10008.1.2.4.70", "JPEGLSLossless": "1.2.840.10008.1.2.4.80",
            "JPEG2000Lossless": "1.2.840.10008.1.2.4.90"}


def compress(path, syntax):
    """The file, compressed without loss by GDCM."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


# === compressed ===

@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_compression_without_loss_changes_no_value(syntax, signed, tmp_path):
    random = np.random.default_rng(0)
    pixels = [random.integers(-1200 if signed else 0, 3000, (40, 48)).astype(np.int16) for _ in range(3)]
    for z, values in enumerate(pixels):
        path = save_slice(tmp_path / f"{z}.dcm", z, pixels=values, PixelRepresentation=int(signed))
        compress(path, syntax)
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    ct = volumes.read(tmp_path, strict=True)
    for z, values in enumerate(pixels):
        np.testing.assert_array_equal(ct.array[:, :, z], 2.0 * values.T - 1024)


def test_lossy_compression_is_a_doubt(tmp_path):
    with pytest.warns(InputWarning, match="found lossy compression, which changes HU and fine detail"):
        volumes.read(save_series(tmp_path, LossyImageCompression="01"))


# === enhanced multi-frame ===

@pytest.mark.parametrize("lone", [False, True], ids=["shared", "per frame"])
def test_frames_are_ordered_by_position(lone, tmp_path):
    save_frames(tmp_path / "frames" / "ct.dcm", order=(2, 0, 3, 1), lone=lone)
    ct, single = volumes.read(tmp_path / "frames"), volumes.read(save_series(tmp_path / "single", 4))
    np.testing.assert_array_equal(ct.array, single.array)
    np.testing.assert_array_equal(ct.affine, single.affine)


def test_a_multi_frame_file_is_a_series_of_its_own(tmp_path):
    [series], problems = list_series(save_frames(tmp_path / "ct.dcm", order=(1, 0, 2)))
    array, affine = series.read()
    assert problems == [] and series.name == "ct" and series.files == (tmp_path / "ct.dcm",)
    np.testing.assert_array_equal(array[:, :, 2], 2.0 * stored(2).T - 1024)
    np.testing.assert_allclose(affine[:3, 3], [-10, -20, -300])


def test_frames_and_places_must_be_as_many(tmp_path):
    path = save_frames(tmp_path / "ct.dcm", order=(1, 0, 2))
    data = pydicom.dcmread(path)
    del data.PerFrameFunctionalGroupsSequence[2]
    data.save_as(path)
    with pytest.raises(InputError, match="ct.dcm: expected a place for each of its 3 frames, found 2"):
        volumes.read(tmp_path)


# === folders of many series ===

def patient(folder, name, **named):
    """A series of four slices of a patient."""
    return save_series(folder, series=f"1.2.{sum(map(ord, name))}", PatientID=name, StudyInstanceUID=f"9.{len(name)}",
                       **named)


def test_each_series_of_each_patient_is_listed(tmp_path):
    patient(tmp_path / "a", "anna")
    patient(tmp_path / "b" / "CT", "bo", SeriesNumber=3)
    patient(tmp_path / "b" / "CT", "bob", SeriesNumber=4, prefix="other")
    found, problems = list_series(tmp_path)
    assert [series.name for series in found] == ["a", "b_CT_bo", "b_CT_bob"] and problems == []
    assert [len(series.slices) for series in found] == [4, 4, 4]
    assert found[0].path == tmp_path / "a" and found[1].facts()["series_number"] == "3"


def test_series_of_one_patient_in_one_folder_are_told_apart_by_number(tmp_path):
    for number in (2, 5):
        patient(tmp_path, "anna" * number, prefix=f"s{number}_", SeriesNumber=number)
    for path in tmp_path.iterdir():
        data = pydicom.dcmread(path)
        data.PatientID, data.StudyInstanceUID = "anna", "9.9"
        data.save_as(path)
    found, _ = list_series(tmp_path)
    name = f"{tmp_path.name}_anna"
    assert [series.name for series in found] == [f"{name}_s2", f"{name}_s5"]


def test_a_segmentation_in_place_of_a_ct_is_a_problem_and_the_others_are_listed(tmp_path):
    patient(tmp_path / "a", "anna")
    patient(tmp_path / "b", "bo", Modality="SEG", SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4")
    patient(tmp_path / "c", "carl")
    found, [problem] = list_series(tmp_path)
    assert [series.name for series in found] == ["a", "c"]
    assert str(problem) == (f"{tmp_path / 'b'}: expected a CT series, found a segmentation (SEG) of 4 images; "
                            "pass the CT itself.")


@pytest.mark.parametrize("elements, what", [
    (dict(Modality="MR"), "an MR of 4 images"), (dict(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
                                                 "a scout view of 4 images"),
    (dict(ImagePositionPatient=None), "images without ImagePositionPatient of 4 images"),
    (dict(Modality="XX"), "images of modality XX of 4 images")])
def test_what_is_no_ct_is_named(elements, what, tmp_path):
    found, [problem] = list_series(save_series(tmp_path / "x", **elements))
    assert found == [] and str(problem) == f"{tmp_path / 'x'}: expected a CT series, found {what}; pass the CT itself."


def test_a_scout_view_beside_a_ct_is_left_out_with_a_word(tmp_path):
    save_series(tmp_path, 4)
    save_slice(tmp_path / "scout.dcm", 9, series="1.2.9", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save_slice(tmp_path / "key.dcm", 9, series="1.2.8")
    with pytest.warns(InputWarning, match="left out: a scout view of 1 image, a single slice of 1 image"):
        [series], problems = list_series(tmp_path)
    assert problems == [] and len(series.slices) == 4


def test_a_damaged_slice_spoils_its_series_alone(tmp_path):
    patient(tmp_path / "a", "anna")
    patient(tmp_path / "b", "bo")
    last = tmp_path / "b" / "slice87.dcm"  # the series without it would look whole
    last.write_bytes(last.read_bytes()[:180])
    found, [problem] = list_series(tmp_path)
    assert [series.name for series in found] == ["a"]
    assert str(problem).startswith(f"{last}: expected a readable DICOM file")


def test_single_slices_are_series_of_one_where_there_is_nothing_else(tmp_path):
    for z in (1, 2):
        save_slice(tmp_path / f"p{z}.dcm", z, series=f"1.2.{z}", PatientID=f"p{z}", SliceThickness=4)
    found, _ = list_series(tmp_path)
    assert [series.name for series in found] == ["p1", "p2"]
    array, affine = found[1].read()
    np.testing.assert_array_equal(array[:, :, 0], 2.0 * stored(2).T - 1024)
    np.testing.assert_allclose(affine, [[-0.75, 0, 0, -10], [0, -0.5, 0, -20], [0, 0, 4, -295], [0, 0, 0, 1]])


def test_a_copy_of_a_whole_series_is_not_read_twice_over(tmp_path):
    save_series(tmp_path / "a", StudyInstanceUID="9.1")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    [series], _ = list_series(tmp_path)
    with pytest.raises(InputError, match="expected one slice at each position, found two"):
        series.read()
