"""Uploads: whole or not at all, inside their folder, below their limit, and never onto a full disk."""

import collections
import errno
import http.client
import io
import json
import sqlite3
import time
import zipfile

import pytest
from app_client import Served

from covid3dgan.app import uploads
from covid3dgan.app.jobs import Jobs

Usage = collections.namedtuple("Usage", "total used free")


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path, most_bytes=10_000) as app:
        yield app


def begin(served, size=10):
    return served.client.json("POST", "/api/uploads", {"name": "ct", "bytes": size})["upload"]


def put(served, upload, name, content, **headers):
    return served.client.ask("PUT", f"/api/uploads/{upload}/file?name={name}", content, **headers)


def kept(served):
    return [path for folder in (served.folder.incoming, served.folder.sources) for path in folder.rglob("*")]


def test_files_come_in_whole_under_plain_names(served):
    case = served.client.upload("a <b>ct</b>", {"dir/1.dcm": b"one", "dir/sub/.2;rm.dcm": b"two"})
    found = served.client.case(case)
    assert found["name"] == "a <b>ct</b>" and found["state"] == "queued"
    source = served.store.get(case)["source"]
    assert source.startswith(str(served.folder.sources)) and source.endswith("/dir")
    names = sorted(path.relative_to(source).as_posix() for path in served.folder.sources.rglob("*.dcm"))
    assert names == ["1.dcm", "sub/2_rm.dcm"] and not list(served.folder.incoming.iterdir())


def test_names_that_no_disk_takes_or_no_eye_sees_are_made_plain(served):
    case = served.client.upload("a\nb \u202egpj.exe", {"\u00fc" * 200 + ".nii.gz": b"one"})
    assert served.client.case(case)["name"] == "a b gpj.exe"
    [kept_file] = served.folder.sources.rglob("*.gz")
    assert len(kept_file.name.encode()) <= 150 and kept_file.name.endswith("\u00fc.nii.gz")


def test_a_large_upload_is_refused_before_a_byte_of_it(served):
    status, _, body = served.client.ask("POST", "/api/uploads", b'{"name": "ct", "bytes": 2000000000}')
    assert status == 413 and b"Expected at most 1e-05 GB, the upload is larger" in body
    status, _, _ = put(served, begin(served), "ct.nii", b"", Content_Length="2000000000")
    assert status == 413 and not kept(served)


def test_two_gigabytes_are_the_limit_of_the_app():
    assert uploads.MOST_BYTES == 2_000_000_000


def test_an_upload_that_says_less_than_it_sends_is_stopped_at_the_limit(served):
    upload = begin(served)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    chunks = (bytes(1000) for _ in range(40))
    headers = {"Cookie": served.client.cookie, "Origin": f"http://127.0.0.1:{served.port}",
               "Transfer-Encoding": "chunked"}
    try:
        connection.request("PUT", f"/api/uploads/{upload}/file?name=ct.nii", chunks, headers,
                           encode_chunked=True)
        assert connection.getresponse().status == 413
    finally:
        connection.close()
    assert not kept(served)


@pytest.mark.parametrize("name", ["../up.nii", "/etc/up.nii", "a/../../up.nii", "C:%5Cup.nii", "..%5Cup.nii",
                                  "a%00b.nii"])
def test_a_path_out_of_the_upload_is_refused(served, tmp_path, name):
    status, _, body = put(served, begin(served), name, b"bad")
    assert status == 400 and b"leads out of its folder" in body
    assert not [path for path in tmp_path.rglob("*") if "up" in path.name]


def test_an_upload_that_breaks_off_leaves_nothing(served):
    upload = begin(served, 5000)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.putrequest("PUT", f"/api/uploads/{upload}/file?name=ct.nii")
    for name, value in (("Cookie", served.client.cookie), ("Origin", f"http://127.0.0.1:{served.port}"),
                        ("Content-Length", "5000")):
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(bytes(1000))
    connection.sock.close()
    connection.close()
    until = time.monotonic() + 20
    while kept(served) and time.monotonic() < until:
        time.sleep(0.05)
    assert not kept(served)
    assert served.client.ask("POST", f"/api/uploads/{upload}/done")[0] == 404


def test_a_disk_with_too_little_room_is_seen_before_the_upload(served, monkeypatch):
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 400_000_000))
    status, _, body = served.client.ask("POST", "/api/uploads", b'{"name": "ct", "bytes": 10}')
    assert status == 507 and b"has 0.4 GB left, too little for this" in body


def test_what_came_in_already_is_not_counted_twice(served, monkeypatch):
    def left(path):
        on_disk = sum(file.stat().st_size for file in served.folder.incoming.rglob("*") if file.is_file())
        return Usage(10**9, 10**9, 25 - on_disk)

    monkeypatch.setattr(uploads, "SPARE", 0)
    monkeypatch.setattr(uploads.shutil, "disk_usage", left)
    upload = begin(served, 20)
    assert [put(served, upload, name, bytes(10))[0] for name in ("a.dcm", "b.dcm", "c.dcm")] == [200, 200, 507]


def test_a_file_that_is_still_on_its_way_when_its_upload_is_dropped_leaves_nothing(served):
    upload = begin(served, 2000)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.putrequest("PUT", f"/api/uploads/{upload}/file?name=a/ct.nii")
    for name, value in (("Cookie", served.client.cookie), ("Origin", f"http://127.0.0.1:{served.port}"),
                        ("Content-Length", "2000")):
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(bytes(1000))
    served.client.json("DELETE", f"/api/uploads/{upload}")
    connection.send(bytes(1000))
    answer = connection.getresponse()
    assert answer.status == 404 and b"not known any more" in answer.read() and not kept(served)
    connection.close()


def test_a_list_that_cannot_be_written_is_said(served, monkeypatch):
    case = served.client.upload("ct", {"ct.nii": b"0"})

    def full(*_, **__):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(served.store, "change", full)
    status, _, body = served.client.ask("PATCH", f"/api/cases/{case}", b'{"patient": "p"}')
    assert status == 507 and b"The disk is full" in body


def test_a_disk_that_fills_up_in_the_middle_is_said_and_leaves_nothing(served, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    upload = begin(served)
    with monkeypatch.context() as patched:
        patched.setattr(uploads.os, "fsync", full)
        status, _, body = put(served, upload, "ct.nii", b"0123456789")
    assert status == 507 and b"The disk is full" in body and not kept(served)
    assert served.client.upload("ct", {"ct.nii": b"0"})


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_zip_bombs_tricks_and_nonsense_fail_with_one_sentence_each(tmp_path):
    bombs = {"bomb": ({"bomb.zip": zipped({"0.nii": bytes(300_000_000)})}, "a zip bomb"),
             "path": ({"path.zip": zipped({"../../up.nii": b"bad"})}, "files inside its own folder, found the path"),
             "no ct": ({"<img src=x onerror=alert(1)>.nii": b"nothing"}, "a NIfTI file"),
             "empty": ({"readme.txt": b"hello"}, "expected")}
    with Served(tmp_path / "work", Jobs) as app:
        cases = {name: app.client.upload(name, files) for name, (files, _) in bombs.items()}
        for name, case in cases.items():
            found = app.client.wait(case, "failed")
            assert bombs[name][1] in found["error"] and "/" + case not in json.dumps(found)
            assert "sources" not in found["error"]  # where it lies says nothing to who sent it
        assert not list(tmp_path.rglob("up*"))
        pid = app.jobs.pid
        app.client.json("POST", f"/api/cases/{cases['empty']}/again")
        assert app.client.wait(cases["empty"], "failed")["error"] and app.jobs.pid == pid
        app.client.json("DELETE", f"/api/cases/{cases['bomb']}")
        assert len(list(app.folder.sources.iterdir())) == 3
