"""predict on what hospitals hand out: folders of patients, zip files, single files; whole cases or none."""

import json
import shutil
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import save_slice
from PIL import Image

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.inference import outputs

pytest.importorskip("ai_edge_litert")
SPACING = [6.0, 6.0]


def save_chest(folder, uid, patient, slices=12, **elements):
    """A DICOM series of a chest of two boxes of lung with a grey lump in the left one."""
    random = np.random.default_rng(0)
    for z in range(slices):
        stored = np.full((40, 48), 1064)
        stored[34:38, 22:26] = 1700  # the spine
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


def test_what_lies_in_a_zip_file_is_named_by_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    thick = np.full((40, 40, 12), -1000, np.float32)
    thick[5:35, 5:35] = 40
    thick[8:18, 10:30, 1:11] = thick[22:32, 10:30, 1:11] = -850
    volumes.write(volumes.Volume(thick, np.diag([8.0, 8.0, 20.0, 1.0])), "ct.nii.gz")
    with zipfile.ZipFile("ct.zip", "w") as archive:
        archive.write("ct.nii.gz", "of ct/a ct.nii.gz")
    assert main(["predict", "ct.zip", "out"]) == 0
    record = json.loads((tmp_path / "out/a ct.json").read_text())
    assert record["input"] == "ct.zip/of ct/a ct.nii.gz"
    assert "warning: ct.zip/of ct/a ct.nii.gz: expected slices of at most 8 mm" in capsys.readouterr().err
    assert record["warnings"][0].startswith("ct.zip/of ct/a ct.nii.gz: expected slices of at most 8 mm")


def test_an_interruption_leaves_whole_cases_and_says_how_to_go_on(clinic, tmp_path, capsys, monkeypatch):
    write, done = outputs.volumes.write, []

    def interrupted(volume, path, **named):
        done.append(path)
        write(volume, path, **named)
        if len(done) == 3:  # the mask of the second case is there, its scores are not
            raise KeyboardInterrupt

    monkeypatch.setattr(outputs.volumes, "write", interrupted)
    shutil.rmtree(clinic / "b")
    arguments = [str(clinic), str(tmp_path / "out"), "--probability"]
    assert main(["predict", *arguments]) == 1
    assert ("interrupted: 1 of 2 CTs are done and whole; the same command with --resume does the others"
            in capsys.readouterr().err)
    assert names(tmp_path / "out") == ["a.json", "a.nii.gz", "a_scores.nii.gz", "predictions.csv"]
    monkeypatch.setattr(outputs.volumes, "write", write)
    assert main(["predict", *arguments, "--resume"]) == 0
    assert names(tmp_path / "out")[3:6] == ["c.json", "c.nii.gz", "c_scores.nii.gz"]


def test_a_case_that_fails_under_overwrite_keeps_what_was_there(clinic, tmp_path, monkeypatch):
    arguments = ["predict", str(clinic / "a"), str(tmp_path / "out"), "--probability"]
    assert main(arguments) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    write = outputs.volumes.write

    def full_disk(volume, path, **named):
        if "scores" in path.name:
            raise OSError(28, "No space left on device")
        write(volume, path, **named)

    monkeypatch.setattr(outputs.volumes, "write", full_disk)
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


# === slices and pictures ===

def test_pictures_get_masks_in_their_own_size(tmp_path, capsys):
    pixels = np.asarray(pydicom.dcmread(save_chest(tmp_path / "ct", "1.2.1", "anna") / "005.dcm").pixel_array)
    grey = np.clip((pixels - 1024 + 1000) / 1400, 0, 1)  # 0 HU is stored as 1024
    big = np.kron(grey, np.ones((6, 5)))
    for name, array in (("a.png", np.rint(big * 255).astype(np.uint8)),
                        ("b.png", np.rint(big * 65535).astype(np.uint16)),
                        ("side.png", np.rint(np.rot90(big) * 255).astype(np.uint8))):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.fromarray(array).save(tmp_path / "pictures" / name)
    out = tmp_path / "out"
    assert main(["predict", str(tmp_path / "pictures"), str(out), "--window", "-1000", "400", "--probability",
                 "--overlay"]) == 0
    masks = {name: np.asarray(Image.open(out / f"{name}_mask.png")) for name in ("a", "b", "side")}
    assert masks["a"].shape == big.shape and set(np.unique(masks["a"])) == {0, 255}
    assert (masks["a"] != masks["b"]).mean() < 0.01
    turned = np.rot90(masks["side"], -1) > 0
    assert 2 * (turned & (masks["a"] > 0)).sum() / (turned.sum() + (masks["a"] > 0).sum()) > 0.9
    assert Image.open(out / "side_overlay.png").size == Image.open(out / "side_probability.png").size == big.shape
    record = json.loads((out / "side_mask.json").read_text())
    assert record["turned"] == "left" and record["hu_window"] == [-1000, 400]
    assert record["left_infection_rate_percent"] > 0
    assert "side.png: expected the patient's front up" in capsys.readouterr().err
    # What was written there does not count as input.
    assert main(["predict", str(out), str(tmp_path / "again")]) == 1


def test_one_dicom_slice_gets_a_mask_at_its_place(tmp_path):
    path = save_chest(tmp_path / "ct", "1.2.1", "anna", SliceThickness=8) / "005.dcm"
    assert main(["predict", str(path), str(tmp_path / "out")]) == 0
    mask = nibabel.load(tmp_path / "out" / "005.nii.gz")
    whole = volumes.read(tmp_path / "ct")
    assert mask.shape == (48, 40, 1) and np.asarray(mask.dataobj).sum() > 0
    np.testing.assert_allclose(mask.affine @ [3, 4, 0, 1], whole.affine @ [3, 4, 5, 1], atol=1e-4)
    assert json.loads((tmp_path / "out" / "005.json").read_text())["lung_cm2"] == pytest.approx(2 * 24 * 14 * 0.36, 0.1)


def test_a_flat_nifti_gets_a_flat_mask(tmp_path):
    ct = volumes.read(save_chest(tmp_path / "ct", "1.2.1", "anna"))
    nibabel.save(nibabel.Nifti1Image(ct.array[:, :, 5], ct.affine), tmp_path / "flat.nii.gz")
    assert main(["predict", str(tmp_path / "flat.nii.gz"), str(tmp_path / "out")]) == 0
    mask = nibabel.load(tmp_path / "out" / "flat.nii.gz")
    assert mask.shape == (48, 40) and np.asarray(mask.dataobj).sum() > 0
    np.testing.assert_allclose(mask.affine, nibabel.load(tmp_path / "flat.nii.gz").affine, atol=1e-5)


def noise(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 65535, (128, 128)).astype(np.uint16)).save(path)


def photo(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)).save(path)


def abdomen(path):
    rows, columns = np.mgrid[:128, :128]
    body = (rows - 64) ** 2 / 45 ** 2 + (columns - 64) ** 2 / 58 ** 2 < 1
    gut = (rows - 50) ** 2 + (columns - 70) ** 2 < 36
    hu = np.where(gut, -980, np.where(body, 50, -1000)) + np.random.default_rng(0).normal(0, 10, body.shape)
    Image.fromarray(np.rint(np.clip((hu + 1000) / 1400, 0, 1) * 255).astype(np.uint8)).save(path)


@pytest.mark.parametrize("make, sentence", [
    (noise, "x.png: expected a picture of a CT slice, found noise; pass a slice of a chest CT."),
    (photo, "x.png: expected a grey picture of a CT slice, found a colour picture"),
    (abdomen, "x.png: expected an axial slice of a chest CT with air-filled lungs, found no lungs; pass another")],
    ids=["noise", "photo", "abdomen"])
def test_a_picture_of_something_else_has_its_sentence_and_leaves_nothing(make, sentence, tmp_path, capsys):
    make(tmp_path / "x.png")
    assert main(["predict", str(tmp_path / "x.png"), str(tmp_path / "out")]) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments, sentence", [
    (["--window", "400", "-1000"], "--window: expected LOW below HIGH, found 400 -1000; swap them."),
    (["--window", "1"], "expected 2 arguments")])
def test_wrong_arguments(arguments, sentence, tmp_path, capsys):
    noise(tmp_path / "x.png")
    assert main(["predict", str(tmp_path / "x.png"), str(tmp_path / "out"), *arguments]) == 2
    assert sentence in capsys.readouterr().err
