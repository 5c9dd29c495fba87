"""DICOM series: order, HU, affine and every way in which a folder can be unusable."""

import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import SHAPE, save_series, save_slice, stored
from pydicom.uid import JPEGLSLossless

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.files import checks
from covid3dgan.errors import InputError, InputWarning

REAL = Path(__file__).parents[2] / "fixtures" / "dicom_two_slices"
def test_a_series_is_ordered_by_position_and_in_hu(tmp_path):
    ct = volumes.read(save_series(tmp_path))
    assert ct.shape == (7, 5, 4)
    for z in range(4):
        np.testing.assert_array_equal(ct.array[:, :, z], 2.0 * stored(z).T - 1024)
    # Columns are 0.75 mm apart along the rows, rows 0.5 mm; x and y change their sign from LPS to RAS.
    np.testing.assert_allclose(ct.affine, [[-0.75, 0, 0, -10], [0, -0.5, 0, -20], [0, 0, 2.5, -300], [0, 0, 0, 1]])
    assert ct.spacing == (0.75, 0.5, 2.5)
    assert ct.orientation == "LPS"
    assert (ct.sform_code, ct.qform_code) == (1, 1)


@pytest.mark.parametrize("orientation, step", [
    ((0, 1, 0, 0, 0, -1), (-3.0, 0, 0)), ((1, 0, 0, 0, 0, -1), (0, 3.0, 0)), ((-1, 0, 0, 0, -1, 0), (0, 0, 3.0)),
    ((0.8, 0.6, 0, -0.6, 0.8, 0), (0, 0, 3.0))], ids=["sagittal", "coronal", "prone", "turned"])
def test_every_voxel_is_where_dicom_says(orientation, step, tmp_path):
    for z in range(3):
        position = np.array([5.0, -6, 7]) + z * np.array(step)
        save_slice(tmp_path / f"{z}.dcm", z, position=position, orientation=orientation)
    ct = volumes.read(tmp_path)
    for z, row, column in ((0, 0, 0), (2, 4, 6), (1, 3, 2)):
        x, y, s = (np.array([5.0, -6, 7]) + z * np.array(step) + column * 0.75 * np.array(orientation[:3])
                   + row * 0.5 * np.array(orientation[3:]))
        place = np.argwhere(ct.array == 2.0 * stored(z)[row, column] - 1024)[0]
        np.testing.assert_allclose((ct.affine @ [*place, 1])[:3], [-x, -y, s], atol=1e-9)


def test_a_tilted_gantry_gives_a_sheared_affine_that_is_kept_on_disk(tmp_path):
    for z in range(3):
        save_slice(tmp_path / "in" / f"{z}.dcm", z, position=(0, 0.4 * z, 2.5 * z))
    ct = volumes.read(tmp_path / "in")
    np.testing.assert_allclose(ct.affine[:3, 2], [0, -0.4, 2.5])
    volumes.write(ct, tmp_path / "out.nii.gz")
    again = volumes.read(tmp_path / "out.nii.gz")
    np.testing.assert_allclose(again.affine, ct.affine, atol=1e-6)
    np.testing.assert_array_equal(again.array, ct.array)


def test_the_largest_series_is_taken_and_named(tmp_path, capsys):
    save_series(tmp_path / "a", 2, series="1.2.1")
    save_series(tmp_path / "b", 4, series="1.2.2")
    sentence = (r"expected one DICOM series, found 2; used the largest, 1\.2\.2 \(4 slices\), and left out "
                r"1\.2\.1 \(2\); pass the folder of the series that you mean")
    with pytest.warns(InputWarning, match=sentence):
        assert volumes.read(tmp_path).shape == (7, 5, 4)
    with pytest.raises(InputError, match="expected one DICOM series"):
        volumes.read(tmp_path, strict=True)
    assert main(["verify", str(tmp_path)]) == 0
    assert re.search(sentence, capsys.readouterr().out)


def test_a_scout_view_in_the_series_falls_out(tmp_path):
    save_series(tmp_path, 4)
    save_slice(tmp_path / "scout.dcm", 9, orientation=(1, 0, 0, 0, 0, -1))
    with pytest.warns(InputWarning, match="used the largest, 1.2.3 .4 slices."):
        assert volumes.read(tmp_path).shape == (7, 5, 4)


def test_a_slice_without_a_position_falls_out(tmp_path):
    save_series(tmp_path, 4)
    save_slice(tmp_path / "lost.dcm", 9, ImagePositionPatient=None)
    with pytest.warns(InputWarning, match="expected a position in every slice, found 1 without, left out"):
        assert volumes.read(tmp_path).shape == (7, 5, 4)


def test_other_files_and_a_media_directory_do_not_matter(tmp_path):
    save_series(tmp_path)
    (tmp_path / "readme.txt").write_text("text")
    (tmp_path / "LICENSE").write_text("text without a suffix")
    index = pydicom.dcmread(save_slice(tmp_path / "INDEX", 1))
    index.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    pydicom.dcmwrite(tmp_path / "INDEX", index)
    assert volumes.read(tmp_path, strict=True).shape == (7, 5, 4)


def test_files_without_the_preamble_are_read(tmp_path):
    save_series(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[132:])
    np.testing.assert_array_equal(volumes.read(tmp_path).array[:, :, 3], 2.0 * stored(3).T - 1024)


def test_uneven_steps_are_a_doubt(tmp_path):
    for z, height in enumerate((0.0, 2.0, 4.6, 6.6)):
        save_slice(tmp_path / f"{z}.dcm", z, position=(0, 0, height))
    with pytest.warns(InputWarning, match="expected evenly spaced slices, found steps from 2 to 2.6 mm"):
        assert volumes.read(tmp_path).spacing[2] == pytest.approx(2.2)


def test_another_modality_is_a_doubt(tmp_path):
    with pytest.warns(InputWarning, match="expected a CT series, found the modality MR"):
        volumes.read(save_series(tmp_path, Modality="MR"))


def test_a_missing_intercept_shows_in_the_values(tmp_path):
    with pytest.warns(InputWarning, match="stored values without the rescale intercept, as it seems"):
        volumes.read(save_series(tmp_path, RescaleIntercept=None))


def one_slice(folder):
    save_series(folder, 1)


def a_missing_slice(folder):
    save_series(folder, 6, skip=(2, 3))


def a_missing_slice_of_three(folder):
    save_series(folder, 4, skip=(1,))


def a_doubled_slice(folder):
    save_series(folder)
    shutil.copy(folder / "slice88.dcm", folder / "slice88_copy.dcm")


def no_positions(folder):
    save_series(folder, ImagePositionPatient=None)


def zero_spacing(folder):
    save_series(folder, PixelSpacing=[0, 0.5])


def colours(folder):
    save_series(folder, SamplesPerPixel=3, PhotometricInterpretation="RGB")


def many_frames(folder):
    save_series(folder, NumberOfFrames=30)


def truncated_pixels(folder):
    save_series(folder, pixels=np.zeros((64, 64), np.int16))
    path = folder / "slice89.dcm"
    path.write_bytes(path.read_bytes()[:4000])


def short_pixel_element(folder):
    save_series(folder, PixelData=b"\0" * 20, ImageComments="x" * 400)


def truncated_header(folder):
    save_series(folder)
    path = folder / "slice89.dcm"
    path.write_bytes(path.read_bytes()[:180])


def header_without_size(folder):
    """The last slice: nothing else of the series would show that it is not there."""
    save_series(folder)
    path = folder / "slice90.dcm"
    whole = path.read_bytes()
    path.write_bytes(whole[:whole.index(b"\x28\0\x10\0")])  # where its number of rows begins


def unknown_compression(folder):
    save_series(folder)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = JPEGLSLossless
        data.PixelData = pydicom.encaps.encapsulate([b"not really compressed"])
        data["PixelData"].is_undefined_length = True
        pydicom.dcmwrite(path, data)


def one_slice_aside(folder):
    for z in range(4):
        save_slice(folder / f"{z}.dcm", z, position=(9.0 * (z == 2), 0, 2.5 * z))


def constant(folder):
    save_series(folder, pixels=np.zeros(SHAPE, np.int16))


BAD = {
    one_slice: "FOLDER: expected a series of at least 2 slices, found a single 2D image; pass the whole series.",
    a_missing_slice: "FOLDER: expected a slice every 2.5 mm, found 2 missing, the first after -297.5 mm; copy the "
                     "whole series again.",
    a_missing_slice_of_three: "FOLDER: expected a slice every 2.5 mm, found 1 missing, the first after -300 mm; copy "
                              "the whole series again.",
    a_doubled_slice: "FOLDER: expected one slice at each position, found two at -295 mm (slice88.dcm and "
                     "slice88_copy.dcm); remove the copy or the other acquisition.",
    no_positions: "FOLDER: expected DICOM slices with position, orientation and spacing, found 4 without (no "
                  "ImagePositionPatient); export the series again.",
    zero_spacing: "FOLDER: expected a positive spacing along each axis, found 0 x 0.5 mm; export the series again.",
    colours: "FOLDER: expected one grey value per pixel, found colour images; pass the CT itself.",
    many_frames: "FOLDER: expected one slice per DICOM file, found a file of 30 frames (slice87.dcm); convert it to "
                 "NIfTI first.",
    truncated_pixels: "FOLDER/slice89.dcm: expected 8192 bytes of pixels, as its header promises, found a file of 4000 "
                      "bytes (truncated); copy the slice again.",
    short_pixel_element: "FOLDER/slice90.dcm: expected whole pixel data, found truncated or damaged data (*); copy the "
                         "slice again.",
    truncated_header: "FOLDER/slice89.dcm: expected a readable DICOM file, found a *; copy it again.",
    header_without_size: "FOLDER/slice90.dcm: expected a readable DICOM file, found a truncated one: a CT image that "
                         "ends before its size; copy it again.",
    unknown_compression: "FOLDER/slice90.dcm: expected whole pixel data, found truncated or damaged data (*); copy the "
                         "slice again.",
    one_slice_aside: "FOLDER: expected slices along one straight line, found one that lies 9 mm aside; export the "
                     "series again.",
    constant: "FOLDER: expected a CT, found the same value -1024 in every voxel; export the volume again.",
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_each_bad_series_has_its_sentence_and_exits_1(make, tmp_path, capsys):
    make(tmp_path)
    expected = re.escape(BAD[make].replace("FOLDER", str(tmp_path))).replace(r"\*", "(.|\n)*?") + "$"
    with pytest.raises(InputError) as caught:
        volumes.read(tmp_path)
    assert re.match(expected, str(caught.value))
    assert main(["verify", str(tmp_path)]) == 1
    assert re.search(expected, capsys.readouterr().out, re.MULTILINE)


def test_a_series_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    save_series(tmp_path)
    monkeypatch.setattr(checks, "available_memory", lambda: 100)
    with pytest.raises(InputError, match="expected a volume that fits into the free memory"):
        volumes.read(tmp_path)


def test_pydicom_prints_nothing_of_its_own(tmp_path, capfd, caplog):
    save_series(tmp_path)
    path = tmp_path / "slice90.dcm"
    path.write_bytes(path.read_bytes().replace(b"1.2.3\0", b"1.2.x\0"))  # not a valid UID
    caplog.clear()  # of what writing said
    capfd.readouterr()
    with pytest.warns(InputWarning, match="expected one DICOM series, found 2"):
        volumes.read(tmp_path)
    assert capfd.readouterr().err + caplog.text == ""


def test_two_real_slices():
    ct = volumes.read(REAL, strict=True)
    assert ct.shape == (512, 512, 2)
    assert ct.spacing == (0.625, 0.625, 1.0)
    assert ct.orientation == "LPS"
    lower, upper = (pydicom.dcmread(REAL / name) for name in ("0.dcm", "1.dcm"))
    np.testing.assert_array_equal(ct.array[:, :, 0], lower.pixel_array.T)
    np.testing.assert_array_equal(ct.array[:, :, 1], upper.pixel_array.T)
    # The air outside the patient, and the padding outside the scanner's field of view.
    assert ct.array.min() == -2048
    assert -1100 < np.median(ct.array[100:400, 20:60]) < -900


def test_no_slice_however_damaged_gets_past_the_sentences(tmp_path):
    whole = save_slice(tmp_path / "1.dcm", 1).read_bytes()
    save_slice(tmp_path / "0.dcm", 0)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        raw = bytearray(whole)
        for place in random.integers(128, len(raw), 3):
            raw[place] = random.integers(0, 256)
        (tmp_path / "1.dcm").write_bytes(bytes(raw))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)
                volumes.read(tmp_path)
        except InputError as error:
            assert str(error).startswith(str(tmp_path))
            refused += 1
    assert 20 < refused < 150
