"""The queue: one case after the other, cancelled, started again when the worker is killed, kept over a restart."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import app_workers
import pytest
from app_client import Served

from covid3dgan.app.folder import WorkFolder
from covid3dgan.app.jobs import Jobs
from covid3dgan.app.seats import EXPIRES, Seats
from covid3dgan.app.store import Store
from covid3dgan.app.uploads import offer_again
from covid3dgan.errors import InputError


@pytest.fixture
def queue(tmp_path):
    """A running queue whose worker is app_workers.slow."""
    folder = WorkFolder(tmp_path)
    store = Store(folder.list)
    jobs = Jobs(store, folder, target=app_workers.slow)
    assert jobs.start() is None
    yield jobs
    jobs.stop()
    store.close()
    folder.close()


def until(queue, case, *states, stage=None):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = queue.store.get(case)
        if found["state"] in states and (stage is None or queue.progress().get(case, {}).get("stage") == stage):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def add(queue, *names):
    for name in names:
        queue.store.add(name, f"/nowhere/{name}", False, None, name)
    queue.wake()


def test_cases_are_done_in_their_order_with_what_the_ct_says(queue):
    add(queue, "one", "two")
    until(queue, "two", "done")
    found = queue.store.get("one")
    assert found["state"] == "done" and found["facts"] == {"infection_ml": 1.0} and found["patient"] == "p"


def test_waiting_cases_say_how_long(queue):
    add(queue, "slow", "second", "third")
    until(queue, "slow", "running", stage="lungs")
    said = queue.progress()
    assert said["second"]["stage"] == "waiting"
    assert 0 < said["slow"]["left"] < said["second"]["left"] < said["third"]["left"]


def test_cancelling_stops_the_case_at_work_and_the_next_begins(queue):
    add(queue, "slow", "second", "third")
    until(queue, "slow", "running", stage="lungs")
    queue.cancel("second")
    queue.cancel("slow")
    until(queue, "third", "done")
    assert queue.store.get("slow")["state"] == queue.store.get("second")["state"] == "cancelled"
    queue.cancel("third")
    assert queue.store.get("third")["state"] == "done"


def test_a_worker_that_is_killed_is_started_again_and_the_case_with_it(queue):
    add(queue, "slow")
    until(queue, "slow", "running", stage="lungs")
    first = queue.pid
    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 60
    while queue.pid == first and time.monotonic() < end:
        time.sleep(0.02)
    found = until(queue, "slow", "running", stage="lungs")
    assert found["tries"] == 2 and queue.pid != first


def test_a_case_that_ends_the_worker_twice_is_said_and_the_others_go_on(queue):
    add(queue, "dies", "after")
    assert "ended twice on this CT, most often for want of memory" in until(queue, "dies", "failed")["error"]
    until(queue, "after", "done")
    queue.again("dies")
    assert until(queue, "dies", "failed")["tries"] == 2


def test_a_case_at_work_when_the_server_ended_waits_at_the_next_start(tmp_path):
    store = Store(tmp_path / "app.sqlite")
    store.add("one", "/nowhere/ct", False, None, "one")
    store.change("one", state="running", tries=1)
    store._database.close()  # as kill -9 leaves it
    store = Store(tmp_path / "app.sqlite")
    assert store.get("one")["state"] == "queued" and store.next()["id"] == "one"
    store.close()


def test_a_case_that_is_removed_while_it_is_taken_up_stops_nothing(queue, monkeypatch):
    ghosts = [{"id": "gone", "source": "/nowhere/gone", "item": None, "tries": 0}]
    real = queue.store.next
    monkeypatch.setattr(queue.store, "next", lambda: ghosts.pop() if ghosts else real())
    add(queue, "one")
    until(queue, "one", "done")
    assert not ghosts


def test_a_case_at_work_is_removed_and_the_next_begins(tmp_path):
    with Served(tmp_path, lambda store, folder: Jobs(store, folder, target=app_workers.slow)) as app:
        add(app.jobs, "slow", "second")
        until(app.jobs, "slow", "running", stage="lungs")
        app.client.json("DELETE", "/api/cases/slow")
        until(app.jobs, "second", "done")
        assert [case["id"] for case in app.store.all()] == ["second"]


def test_a_list_that_cannot_be_written_is_tried_again(queue, monkeypatch):
    monkeypatch.setattr(queue, "patience", 0.05)
    real, failures = queue.store.change, [3]

    def full(identity, **values):
        if values.get("state") == "done" and failures[0]:
            failures[0] -= 1
            raise sqlite3.OperationalError("database or disk is full")
        real(identity, **values)

    monkeypatch.setattr(queue.store, "change", full)
    add(queue, "one", "two")
    until(queue, "two", "done")
    assert queue.store.get("one")["state"] == "done" and failures == [0]


def test_the_cts_of_one_source_are_listed_together_or_not_at_all(tmp_path):
    store = Store(tmp_path / "app.sqlite")
    store.add("one", tmp_path / "sources" / "u", True, None, "folder")
    with pytest.raises(sqlite3.IntegrityError):
        store.found(store.get("one"), "a", {"two": "b", "one": "c"})
    assert store.get("one")["item"] is None and len(store.all()) == 1
    store.found(store.get("one"), "a", {"two": "b", "three": "c"})
    assert [(case["item"], case["source"], case["owned"]) for case in store.all()] == [
        (item, str(tmp_path / "sources" / "u"), 1) for item in "cba"]
    store.close()


def test_a_work_folder_may_be_named_from_elsewhere_or_moved(tmp_path, monkeypatch):
    (tmp_path / "cts").mkdir()
    (tmp_path / "cts" / "a.nii").write_bytes(b"0")
    monkeypatch.chdir(tmp_path)
    with Served("work", data="cts") as app:
        one = app.client.upload("up", {"up.nii": b"0"})
        picked = app.client.json("POST", "/api/picks", {"id": "a"})["case"]
    (tmp_path / "work").rename(tmp_path / "moved")
    monkeypatch.chdir("/")
    with Served(tmp_path / "moved") as app:
        assert Path(app.store.get(one)["source"]).read_bytes() == b"0"
        assert app.store.get(picked)["source"] == str(tmp_path / "cts")
        app.client.json("DELETE", f"/api/cases/{one}")
        assert not list(app.folder.sources.iterdir())


def test_an_upload_that_came_in_whole_but_is_in_no_list_is_offered_again(tmp_path):
    with Served(tmp_path) as app:
        known = app.client.upload("known", {"a.nii": b"0"})
        lost = app.client.json("POST", "/api/uploads", {"name": "lost", "bytes": 1})["upload"]
        assert app.client.ask("PUT", f"/api/uploads/{lost}/file?name=lost.nii.gz", b"1")[0] == 200
        (app.folder.incoming / lost).rename(app.folder.sources / lost)  # kill -9 comes here
        for _ in range(2):
            offer_again(app.store, app.folder)
        assert [case["name"] for case in app.store.all()] == ["lost", "known"]
        found = app.store.all()[0]
        assert Path(found["source"]).read_bytes() == b"1" and found["state"] == "queued" and found["id"] != known


def test_a_network_that_cannot_be_loaded_is_one_sentence(tmp_path):
    folder = WorkFolder(tmp_path)
    store = Store(folder.list)
    jobs = Jobs(store, folder, "lost.tflite", app_workers.fatal)
    assert str(jobs.start()) == "lost.tflite: expected a network, found none; name another."
    jobs.stop()


def test_a_work_folder_belongs_to_one_server_and_forgets_what_is_half_done(tmp_path):
    first = WorkFolder(tmp_path)
    (first.incoming / "half").mkdir()
    first.half_done("case").mkdir()
    (first.case("whole")).mkdir()
    with pytest.raises(InputError, match="a work folder that no other app uses, found one that is in use"):
        WorkFolder(tmp_path)
    first.close()
    again = WorkFolder(tmp_path)
    assert not list(again.incoming.iterdir()) and [path.name for path in again.cases.iterdir()] == ["whole"]
    again.close()


def test_the_first_tab_corrects_and_a_later_one_looks():
    now = [0.0]
    seats = Seats(lambda: now[0])
    assert seats.claim("case", "one") and seats.claim("case", "one") and not seats.claim("case", "two")
    assert seats.claim("other", "two")
    assert seats.claim("case", "two", take=True) and not seats.claim("case", "one")
    now[0] += EXPIRES + 1  # the second tab was closed without a word
    assert seats.claim("case", "one")
    seats.leave("case", "two")
    assert not seats.claim("case", "two")
    seats.leave("case", "one")
    assert seats.claim("case", "two")
