"""What a benchmark is, and how its sides run, each in a process of its own.

Getting a side ready (starting Python, making its material, tracing graphs) takes longer than many a measurement and
needs no quiet. So several may get ready side by side; then each in turn measures while the others wait: all it has to
measure, or, where sides are to be compared on a machine whose speed changes, one repetition each, round by round.
"""

__all__ = ["Bench", "load", "median_after_first", "run_side", "run_sides", "wait_for_turn"]

import contextlib
import dataclasses
import importlib
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
READY = "ready to measure"
_turn = []  # holds something once this process has had its turn
_seconds = []  # of each repetition in this process


@dataclasses.dataclass(frozen=True)
class Bench:
    """One comparison.

    Args:
        title: what is measured, with the size of the work.
        unit: what the seconds are for, e.g. "step".
        sides: name -> function of ``options`` that returns a dict with ``seconds`` and, where they apply,
            ``peak_mb`` (by default that of the side's process), ``flops`` and ``dtype`` (the work of one unit) and
            ``note``. A side that cannot run here returns ``skipped``, a reason. Before the first second that
            counts it calls :func:`wait_for_turn`, or :func:`median_after_first`, which does.
        baseline: the side that the ratios refer to; None where there is nothing to compare with.
        options: keyword arguments of the sides.
        quick: what overrides some of them under --quick; None where --quick leaves the comparison out.
        quick_sides: the sides that --quick runs; all by default.
        needs: packages without which the baseline cannot run.
        alternating: whether the sides take turns, one repetition each, so that a machine whose speed changes from one
            minute to the next does not decide which side is faster; their ratio is then the median over the rounds.
        switches: side -> environment variables that its process is started with.
    """

    title: str
    unit: str
    sides: dict[str, Callable]
    baseline: str = "published"
    options: dict = dataclasses.field(default_factory=dict)
    quick: Optional[dict] = dataclasses.field(default_factory=dict)
    quick_sides: tuple = ()
    needs: tuple = ()
    alternating: bool = False
    switches: dict = dataclasses.field(default_factory=dict)


def load(name):
    """The ``BENCH`` of benchmarks/<name>.py."""
    return importlib.import_module(f"benchmarks.{name}").BENCH


def run_side(name, side, options):
    """Runs one side in a fresh process; returns its dict."""
    return next(run_sides([(name, side, options)]))


def run_sides(jobs, together=1):
    """Runs sides in fresh processes, since a peak of memory never goes down again; yields their dicts in order.

    A side that fails is reported with the last line of its error, and the others go on.

    Args:
        jobs: (name, side, options) of each.
        together: how many get ready side by side, at least all of a benchmark whose sides alternate; only one at a
            time measures.
    """
    for group, alternating in _groups(jobs, together):
        processes = [_Side(*job) for job in group]
        for process in processes:
            process.until_ready()
        while alternating and any(process.waits for process in processes):
            for process in processes:
                process.take_turn()
        for process in processes:
            yield process.measured()


def _groups(jobs, together):
    """(some of ``jobs``, whether they alternate), in order."""
    for alternating, following in itertools.groupby(jobs, lambda job: load(job[0]).alternating and job[0]):
        following = list(following)
        size = len(following) if alternating else together
        for start in range(0, len(following), size):
            yield following[start:start + size], bool(alternating)


class _Side:
    """The process of one side: it says when it is ready, and measures when it is told to."""

    def __init__(self, name, side, options):
        environment = {**os.environ, **load(name).switches.get(side, {}), "TF_CPP_MIN_LOG_LEVEL": "3",
                       "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
        self.printed, self.waits = "", False
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "--side", name, side, json.dumps(options)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def until_ready(self):
        """Returns when the side waits for its turn, or has ended."""
        self.waits = False
        for line in self.process.stdout:
            if line.strip() == READY:
                self.waits = True
                return
            self.printed += line

    def take_turn(self):
        """Lets the side do one repetition, if it has any left."""
        if self.waits:
            with contextlib.suppress(BrokenPipeError):  # it has ended
                self.process.stdin.write("go on\n")
                self.process.stdin.flush()
            self.until_ready()

    def measured(self):
        """Lets the side do what is left of its repetitions and returns its dict."""
        while self.waits:
            self.take_turn()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        if self.process.wait() == 0:
            return json.loads(self.printed.strip().splitlines()[-1])
        self.errors.seek(0)
        lines = [line for line in self.errors.read().splitlines() if line.strip()] or ["no message"]
        return {"failed": lines[-1].strip()}


def wait_for_turn(again=False):
    """Waits until no other side is at work: at the first call in a side's process, later only if ``again``."""
    if again or not _turn:
        _turn.append(True)
        print(f"\n{READY}", flush=True)
        if not sys.stdin.readline():
            sys.exit("nobody gave this side its turn: run it by 'python -m benchmarks NAME'")


def side_in_this_process(name, side, options):
    """The dict of one side, its peak memory filled in."""
    from covid3dgan.environment import peak_memory_mb
    from covid3dgan.errors import ArgumentError

    bench = load(name)
    missing = [package for package in bench.needs if importlib.util.find_spec(package) is None]
    if side == bench.baseline and missing:
        return {"skipped": f"needs {', '.join(missing)}"}
    try:
        result = bench.sides[side](**options)
    except ArgumentError as error:
        if error.subject != "precision":
            raise
        return {"skipped": str(error)}  # this processor's bfloat16 is refused
    if "seconds" in result and not _turn:
        raise RuntimeError(f"benchmark {name}, side {side}: measured without having waited for its turn")
    result.setdefault("peak_mb", peak_memory_mb())
    if _seconds:
        result["each"] = list(_seconds)
    return result


def median_after_first(step, count):
    """Median seconds of ``count`` calls of ``step()``, each in this side's turn, after one that compiles and counts
    not."""
    step()
    for repetition in range(count):
        wait_for_turn(again=repetition > 0)
        started = time.perf_counter()
        step()
        _seconds.append(time.perf_counter() - started)
    return float(np.median(_seconds))
