"""The app in this process or in one of its own, and a client that speaks to it as the page does."""

import gzip
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import uvicorn

from covid3dgan.app.folder import WorkFolder
from covid3dgan.app.launch import _listener
from covid3dgan.app.server import build_app
from covid3dgan.app.store import Store

TOKEN = "token-of-this-test"


class Client:
    """Requests of the app's own page; ``with_cookie`` after ``enter``."""

    def __init__(self, port, token=TOKEN):
        self.port, self.token, self.cookie = port, token, None

    def ask(self, method, path, body=None, **headers):
        """(status, headers, bytes) of one request."""
        given = {"Host": f"127.0.0.1:{self.port}", "Origin": f"http://127.0.0.1:{self.port}"}
        if self.cookie:
            given["Cookie"] = self.cookie
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = b"" if body is None else body
            if "Content-Length" not in given and method not in ("GET", "HEAD"):
                given["Content-Length"] = str(len(body))
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def enter(self):
        """Opens the address of the terminal; keeps the cookie."""
        status, headers, body = self.ask("GET", f"/?token={self.token}", Origin=None)
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].split(";")[0]
        return status, headers, body

    def json(self, method, path, said=None):
        """What an API address answers; an AssertionError with its sentence where it refuses."""
        body = None if said is None else json.dumps(said).encode()
        status, _, body = self.ask(method, path, body)
        assert status == 200, (status, body.decode())
        return json.loads(body)

    def upload(self, name, files):
        """Adds {path: bytes} as one upload; returns the id of its case."""
        upload = self.json("POST", "/api/uploads", {"name": name, "bytes": sum(map(len, files.values()))})["upload"]
        for path, content in files.items():
            status, _, body = self.ask("PUT", f"/api/uploads/{upload}/file?name={quote(path)}", content)
            assert status == 200, body
        return self.json("POST", f"/api/uploads/{upload}/done")["case"]

    def case(self, identity):
        """What the list says of a case."""
        return next(case for case in self.json("GET", "/api/state")["cases"] if case["id"] == identity)

    def wait(self, identity, *states, seconds=120):
        """The case once it is in one of ``states``."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            case = self.case(identity)
            if case["state"] in states:
                return case
            time.sleep(0.1)
        raise AssertionError(f"still {case}")

    def volume(self, identity, name):
        """The unpacked bytes of a case's volume."""
        _, _, body = self.ask("GET", f"/api/cases/{identity}/volumes/{name}")
        return gzip.decompress(body) if body else b""

    def save_hand(self, identity, hand, threshold, revision, tab="one"):
        """(status, answer) of saving corrections, ``hand`` as bytes."""
        status, _, body = self.ask("PUT", f"/api/cases/{identity}/hand", gzip.compress(hand), X_Tab=tab,
                                   X_Threshold=str(threshold), X_Revision=str(revision))
        return status, json.loads(body) if status == 200 else body.decode()


class NoJobs:
    """In the place of app.jobs.Jobs where nothing is to be segmented."""

    def progress(self):
        return {}

    def wake(self):
        pass

    def cancel(self, identity):
        pass


class Served:
    """The app in a thread, as a context; ``jobs(store, folder)`` makes its queue."""

    def __init__(self, root, jobs=None, **options):
        self.root, self.make_jobs, self.options = root, jobs or (lambda store, folder: NoJobs()), options

    def __enter__(self):
        self.folder = WorkFolder(self.root)
        self.store = Store(self.folder.list)
        self.jobs = self.make_jobs(self.store, self.folder)
        if hasattr(self.jobs, "start"):
            assert self.jobs.start() is None
        listener = _listener(0)
        self.port = listener.getsockname()[1]
        app = build_app(self.store, self.folder, self.jobs, self.port, TOKEN, **self.options)
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        self.client = Client(self.port)
        self.client.enter()
        return self

    def __exit__(self, *_):
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(20)
        if hasattr(self.jobs, "stop"):
            self.jobs.stop()
        self.store.close()
        self.folder.close()


class Process:
    """``covid3dgan app`` in a process of its own, as a context."""

    def __init__(self, work, *options):
        self.command = [sys.executable, "-m", "covid3dgan", "app", "--work", str(work), "--no-browser", *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:(\d+)/\?token=(\S+))", line)
        if not found:
            raise AssertionError(self.process.communicate(timeout=20)[1])
        self.address = found[1]
        self.client = Client(int(found[2]), found[3])
        self.client.enter()
        return self

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(30)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=60)
