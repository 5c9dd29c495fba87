"""What people take away: masks, table, report, DICOM, and a data set that the other verbs read."""

import csv
import errno
import gzip
import io
import json
import sqlite3
import threading

import nibabel as nib
import numpy as np
import pytest
from app_client import Served
from matplotlib.figure import Figure
from PIL import Image

from covid3dgan.app import data_set, report
from covid3dgan.app.case_files import REMOVED, CaseFiles
from covid3dgan.app.data_set import _identity, write_data_set
from covid3dgan.app.jobs import Jobs
from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.datasets.opening import open_dataset, read_case
from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures import prediction


@pytest.fixture(scope="module")
def served(tmp_path_factory, phantom):
    """An app with its real worker, and the phantom done in it as 'served.case'."""
    root = tmp_path_factory.mktemp("saved")
    volumes.write(phantom.ct, root / "ct.nii.gz")
    with Served(root / "work", Jobs) as app:
        app.id = app.client.upload("my <ct>", {"ct.nii.gz": (root / "ct.nii.gz").read_bytes()})
        app.case = app.client.wait(app.id, "done", "failed")
        assert app.case["state"] == "done", app.case
        yield app


def saved(served, kind):
    status, headers, body = served.client.ask("GET", f"/api/cases/{served.id}/save/{kind}")
    assert status == 200, body
    assert headers["content-disposition"] == f'attachment; filename="my_ct_{kind}"'
    return body


def mask_of(content):
    image = nib.Nifti1Image.from_bytes(gzip.decompress(content))
    return np.asarray(image.dataobj), image.affine


def corrected(served):
    """Adds a block of 27 voxels to the phantom's hand volume and saves; returns (files, hand)."""
    files = CaseFiles(served.folder.case(served.id))
    hand = np.zeros(files.about["grid"]["shape"], np.uint8)
    place = np.argwhere(~files.mask() & (files.read("lungs") > 0))[1000]
    hand[tuple(slice(c, c + 3) for c in place)] = 1
    now = served.client.case(served.id)
    status, found = served.client.save_hand(served.id, hand.tobytes(order="F"), files.about["cut"], now["revision"])
    assert status == 200 and found["revision"] == now["revision"] + 1
    return files, hand


def test_the_mask_of_the_app_is_that_of_predict(served, phantom, tmp_path):
    volumes.write(phantom.ct, tmp_path / "ct.nii.gz")
    assert main(["predict", str(tmp_path / "ct.nii.gz"), str(tmp_path / "out"), "--quiet"]) == 0
    expected = nib.load(tmp_path / "out" / "ct.nii.gz")
    array, affine = mask_of(saved(served, "network.nii.gz"))
    assert np.array_equal(array, np.asarray(expected.dataobj)) and np.array_equal(affine, expected.affine)
    assert array.sum() > 50


def test_corrections_are_in_the_mask_and_not_in_the_networks(served, phantom):
    before = mask_of(saved(served, "network.nii.gz"))[0]
    files, hand = corrected(served)
    after, affine = mask_of(saved(served, "mask.nii.gz"))
    assert np.array_equal(mask_of(saved(served, "network.nii.gz"))[0], before)
    assert after.shape == phantom.ct.shape and np.allclose(affine, phantom.ct.affine)
    assert after.sum() == (files.mask(None, hand)).sum() > before.sum()
    found = served.client.case(served.id)
    assert found["hand"] == 1
    assert found["facts"]["infection_ml"] == pytest.approx(after.sum() * np.prod(phantom.ct.spacing) / 1000)


def test_a_save_from_an_older_state_or_a_second_tab_changes_nothing(served):
    files, hand = corrected(served)
    now = served.client.case(served.id)["revision"]
    status, text = served.client.save_hand(served.id, bytes(hand.size), 100, now - 1)
    assert status == 409 and "Another tab has saved this CT meanwhile" in text
    status, text = served.client.save_hand(served.id, bytes(hand.size), 100, now, tab="two")
    assert status == 409 and "is being corrected in another tab" in text
    status, text = served.client.save_hand(served.id, bytes(5), 100, now)
    assert status == 422 and "expected" in text
    assert served.client.volume(served.id, "hand") == hand.tobytes(order="F")
    assert served.client.case(served.id)["revision"] == now


def test_a_save_that_the_list_does_not_know_of_counts_for_nothing(served, monkeypatch):
    files, hand = corrected(served)
    before = served.client.case(served.id)

    def full(*_, **__):  # as kill -9 between the two would leave it
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(served.store, "change", full)
        status, text = served.client.save_hand(served.id, bytes(hand.size), 7, before["revision"])
    assert status == 507 and "The disk is full" in text
    assert served.client.case(served.id) == before
    assert served.client.volume(served.id, "hand") == hand.tobytes(order="F")
    assert served.client.save_hand(served.id, bytes(hand.size), 7, before["revision"])[0] == 200
    assert not any(served.client.volume(served.id, "hand")) and served.client.case(served.id)["threshold"] == 7


def test_old_corrections_do_not_pile_up(served):
    for _ in range(8):
        files, _ = corrected(served)
    assert 1 < len(list(files.folder.glob("hand-*.gz"))) < 8


def test_table_and_report_say_what_the_mask_says(served):
    files, hand = corrected(served)
    rows = list(csv.DictReader(io.StringIO(saved(served, "lesions.csv").decode())))
    total = float(rows[0]["infection_ml"])
    facts = served.client.case(served.id)["facts"]
    assert rows[0]["lesion"] == "all" and total == pytest.approx(facts["infection_ml"], abs=1e-3)
    assert sum(float(row["infection_ml"]) for row in rows[1:]) == pytest.approx(total, abs=0.01)
    assert {"True", "False"} == {row["changed_by_hand"] for row in rows[1:]}
    picture = Image.open(io.BytesIO(saved(served, "report.png")))
    assert picture.width > 900 and np.asarray(picture.convert("L")).std() > 20


def test_the_reports_heading_is_whole(served, monkeypatch):
    files, _ = corrected(served)
    drawn = []
    monkeypatch.setattr(report, "sheet_of_slices", lambda *args, **how: drawn.append(
        prediction.sheet_of_slices(*args, **how)) or drawn[-1])
    case = {**served.client.case(served.id), "name": "chest " * 12, "patient": "p" * 40, "date": "2020-03-14"}
    report.report_page(case, files)
    said = drawn[0]._suptitle.get_text()
    lowest = files.about["grid"]["part"][2][0] + np.flatnonzero(files.read("lungs").any((0, 1)))[0] + 1
    assert f"slice {lowest}" in [axes.get_title() for axes in drawn[0].axes]  # of the whole CT
    facts = case["facts"]
    assert "…" not in said and "2020-03-14" in said
    for side in ("right", "left"):
        assert f"{side} {facts[f'{side}_infection_ml']:.1f} ml, " in said.replace("\n", " ")


def test_reports_of_all_threads_are_drawn_in_one(served, monkeypatch):
    files, _ = corrected(served)
    drew = []
    monkeypatch.setattr(report, "sheet_of_slices", lambda *args, **how: drew.append(threading.get_ident()) or Figure())
    asked = [threading.Thread(target=report.report_page, args=(served.client.case(served.id), files)) for _ in range(2)]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join(60)
    assert len(drew) == 2 and len(set(drew)) == 1  # matplotlib's settings are the whole process's


def test_a_dicom_segmentation_is_of_dicom_alone(served):
    status, _, body = served.client.ask("GET", f"/api/cases/{served.id}/save/segmentation.dcm")
    assert status == 422 and b"expected a DICOM series for a DICOM segmentation" in body
    assert served.client.ask("GET", f"/api/cases/{served.id}/save/..%2Ffacts.json")[0] in (404, 422)


def test_the_data_set_is_read_and_evaluated_by_the_other_verbs(served, phantom, tmp_path, capsys):
    files, hand = corrected(served)
    answer = served.client.json("POST", "/api/data-set")
    assert answer["count"] == 1
    [case] = open_dataset(answer["path"])
    found = read_case(case)
    assert case.id == "my" and case.group == "covid" and found.lungs.array.any()
    assert np.array_equal(found.ct.array, phantom.ct.array)
    assert np.array_equal(found.infection.array, files.on_ct(files.mask(None, hand)).array)
    assert main(["evaluate", f"{answer['path']}/network", answer["path"], "--protocol", "per_volume"]) == 0
    dice = 2 * files.mask(None, hand * 0).sum() / (files.mask(None, hand * 0).sum() + files.mask(None, hand).sum())
    assert f"{100 * dice:.2f}" in capsys.readouterr().out


def test_a_ct_whose_lesions_were_all_deleted_is_healthy_in_the_data_set(served):
    files, hand = corrected(served)
    now = served.client.case(served.id)["revision"]
    served.client.save_hand(served.id, np.full_like(hand, REMOVED).tobytes(order="F"), files.about["cut"], now)
    [case] = open_dataset(write_data_set(served.store, served.folder, served.folder.root / "none_left")[0])
    assert case.group == "healthy" and not read_case(case).infection.array.any()


@pytest.mark.parametrize(("name", "identity"), [("scan.nii.gz", "scan"), ("a_mask_ct", "a"), ("--_ct", "ct"),
                                                ("日本", "ct"), ("x.png", "x")])
def test_patient_and_group_find_their_ct_whatever_it_is_called(served, tmp_path, name, identity):
    corrected(served)
    served.client.json("PATCH", f"/api/cases/{served.id}", {"name": name, "patient": "A, B"})
    try:
        [case] = open_dataset(write_data_set(served.store, served.folder, tmp_path / "out")[0])
    finally:
        served.client.json("PATCH", f"/api/cases/{served.id}", {"name": "my <ct>", "patient": ""})
    assert (case.id, case.patient, case.group) == (identity, "A B", "covid")
    assert case.infection.name == case.lungs.name == f"{identity}.nii.gz"


def test_names_that_a_disk_may_take_for_one_stay_apart():
    used = set()
    assert _identity({"name": "CT 1", "id": "f1"}, used) == "CT_1"
    assert _identity({"name": "ct 1.nii", "id": "f2"}, used) == "ct_1_f2"


def test_a_data_set_that_fails_leaves_nothing_and_the_same_folder_can_be_used_again(served, tmp_path, monkeypatch):
    corrected(served)
    (tmp_path / "out" / ".tmp-killed").mkdir(parents=True)
    for out in ("out", "new"):
        with monkeypatch.context() as patch:
            patch.setattr(data_set, "atomic_write_text", full_disk)
            with pytest.raises(OSError, match="No space left"):
                write_data_set(served.store, served.folder, tmp_path / out)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"] and not any((tmp_path / "out").iterdir())
    path, count = write_data_set(served.store, served.folder, tmp_path / "out")
    assert count == 1 and sorted(found.name for found in path.iterdir()) == ["cases.csv", "images", "lungs", "masks",
                                                                            "network"]
    with pytest.raises(InputError, match="expected a folder that is empty"):
        write_data_set(served.store, served.folder, path)


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_without_a_corrected_ct_there_is_no_data_set(tmp_path, capsys):
    (tmp_path / "work").mkdir()
    assert main(["app", "--export", str(tmp_path / "out"), "--work", str(tmp_path / "work")]) == 1
    assert "expected a CT that was corrected or marked as checked, found none" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_and_patients_are_kept_as_they_were_typed(served):
    said = {"name": "<script>alert(1)</script>", "patient": "A & B", "date": "2021-03-04", "checked": True}
    found = served.client.json("PATCH", f"/api/cases/{served.id}", said)
    assert {key: found[key] for key in said} == {**said, "checked": 1}
    for wrong, sentence in (({"name": " "}, b"A CT needs a name"),
                            ({"date": "4.3.2021"}, b"Expected a date as 2024-12-31")):
        status, _, body = served.client.ask("PATCH", f"/api/cases/{served.id}", json.dumps(wrong).encode())
        assert status == 400 and body.startswith(sentence)
    assert {key: served.client.case(served.id)[key] for key in said} == {**said, "checked": 1}
    served.client.json("PATCH", f"/api/cases/{served.id}", {"name": "my <ct>", "checked": False})
