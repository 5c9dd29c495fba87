"""The queue: hands cases to the worker one by one, follows it, and starts it again when it dies."""

__all__ = ["Jobs"]

import contextlib
import multiprocessing
import secrets
import sqlite3
import threading
import time

from covid3dgan.app.store import CANCELLED, DONE, FAILED, QUEUED, RUNNING
from covid3dgan.app.worker import STAGES, work
from covid3dgan.errors import InputError

MOST_TRIES = 2
# Seconds for a million voxels until this machine has been timed.
_FIRST_GUESS = {"read": 0.03, "lungs": 0.13, "network": 0.15}
_USUAL = 30e6  # voxels of a CT that was not read yet, until one was


class Jobs:
    """Runs in a thread of its own, from ``start`` to ``stop``.

    Args:
        store: app.store.Store.
        folder: app.folder.WorkFolder.
        model: as ``load_predictor`` takes it.
        target: what the worker process runs; see app.worker.work.
    """

    patience = 5  # seconds before the list is tried again where it could not be written

    def __init__(self, store, folder, model=None, target=work):
        self.store, self.folder, self.model, self.target = store, folder, model, target
        self.described, self.problem = None, None
        self._wake, self._stop, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.RLock()
        self._now, self._process, self._connection = None, None, None
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self, seconds=120):
        """Starts the worker and waits until its network is loaded; returns an InputError where it is not, else None."""
        self._thread.start()
        if not self._ready.wait(seconds):
            self.problem = InputError("the network", f"it loaded within {seconds} s", "it still at that", "try again")
        return self.problem

    def stop(self):
        """Ends the worker; a case at work waits for the next start."""
        self._stop.set()
        self._wake.set()
        self._kill()
        self._thread.join(10)

    def wake(self):
        """To be called when a case was added."""
        self._wake.set()

    @property
    def pid(self):
        """Of the worker."""
        return self._process.pid if self._process else None

    def cancel(self, identity):
        """Takes a case out of the queue, or stops the work on it: the worker ends and another begins."""
        with self._lock:
            case = self.store.get(identity)
            if case is None or case["state"] not in (QUEUED, RUNNING):
                return
            self.store.change(identity, state=CANCELLED, error=None)
            if self._now and self._now["job"] == identity:
                self._kill()

    def again(self, identity):
        """Puts a case back into the queue."""
        self.store.change(identity, state=QUEUED, error=None, tries=0)
        self.wake()

    def progress(self):
        """{id: {"stage", "left": seconds}} of the cases at work and in the queue, in their order."""
        with self._lock:
            now = dict(self._now) if self._now else None
        found, total = {}, 0.0
        if now:
            spent = time.monotonic() - now["since"]
            later = STAGES[STAGES.index(now["stage"]) + 1:]
            total = max(0.5, self._seconds(now["stage"], now["voxels"]) - spent)
            total += sum(self._seconds(stage, now["voxels"]) for stage in later)
            found[now["job"]] = {"stage": now["stage"], "left": round(total)}
        waiting = [case for case in reversed(self.store.all()) if case["state"] == QUEUED]
        for case in waiting:
            total += sum(self._seconds(stage, self._usual) for stage in STAGES)
            found[case["id"]] = {"stage": "waiting", "left": round(total)}
        return found

    # === the thread ===

    def _run(self):
        failed = False
        while not self._stop.is_set():
            if self._process is None or not self._process.is_alive():
                self._begin()
                if self.problem:
                    return
            try:
                if failed:
                    self.store.requeue()
                    failed = False
                case = self.store.next()
                if case is None:
                    self._wake.wait(0.5)
                    self._wake.clear()
                    continue
                self._do(case)
            except sqlite3.Error:  # a full disk: what was at work begins anew once the list can be written
                failed = True
                with self._lock:
                    self._now = None
                self._kill()
                self._stop.wait(self.patience)

    def _begin(self):
        """A new worker, whose network is loaded."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=self.target, args=(theirs, self.model), daemon=True)
        self._process.start()
        theirs.close()
        message = self._listen() or {}
        if "ready" in message:
            self.described = message["ready"]
        elif not self._stop.is_set() and not self._ready.is_set():
            self.problem = message.get("fatal") or InputError(
                "the network", "a process that holds it", "one that ended at once, most often for want of memory",
                "close other programs and try again")
        elif not self._stop.is_set():
            time.sleep(1)  # it ended while its network was loaded; the next may live
        self._ready.set()

    def _do(self, case):
        identity = case["id"]
        with self._lock:
            now = self.store.get(identity)
            if now is None or now["state"] != QUEUED:
                return  # removed or stopped since it was looked up
            self.store.change(identity, state=RUNNING, tries=case["tries"] + 1)
            self._now = {"job": identity, "stage": "read", "since": time.monotonic(), "voxels": self._usual}
        with contextlib.suppress(OSError):  # a dead worker: seen below
            self._connection.send({"job": identity, "source": case["source"], "item": case["item"],
                                   "folder": str(self.folder.case(identity)),
                                   "half_done": str(self.folder.half_done(identity))})
        while True:
            message = self._listen()
            if message is None or self._take(case, message):
                break
        with self._lock:
            self._now = None
            if message is None and not self._stop.is_set():
                self._died(identity)

    def _take(self, case, message):
        """Notes what the worker says; True when it is done with the case."""
        identity = case["id"]
        with self._lock:
            if "stage" in message:
                now = self._now
                if now["stage"] != "read":  # reading depends on the disk and on compression
                    self._timed(now)
                else:
                    self.store.keep_speed("voxels", message["voxels"])
                now.update(stage=message["stage"], since=time.monotonic(), voxels=message["voxels"])
            elif "found" in message:
                self.store.found(case, message["found"], {secrets.token_hex(8): other for other in message["others"]})
            elif self.store.get(identity) is None or self.store.get(identity)["state"] != RUNNING:
                return True  # cancelled in the last moment
            elif "done" in message:
                if self._now["stage"] == "network":
                    self._timed(self._now)
                kept = {key: value for key, value in message["about"].items() if not case[key]}
                self.store.change(identity, state=DONE, error=None, facts=message["done"], **kept)
            elif "failed" in message:
                self.store.change(identity, state=FAILED, error=message["failed"])
        return "done" in message or "failed" in message

    def _timed(self, now):
        self.store.keep_speed(now["stage"], (time.monotonic() - now["since"]) / (now["voxels"] / 1e6))

    @property
    def _usual(self):
        return self.store.speeds().get("voxels", _USUAL)

    def _seconds(self, stage, voxels):
        return self.store.speeds().get(stage, _FIRST_GUESS[stage]) * voxels / 1e6

    def _died(self, identity):
        """The worker ended in the middle: once more, then it is said."""
        case = self.store.get(identity)
        if case is None or case["state"] != RUNNING:
            return
        if case["tries"] < MOST_TRIES:
            self.store.change(identity, state=QUEUED)
        else:
            self.store.change(identity, state=FAILED, error="The process that does the work ended twice on this CT, "
                              "most often for want of memory; close other programs and try again.")

    def _listen(self):
        """The next message of the worker; None when it has ended."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return None

    def _kill(self):
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join(10)
