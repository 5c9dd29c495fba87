"""What a benchmark is, and how one of its sides runs in a process of its own."""

__all__ = ["Bench", "median_after_first", "run_side"]

import dataclasses
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Optional

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Bench:
    """One comparison.

    Args:
        title: what is measured, with the size of the work.
        unit: what the seconds are for, e.g. "step".
        sides: name -> function of ``options`` that returns a dict with ``seconds`` and, where they apply,
            ``peak_mb`` (by default that of the side's process), ``flops`` and ``dtype`` (the work of one unit) and
            ``note``. A side that cannot run here returns ``skipped``, a reason.
        baseline: the side that the ratios refer to; None where there is nothing to compare with.
        options: keyword arguments of the sides.
        quick: what overrides some of them under --quick; None where --quick leaves the comparison out.
        quick_sides: the sides that --quick runs; all by default.
        needs: packages without which the baseline cannot run.
    """

    title: str
    unit: str
    sides: dict[str, Callable]
    baseline: str = "published"
    options: dict = dataclasses.field(default_factory=dict)
    quick: Optional[dict] = dataclasses.field(default_factory=dict)
    quick_sides: tuple = ()
    needs: tuple = ()


def load(name):
    """The ``BENCH`` of benchmarks/<name>.py."""
    return importlib.import_module(f"benchmarks.{name}").BENCH


def run_side(name, side, options):
    """Runs one side in a fresh process, since a peak of memory never goes down again; returns its dict.

    A side that fails is reported with the last line of its error, and the others go on.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3",
                   "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, "-m", "benchmarks", "--side", name, side, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()] or ["no message"]
        return {"failed": lines[-1].strip()}
    return json.loads(done.stdout.strip().splitlines()[-1])


def side_in_this_process(name, side, options):
    """The dict of one side, its peak memory filled in."""
    from covid3dgan.environment import peak_memory_mb

    bench = load(name)
    missing = [package for package in bench.needs if importlib.util.find_spec(package) is None]
    if side == bench.baseline and missing:
        return {"skipped": f"needs {', '.join(missing)}"}
    result = bench.sides[side](**options)
    result.setdefault("peak_mb", peak_memory_mb())
    return result


def median_after_first(step, count):
    """Median seconds of ``count`` calls of ``step()``, after one that compiles and is not counted."""
    times = []
    for _ in range(count + 1):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:]))
