"""kill -9 of the server while a CT comes in, is segmented, and is saved; the next start finds all that was saved."""

import gzip
import http.client
import json

import numpy as np
import pytest
from app_client import Process

from covid3dgan.data import volumes

pytestmark = pytest.mark.usefixtures("page")


def test_what_was_saved_survives_a_kill_at_any_time(phantom, tmp_path):
    volumes.write(phantom.ct, tmp_path / "ct.nii.gz")
    content, work = (tmp_path / "ct.nii.gz").read_bytes(), tmp_path / "work"
    with Process(work) as app:  # killed while a CT comes in
        done = app.client.upload("first", {"ct.nii.gz": content})
        app.client.wait(done, "done")
        upload = app.client.json("POST", "/api/uploads", {"name": "half", "bytes": len(content)})["upload"]
        half_sent(app.client, upload, content)
        app.kill()
    with Process(work) as app:  # killed while one is segmented
        assert [case["name"] for case in app.client.json("GET", "/api/state")["cases"]] == ["first"]
        assert not list((work / "incoming").iterdir())
        waiting = app.client.upload("second", {"ct.nii.gz": content})
        app.client.wait(waiting, "running")
        app.kill()
    with Process(work) as app:  # killed in the middle of saving
        assert app.client.wait(waiting, "done")["facts"] == app.client.case(done)["facts"]
        shape = app.client.json("GET", f"/api/cases/{done}")["about"]["grid"]["shape"]
        hand = np.zeros(np.prod(shape), np.uint8)
        hand[:50] = 1
        assert app.client.save_hand(done, hand.tobytes(), 100, 0)[0] == 200
        hand[50:] = 1
        half_saved(app.client, done, gzip.compress(hand.tobytes()))
        app.kill()
    with Process(work) as app:
        found = app.client.case(done)
        assert (found["revision"], found["threshold"], found["hand"]) == (1, 100, 1)
        assert np.array_equal(np.flatnonzero(np.frombuffer(app.client.volume(done, "hand"), np.uint8)), np.arange(50))
        assert not list((work / "cases").glob(".tmp*"))


def sent(client, method, path, length, part, **headers):
    """Sends the start of a request's body, and leaves."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    connection.putrequest(method, path)
    given = {"Cookie": client.cookie, "Origin": f"http://127.0.0.1:{client.port}", "Content-Length": str(length),
             **headers}
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(part)
    return connection


def half_sent(client, upload, content):
    sent(client, "PUT", f"/api/uploads/{upload}/file?name=ct.nii.gz", len(content), content[:len(content) // 2])
    assert json.loads(client.ask("GET", "/api/state")[2])  # the server has read on


def half_saved(client, case, packed):
    sent(client, "PUT", f"/api/cases/{case}/hand", len(packed), packed[:len(packed) // 2],
         **{"X-Tab": "one", "X-Threshold": "90", "X-Revision": "1"})
    assert json.loads(client.ask("GET", "/api/state")[2])
