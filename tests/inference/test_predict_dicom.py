"""predict on what hospitals hand out: folders of patients, zip files, single files; whole cases or none."""

import json
import shutil
import zipfile

import nibabel
import numpy as np
import pytest
from dicom_files import save_slice

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.inference import lesions

pytest.importorskip("ai_edge_litert")
SPACING = [6.0, 6.0]


def save_chest(folder, uid, patient, slices=12, **elements):
    """A DICOM series of a chest of two boxes of lung with a grey lump in the left one."""
    random = np.random.default_rng(0)
    for z in range(slices):
        stored = np.full((40, 48), 1064)
        stored[10:34, 6:20] = stored[10:34, 28:42] = 174
        if 4 <= z < 8:
            stored[14:22, 30:38] = 724
        stored = (stored + random.normal(0, 8, stored.shape)).astype(np.int16)
        save_slice(folder / f"{z:03d}.dcm", z, position=(-140, -120, 8.0 * z), series=uid, pixels=stored,
                   PixelSpacing=SPACING, RescaleSlope=1, PatientID=patient, StudyInstanceUID=f"{uid}.1", **elements)
    return folder


@pytest.fixture
def clinic(tmp_path):
    """Three patients, one of them with a segmentation in place of a CT."""
    folder = tmp_path / "clinic"
    save_chest(folder / "a", "1.2.1", "anna")
    save_chest(folder / "b", "1.2.2", "bo", Modality="SEG")
    save_chest(folder / "c", "1.2.3", "carl")
    return folder


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_each_patient_gets_a_mask_and_the_one_without_a_ct_a_sentence(clinic, tmp_path, capsys):
    assert main(["predict", str(clinic), str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert f"{clinic / 'b'}: expected a CT series, found a segmentation (SEG) of 12 images; pass the CT itself." in said
    assert "2 of 3 CTs done" in said
    assert names(tmp_path / "out") == ["a.json", "a.nii.gz", "c.json", "c.nii.gz", "predictions.csv"]
    record = json.loads((tmp_path / "out" / "a.json").read_text())
    assert record["dicom"] == {"series_uid": "1.2.1", "series_number": "", "series_description": "", "slices": 12}
    mask, ct = nibabel.load(tmp_path / "out" / "a.nii.gz"), volumes.read(clinic / "a")
    assert mask.shape == ct.shape and np.asarray(mask.dataobj).sum() > 0
    np.testing.assert_allclose(mask.affine, ct.affine, atol=1e-5)


def test_a_zip_file_gives_the_masks_of_its_folder(clinic, tmp_path, capsys):
    main(["predict", str(clinic / "a"), str(tmp_path / "folder")])
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for path in (clinic / "a").iterdir():
            archive.write(path, f"DICOM/{path.name}")
    assert main(["predict", str(tmp_path / "scan.zip"), str(tmp_path / "out")]) == 0
    assert names(tmp_path / "out") == ["predictions.csv", "scan.json", "scan.nii.gz"]
    assert (tmp_path / "out/scan.nii.gz").read_bytes() == (tmp_path / "folder/a.nii.gz").read_bytes()
    assert json.loads((tmp_path / "out/scan.json").read_text())["input"] == f"{tmp_path / 'scan.zip'}/DICOM"
    shutil.rmtree(clinic / "a")
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        for path in (clinic / "b").iterdir():
            archive.write(path, path.name)
    assert main(["predict", str(tmp_path / "bad.zip"), str(tmp_path / "out2")]) == 1
    assert f"{tmp_path / 'bad.zip'}: expected a CT series" in capsys.readouterr().err
    assert not (tmp_path / "out2").exists()


def test_an_interruption_leaves_whole_cases_and_says_how_to_go_on(clinic, tmp_path, capsys, monkeypatch):
    write, done = lesions.volumes.write, []

    def interrupted(volume, path, **named):
        done.append(path)
        write(volume, path, **named)
        if len(done) == 3:  # the mask of the second case is there, its scores are not
            raise KeyboardInterrupt

    monkeypatch.setattr(lesions.volumes, "write", interrupted)
    shutil.rmtree(clinic / "b")
    arguments = [str(clinic), str(tmp_path / "out"), "--probability"]
    assert main(["predict", *arguments]) == 1
    assert ("interrupted: 1 of 2 CTs are done and whole; the same command with --resume does the others"
            in capsys.readouterr().err)
    assert names(tmp_path / "out") == ["a.json", "a.nii.gz", "a_scores.nii.gz", "predictions.csv"]
    monkeypatch.setattr(lesions.volumes, "write", write)
    assert main(["predict", *arguments, "--resume"]) == 0
    assert names(tmp_path / "out")[3:6] == ["c.json", "c.nii.gz", "c_scores.nii.gz"]


def test_a_case_that_fails_under_overwrite_keeps_what_was_there(clinic, tmp_path, monkeypatch):
    arguments = ["predict", str(clinic / "a"), str(tmp_path / "out"), "--probability"]
    assert main(arguments) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    write = lesions.volumes.write

    def full_disk(volume, path, **named):
        if "scores" in path.name:
            raise OSError(28, "No space left on device")
        write(volume, path, **named)

    monkeypatch.setattr(lesions.volumes, "write", full_disk)
    assert main([*arguments, "--overwrite"]) == 1
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_no_permission_is_a_sentence(clinic, tmp_path, capsys, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(clinic / "a"))

    monkeypatch.setattr("covid3dgan.data.files.dicom.files_in", closed)  # root may read everything
    assert main(["predict", str(clinic), str(tmp_path / "out")]) == 1
    assert (f"{clinic / 'a'}: expected files that may be read, found no permission; change their access rights."
            in capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
