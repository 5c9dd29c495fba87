"""The acceptance test on real CTs: its numbers by hand on small phantoms, and the HU window on the CTs themselves."""

import dataclasses
import json

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset

from benchmarks import real_cts
from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.inference.lesions import Prediction


class Block:
    """Marks a block of the patient's left lung in two slices, whatever the CT."""

    lungs_by = "threshold"

    def predict(self, ct, lung_mask=None):
        if lung_mask is None:  # a single slice
            mask = np.zeros(ct.upright.shape, np.uint8)
            mask[30:40, 10:20] = 1
            return Prediction(ct.back(mask), ct.back(mask * np.float32(0.5)), ct.back(np.ones_like(mask)), {})
        mask = np.zeros(ct.shape, np.uint8)
        mask[44:54, 30:40, 3:5] = 1
        return Prediction(mask, mask * np.float32(0.5), lung_mask.array, {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Phantoms in the place of a CT that must pass, of one with a tumour on the right and of the COVID CT; a slice."""
    folder = tmp_path_factory.mktemp("real")
    ct = chest_ct.generate("healthy", 1, 0, (64, 64, 16)).ct
    for name in ("lidc_idri_0314", "more/LungDx-A0002_B40f", "dev/covid_ct"):
        volumes.write(dataclasses.replace(ct, header=None), folder / f"{name}.nii.gz")
    labels = [int(3 <= k <= 6) for k in range(16)]
    (folder / "dev/covid_ct_labels.json").write_text(json.dumps({"infected_by_slice": labels}), encoding="utf-8")
    _write_slice(folder / "covid_slices" / "one.dcm", ct.canonical().array[:, :, 8], ct.spacing)
    return folder, ct


def _write_slice(path, hu, spacing):
    """A DICOM file of one slice (X, Y) in canonical order."""
    path.parent.mkdir()
    item = pydicom.Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = pydicom.uid.CTImageStorage
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = item.SeriesInstanceUID = "1.2.3"
    pixels = np.rint(hu[::-1, ::-1].T).astype(np.int16)  # rows from the front, columns from the patient's right
    item.Modality, item.Rows, item.Columns = "CT", *pixels.shape
    item.PixelSpacing, item.ImagePositionPatient = [spacing[1], spacing[0]], [0, 0, 0]
    item.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    item.SamplesPerPixel, item.PhotometricInterpretation, item.PixelRepresentation = 1, "MONOCHROME2", 1
    item.BitsAllocated, item.BitsStored, item.HighBit = 16, 16, 15
    item.RescaleSlope, item.RescaleIntercept = 1, 0
    item.PixelData = pixels.tobytes()
    item.is_little_endian, item.is_implicit_VR = True, False
    item.preamble = b"\0" * 128
    pydicom.dcmwrite(path, item)


def test_rows_of_every_kind_by_hand(folder, tmp_path, capsys):
    data, ct = folder
    rows = real_cts.measure({"block": Block(), "window": real_cts.Window()}, data, tmp_path)
    assert json.loads((tmp_path / "real_cts.json").read_text())["rows"] == json.loads(json.dumps(rows))
    assert [(row["ct"], row["predictor"]) for row in rows] == [
        (ct_name, predictor) for ct_name in ("lidc_idri_0314", "covid_ct", "LungDx-A0002_B40f", "one")
        for predictor in ("block", "window")]
    lidc, covid, tumour, one = rows[::2]
    block = 10 * 10 * 2 * np.prod(ct.spacing) / 1000
    assert lidc["marked_ml"] == lidc["normal_ml"] == pytest.approx(block)
    assert not lidc["passed"]
    # 2 of the 4 infected slices are marked and none of the 12 others: (2 * 12 + 0.5 * 2 * 12) / (4 * 12).
    assert covid["auc_by_slice"] == pytest.approx(0.75) and not covid["passed"] and "normal_ml" not in covid
    assert covid["slice_areas_mm2"] == pytest.approx(
        [100 * ct.spacing[0] * ct.spacing[1] * (k in (3, 4)) for k in range(16)])
    # The block lies at the end of the first axis, which runs to the patient's left.
    assert ct.orientation[0] == "L" and tumour["normal_part"] == "left"
    assert tumour["normal_ml"] == pytest.approx(block)
    assert one["highest_score"] == 0.5
    assert one["marked_cm2"] == pytest.approx(100 * ct.spacing[0] * ct.spacing[1] / 100)
    assert sorted(path.name for path in (tmp_path / "block").iterdir()) == [
        "LungDx-A0002_B40f.png", "covid_ct.png", "lidc_idri_0314.png", "slices.png"]
    printed = capsys.readouterr().out
    assert "lidc_idri_0314" in printed and "MISSED" in printed and "AUC by slice 0.750" in printed


def test_the_window_marks_what_lies_in_it_and_is_no_vessel():
    hu = np.full((20, 20, 20), -850.0)
    hu[2:9, 2:9, 2:9] = -500    # ground glass: kept but for its edges and corners
    hu[12:14, :, 10] = -500     # a vessel
    hu[12:19, 12:19, 12:19] = -500  # outside of the lungs
    ct = volumes.Volume(hu, np.eye(4))
    lungs = np.ones(hu.shape)
    lungs[11:, 11:, 11:] = 0
    mask = real_cts.Window().predict(ct, ct.like(lungs)).mask
    x, y, z = (np.abs(np.arange(20) - 5).reshape(shape) for shape in ((-1, 1, 1), (1, -1, 1), (1, 1, -1)))
    # Opened by an octahedron of two voxels: what a copy of it inside the cube covers.
    kept = (np.maximum(x - 1, 0) + np.maximum(y - 1, 0) + np.maximum(z - 1, 0) <= 2) & (x < 4) & (y < 4) & (z < 4)
    assert np.array_equal(mask > 0, kept)


def test_only_what_is_asked_for_is_read(folder, tmp_path):
    rows = real_cts.measure({"window": real_cts.Window()}, folder[0], tmp_path, only=["more"])
    assert [row["ct"] for row in rows] == ["LungDx-A0002_B40f"]


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    with pytest.raises(real_cts.InputError, match="expected the folder of real CTs, found nothing"):
        real_cts.main(["--data", str(tmp_path / "none"), "--out", str(tmp_path)])


@pytest.mark.slow
def test_the_window_passes_on_the_real_cts(shared_data, tmp_path):
    data = shared_data / "real"
    if not data.is_dir():
        pytest.skip("the folder of real CTs is not here")
    rows = real_cts.measure({"window": real_cts.Window()}, data, tmp_path, only=["dev", "lidc"])
    held = [row for row in rows if "passed" in row]
    assert len(held) == 3 and all(row["passed"] for row in held)
    assert all(1000 < row["lung_ml"] < 9000 for row in rows)
