"""A headless Chromium for tests: its DevTools protocol over two pipes, with nothing but the standard library.

A test skips where there is no Chromium, or one that cannot start here.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# WebGL is drawn by the processor (SwiftShader); nothing looks for updates or a network.
_OPTIONS = ("--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--use-angle=swiftshader",
            "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
            "--disable-extensions", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb")

# Chromium reads commands from descriptor 3 and answers on 4: a small Python puts the pipes there and becomes Chromium.
_AT_3_AND_4 = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(pipe), fcntl.F_DUPFD, 10) for pipe in sys.argv[1:3]]
os.dup2(pipes[0], 3), os.dup2(pipes[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class NoBrowser(Exception):
    """Why there is no browser to test in."""


def find_browser():
    """The path of a Chromium, or NoBrowser; COVID3DGAN_BROWSER names one."""
    for name in (os.environ.get("COVID3DGAN_BROWSER", ""), *NAMES):
        if name and shutil.which(name):
            return shutil.which(name)
    raise NoBrowser("no Chromium on the PATH (apt-get install chromium)")


class Page:
    """One page in one browser, as a context.

    Attributes:
        requests: addresses that the page asked for, its own file apart.
        errors: console errors, exceptions and breaches of its policy.
    """

    def __init__(self, width=1280, height=800, dark=True, phone=False, timeout=240):
        self.size, self.dark, self.phone, self.timeout = (width, height), dark, phone, timeout
        self.requests, self.errors, self._count, self._unread = [], [], 0, b""

    def __enter__(self):
        self._profile = tempfile.mkdtemp()
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        command = [find_browser(), *_OPTIONS, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _AT_3_AND_4, str(theirs_in), str(theirs_out), *command],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out, self._session = ours_in, ours_out, None
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self._prepare()
        except (OSError, EOFError) as error:
            self.__exit__()
            raise NoBrowser(f"Chromium does not start here ({error})") from None
        return self

    def __exit__(self, *_):
        for descriptor in (self._in, self._out):
            os.close(descriptor)
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, path):
        """Loads a file and waits until the page says which case it shows."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.body && document.body.dataset.shown")

    def run(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression):
        """Waits until an expression is true; returns its value."""
        until = time.monotonic() + self.timeout
        while time.monotonic() < until:
            value = self.run(expression)
            if value:
                return value
            if self.errors:
                break
            time.sleep(0.1)
        raise AssertionError(f"{expression} did not become true; errors of the page: {self.errors}")

    def press(self, key, shift=False):
        """Presses and releases a key."""
        what = {"key": key, "modifiers": 8 if shift else 0, **({"text": key} if len(key) == 1 else {})}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def touch(self, *steps):
        """Moves fingers: each step is a list of (x, y), the first puts them down, after the last they are lifted."""
        for number, points in enumerate(steps):
            self.call("Input.dispatchTouchEvent", type="touchMove" if number else "touchStart",
                      touchPoints=[{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def screenshot(self, path=None):
        """The picture of the window as PNG bytes, written to ``path`` if there is one."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        if path is not None:
            path.write_bytes(data)
        return data

    def _prepare(self):
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        width, height = self.size
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=self.phone)
        self.call("Emulation.setTouchEmulationEnabled", enabled=self.phone)
        scheme = "dark" if self.dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def call(self, method, **params):
        """One command of the protocol; returns its result, having noted the events before it."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params,
                   **({"sessionId": self._session} if self._session else {})}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer.get("method"), answer.get("params", {}))

    def _read(self):
        while b"\0" not in self._unread:
            if not select.select([self._in], [], [], self.timeout)[0]:
                raise EOFError(f"no answer in {self.timeout} s")
            block = os.read(self._in, 1 << 20)
            if not block:
                raise EOFError("it ended")
            self._unread += block
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def _note(self, method, params):
        if method == "Network.requestWillBeSent" and params.get("type") != "Document":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"]["text"] + str(params["exceptionDetails"].get("exception")))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(str([part.get("value", part.get("description")) for part in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
