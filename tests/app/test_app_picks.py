"""CTs that are picked from the folder of --data: it is read for each page that opens, and may go away."""

import shutil

import pytest
from app_client import Served

from covid3dgan.app.jobs import Jobs
from covid3dgan.data import volumes


@pytest.fixture(scope="module")
def first(phantom, tmp_path_factory):
    """The phantom as a file."""
    path = tmp_path_factory.mktemp("picks") / "first.nii.gz"
    volumes.write(phantom.ct, path)
    return path


def test_a_ct_that_came_later_is_offered_and_nothing_else_can_be_named(first, tmp_path):
    cts = tmp_path / "my cts"
    cts.mkdir()
    shutil.copy(first, cts / "a.nii.gz")
    with Served(tmp_path / "work", data=cts) as app:
        assert app.client.json("GET", "/api/state")["picks"] == "my cts"
        assert app.client.json("GET", "/api/picks")["picks"] == ["a"]
        shutil.copy(first, cts / "b.nii.gz")
        assert app.client.json("GET", "/api/picks")["picks"] == ["a", "b"]
        assert app.client.case(app.client.json("POST", "/api/picks", {"id": "b"})["case"])["name"] == "b"
        status, _, body = app.client.ask("POST", "/api/picks", b'{"id": "../a"}')
        assert status == 404 and b"not in the folder of --data" in body
        shutil.rmtree(cts)
        status, _, body = app.client.ask("GET", "/api/picks")
        assert status == 422 and b"my cts" in body and app.client.json("GET", "/api/state")["cases"]


def test_a_ct_whose_folder_is_gone_fails_with_its_name_and_can_be_tried_again(first, tmp_path):
    cts = tmp_path / "cts"
    cts.mkdir()
    shutil.copy(first, cts / "a.nii.gz")
    with Served(tmp_path / "work", Jobs, data=cts) as app:
        app.client.json("GET", "/api/picks")
        cts.rename(tmp_path / "away")
        case = app.client.json("POST", "/api/picks", {"id": "a"})["case"]
        found = app.client.wait(case, "failed", "done")
        assert found["state"] == "failed" and "cts" in found["error"]
        (tmp_path / "away").rename(cts)
        app.client.json("POST", f"/api/cases/{case}/again")
        assert app.client.wait(case, "failed", "done")["state"] == "done"
