"""Trainings in processes of their own, and side by side: on a CPU two small networks take little longer than one.

A step of the demo's segmenter takes as long on one core by itself as on two cores together
(docs/experiments/longer-trainings.md). And what
a training took of the memory is given back when its process ends; TensorFlow keeps it for as long as there is one.
"""

__all__ = ["train_each", "wanted"]

import csv
import time

import tensorflow as tf

from covid3dgan import processes, progress


def wanted(execution):
    """Whether trainings are to have processes of their own; on a GPU, which one of them fills, never."""
    return execution.side_by_side and execution.strategy == "none" and not tf.config.list_physical_devices("GPU")


def train_each(train, jobs, workers):
    """Yields (name, seconds, result) as the trainings end; one whose process was killed is not among them.

    Args:
        train: a function of one job at the top of its module.
        jobs: name -> (job, run directory, steps); what the directory's metrics.csv says moves the job's bar.
        workers: processes at once, and threads of all of them together.
    """
    bars = {name: progress.bar(total=steps, description=name, unit="step") for name, (_, _, steps) in jobs.items()}

    def look():
        for name, (_, path, _) in jobs.items():
            bars[name].update(_step(path) - bars[name].n)

    pending = [(train, name, job) for name, (job, _, _) in jobs.items()]
    threads = max(1, workers // len(jobs))
    try:
        for (_, name, _), done in processes.each(_timed, pending, workers, threads, look, apart=True):
            if done is not None:
                yield (name, *done)
    finally:
        for bar in bars.values():
            bar.close()


def _timed(job):
    """What a process does: (seconds, result)."""
    train, _, arguments = job
    started = time.perf_counter()
    result = train(arguments)
    return time.perf_counter() - started, result


def _step(path):
    """The last step that a run has logged; 0 before the first."""
    try:
        with open(path / "metrics.csv", newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        return int(rows[-1]["step"]) if rows else 0
    except (FileNotFoundError, ValueError, TypeError):  # not begun, or a row half written
        return 0
