"""DICOM out: segmentations and secondary captures that lie voxel for voxel where the CT does."""

import dataclasses
import shutil
import subprocess

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import save_frames, save_slice
from PIL import Image

from covid3dgan import presets
from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.files.dicom_folder import list_series
from covid3dgan.data.files.dicom_overlay import write_overlays
from covid3dgan.data.files.dicom_seg import write_segmentation
from covid3dgan.errors import InputError
from covid3dgan.inference.classes import ClassPredictor

hd = pytest.importorskip("highdicom")
MODEL = ("lesions.tflite", "0123456789abcdef0123")
FRAME = "1.2.840.99.1"


@pytest.fixture
def series(tmp_path):
    """A tilted series of 4 slices of 5 x 7 pixels, its files in no order, and two masks on its grid (X, Y, Z)."""
    for place, z in enumerate((2, 0, 3, 1)):
        save_slice(tmp_path / "ct" / f"{place}.dcm", z, position=(10.0, 20.0 + 0.4 * z, -300 + 2.5 * z),
                   StudyInstanceUID="1.2.840.99.2", FrameOfReferenceUID=FRAME, PatientID="anna", SeriesNumber=3)
    [found], _ = list_series(tmp_path / "ct")
    return found


@pytest.fixture
def masks():
    random = np.random.default_rng(0)
    lungs = random.random((7, 5, 4)) < 0.7
    return {"lungs": lungs, "infection": lungs & (random.random(lungs.shape) < 0.3)}


def read_back(path, number, affine):
    """A segment of a DICOM Segmentation on the CT's grid (7, 5, 4), each frame put where it says that it lies."""
    data = pydicom.dcmread(path)
    found = np.zeros((7, 5, 4), bool)
    pixels = data.pixel_array.reshape(-1, 5, 7)
    for frame, groups in zip(pixels, data.PerFrameFunctionalGroupsSequence):
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber != number:
            continue
        x, y, z = (float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient)
        index = np.linalg.solve(affine, [-x, -y, z, 1])[:3]
        np.testing.assert_allclose(index, [0, 0, round(index[2])], atol=1e-4)
        found[:, :, round(index[2])] |= frame.T > 0
    return found


def test_a_segmentation_lies_where_the_ct_does_and_says_what_it_is(series, masks, tmp_path):
    write_segmentation(tmp_path / "seg.dcm", series, masks, MODEL)
    affine = series.read()[1]
    data = pydicom.dcmread(tmp_path / "seg.dcm")
    for number, mask in enumerate(masks.values(), 1):
        np.testing.assert_array_equal(read_back(tmp_path / "seg.dcm", number, affine), mask)
    assert data.SOPClassUID == pydicom.uid.SegmentationStorage and data.Modality == "SEG"
    assert (data.FrameOfReferenceUID, data.StudyInstanceUID, data.PatientID) == (FRAME, "1.2.840.99.2", "anna")
    referenced = {item.ReferencedSOPInstanceUID
                  for item in data.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert data.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3"
    assert referenced == {pydicom.dcmread(path).SOPInstanceUID for path in series.files}
    codes = [(s.SegmentedPropertyTypeCodeSequence[0].CodeValue, s.SegmentedPropertyTypeCodeSequence[0].CodeMeaning)
             for s in data.SegmentSequence]
    assert codes == [("39607008", "Lung"), ("52988006", "Lesion")]


def test_highdicom_reads_each_frame_beside_its_source(series, masks, tmp_path):
    write_segmentation(tmp_path / "seg.dcm", series, masks, MODEL)
    seg = hd.seg.segread(tmp_path / "seg.dcm")
    assert seg.get_segment_numbers(segment_label="Lungs") == [1] and seg.number_of_segments == 2
    sources = sorted((pydicom.dcmread(path) for path in series.files), key=lambda item: item.ImagePositionPatient[2])
    pixels = seg.get_pixels_by_source_instance([item.SOPInstanceUID for item in sources],
                                               ignore_spatial_locations=True, assert_missing_frames_are_empty=True)
    for number, mask in enumerate(masks.values()):
        np.testing.assert_array_equal(pixels[..., number] > 0, np.transpose(mask, (2, 1, 0)))


def test_frames_of_an_enhanced_ct_are_referred_to_in_their_files_order(masks, tmp_path):
    path = save_frames(tmp_path / "ct.dcm", order=(2, 0, 3, 1), StudyInstanceUID="1.2.840.99.2",
                       FrameOfReferenceUID=FRAME)
    [series], _ = list_series(path)
    write_segmentation(tmp_path / "seg.dcm", series, masks, MODEL)
    for number, mask in enumerate(masks.values(), 1):
        np.testing.assert_array_equal(read_back(tmp_path / "seg.dcm", number, series.read()[1]), mask)


def test_kinds_of_infection_have_their_own_codes(series, masks, tmp_path):
    kinds = {"GGO": masks["lungs"], "consolidation": masks["infection"]}
    write_segmentation(tmp_path / "seg.dcm", series, kinds, MODEL)
    codes = [(s.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator,
              s.SegmentedPropertyTypeCodeSequence[0].CodeValue)
             for s in pydicom.dcmread(tmp_path / "seg.dcm").SegmentSequence]
    assert codes == [("DCM", "112120"), ("SCT", "9656002")]


class FixedClasses(ClassPredictor):
    """Classes drawn by chance, the same at each call."""

    kinds = ("GGO", "consolidation")

    def probabilities(self, images):
        return np.random.default_rng(len(images)).dirichlet(np.ones(3), images.shape[:3]).astype(np.float32)


def test_a_network_of_classes_writes_a_segment_for_each(series, tmp_path):
    predictor = FixedClasses(None, None, presets.get("ssinfnet/demo"), {"file": "x/ssinfnet.tflite", "sha256": "ab12"},
                             "dicom-seg")
    [item] = predictor.find(tmp_path / "ct")
    paths = predictor.paths(item, tmp_path, False, False)
    assert paths["mask"].name == "ct_classes.dcm"
    predictor.predict_file(item, paths)
    labels = predictor.predict_volume(volumes.read(tmp_path / "ct")).labels
    for number in (1, 2):
        assert (labels == number).any()
        np.testing.assert_array_equal(read_back(paths["mask"], number, series.read()[1]), labels == number)
    said = [s.SegmentLabel for s in pydicom.dcmread(paths["mask"]).SegmentSequence]
    assert said == ["Ground glass opacity", "Consolidation"]
    with pytest.raises(InputError, match="expected a DICOM series for --format dicom-seg, found another kind of file"):
        predictor.paths(dataclasses.replace(item, series=None), tmp_path, False, False)


def test_a_ct_without_a_frame_of_reference_has_its_sentence(masks, tmp_path):
    for z in range(4):
        save_slice(tmp_path / "ct" / f"{z}.dcm", z, StudyInstanceUID="1.2.840.99.2")
    [series], _ = list_series(tmp_path / "ct")
    with pytest.raises(InputError, match="ct: expected FrameOfReferenceUID, which other DICOM files refer to, found"):
        write_segmentation(tmp_path / "seg.dcm", series, masks, MODEL)
    assert not (tmp_path / "seg.dcm").exists()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian's dicom3tools) is not installed")
@pytest.mark.parametrize("kind", ["seg", "overlay"])
def test_dciodvfy_finds_no_error(kind, series, masks, tmp_path):
    if kind == "seg":
        write_segmentation(tmp_path / "out.dcm", series, masks, MODEL)
        path = tmp_path / "out.dcm"
    else:
        array, _ = series.read()
        write_overlays(tmp_path / "out", series, array, masks["infection"], masks["lungs"])
        path = tmp_path / "out" / "0001.dcm"
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True).stderr
    # The CT of this test has no patient's and study's names and dates to copy; the standard allows them to be empty.
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_secondary_captures_show_infection_red_at_the_slices_places(series, masks, tmp_path):
    array = np.full((7, 5, 4), -600.0)  # grey 127.5
    write_overlays(tmp_path / "out", series, array, masks["infection"], masks["lungs"])
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["0001.dcm", "0002.dcm", "0003.dcm", "0004.dcm"]
    sources = sorted((pydicom.dcmread(path) for path in series.files), key=lambda item: item.ImagePositionPatient[2])
    for z, (path, source) in enumerate(zip(files, sources)):
        data = pydicom.dcmread(path)
        assert data.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert data.ImagePositionPatient == source.ImagePositionPatient and data.StudyInstanceUID == "1.2.840.99.2"
        red = data.pixel_array[..., 0].astype(int) - data.pixel_array[..., 2] > 60
        np.testing.assert_array_equal(red, masks["infection"][:, :, z].T)
        outside = ~masks["lungs"][:, :, z].T
        assert set(np.unique(data.pixel_array[outside])) <= {127, 128}


@pytest.mark.parametrize("form, name", [("dicom-seg", "ct.dcm"), ("dicom-overlay", "ct")])
def test_predict_writes_them(form, name, tmp_path):
    pytest.importorskip("ai_edge_litert")
    from test_predict_dicom import save_chest

    folder = save_chest(tmp_path / "ct", "1.2.1", "anna", FrameOfReferenceUID=FRAME)
    assert main(["predict", str(folder), str(tmp_path / "nifti")]) == 0
    arguments = ["predict", str(folder), str(tmp_path / "out"), "--format", form, "--probability"]
    assert main(arguments) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        [name, "ct.json", "ct_scores.nii.gz", "predictions.csv"])
    assert main([*arguments, "--resume"]) == 0 and main(arguments) == 1 and main([*arguments, "--overwrite"]) == 0
    if form == "dicom-seg":
        mask = np.asarray(nibabel.load(tmp_path / "nifti" / "ct.nii.gz").dataobj)
        seg = hd.seg.segread(tmp_path / "out" / name)
        ct = volumes.read(folder)
        sources = [pydicom.dcmread(path).SOPInstanceUID for path in sorted(folder.iterdir())]
        pixels = seg.get_pixels_by_source_instance(sources, ignore_spatial_locations=True,
                                                   assert_missing_frames_are_empty=True)
        np.testing.assert_array_equal(np.transpose(pixels[..., 1], (2, 1, 0)) > 0, mask > 0)
        assert mask.shape == ct.shape
    else:
        assert len(list((tmp_path / "out" / name).iterdir())) == 12


def test_another_input_than_dicom_has_its_sentence(tmp_path, capsys):
    pytest.importorskip("ai_edge_litert")
    affine = np.diag([2.0, 2, 2, 1])
    nibabel.save(nibabel.Nifti1Image(np.zeros((8, 8, 8), np.int16), affine), tmp_path / "x.nii.gz")
    Image.new("L", (64, 64)).save(tmp_path / "x.png")
    for name in ("x.nii.gz", "x.png"):
        assert main(["predict", str(tmp_path / name), str(tmp_path / "out"), "--format", "dicom-seg"]) == 1
        assert (f"{tmp_path / name}: expected a DICOM series for --format dicom-seg, found another kind of file"
                in capsys.readouterr().err)
