"""Trainings in processes of their own: results, bars, threads, errors and what happens when a process is killed."""

import os
import time

import pytest

from covid3dgan import progress
from covid3dgan.errors import InputError
from covid3dgan.systems import side_by_side
from covid3dgan.training.loop import TrainingOptions


def _write_two_rows(path):
    """A job that logs two steps, and lets its parent see them."""
    path.mkdir()
    for text in ("step,loss\n3,0.5\n", "step,loss\n3,0.5\n7,0.25\n"):
        (path / "metrics.csv").write_text(text)
        time.sleep(1.5)
    return os.environ["TF_NUM_INTRAOP_THREADS"]


def _refuse(path):
    raise InputError(path, "a CT", "nothing", "name another file")


class _Bar:
    made = {}

    def __init__(self, total, description, unit):
        self.total, self.n, self.seen = total, 0, []
        self.made[description] = self

    def update(self, steps):
        self.n += steps
        self.seen.append(self.n)

    def close(self):
        self.closed = True


@pytest.mark.parametrize("workers, threads", [(2, "1"), (5, "2")])
def test_each_has_its_share_of_the_threads_and_a_bar_that_follows_its_log(tmp_path, monkeypatch, workers, threads):
    monkeypatch.setattr(progress, "bar", _Bar)
    jobs = {name: (tmp_path / name, tmp_path / name, 7) for name in ("a", "b")}
    found = {name: (seconds, result) for name, seconds, result in
             side_by_side.train_each(_write_two_rows, jobs, workers)}
    assert {name: result for name, (_, result) in found.items()} == {"a": threads, "b": threads}
    assert all(seconds >= 3 for seconds, _ in found.values())
    for bar in (_Bar.made["a"], _Bar.made["b"]):
        assert bar.total == 7 and bar.closed and set(bar.seen) >= {3, 7} and bar.seen == sorted(bar.seen)


def test_an_error_of_a_training_comes_whole(tmp_path):
    jobs = {name: (tmp_path / name, tmp_path / name, 7) for name in ("a", "b")}
    with pytest.raises(InputError, match="[ab]: expected a CT, found nothing; name another file[.]"):
        list(side_by_side.train_each(_refuse, jobs, 2))


def _process(path):
    return os.getpid(), os.environ["TF_NUM_INTRAOP_THREADS"]


def test_one_alone_has_a_process_of_its_own_too_and_all_threads(tmp_path):
    [(name, _, (process, threads))] = side_by_side.train_each(_process, {"a": (tmp_path, tmp_path, 7)}, 2)
    assert name == "a" and process != os.getpid() and threads == "2"


@pytest.mark.parametrize("execution, expected", [
    (TrainingOptions(side_by_side=True, workers=2), True), (TrainingOptions(workers=2), False),
    (TrainingOptions(side_by_side=True, strategy="mirrored"), False)])
def test_only_trainings_on_a_cpu_have_processes_of_their_own(execution, expected, monkeypatch):
    monkeypatch.setattr(side_by_side.tf.config, "list_physical_devices", lambda kind: [])
    assert side_by_side.wanted(execution) is expected
    monkeypatch.setattr(side_by_side.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    assert not side_by_side.wanted(execution)
