"""Checkpoints survive kill -9, full disks and damage, and say what they skipped."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from covid3dgan.errors import InputError
from covid3dgan.runs.checkpoints import CheckpointStore

ARRAYS = {"a/weights/0000": np.arange(6, dtype=np.float32).reshape(2, 3), "a/optimizer/0000": np.int64(7)}


@pytest.fixture
def store(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints", keep=3)
    for step in (10, 20, 30):
        store.save(step, {**ARRAYS, "step": np.int64(step)}, {"window": {"count": step}})
    return store


def test_round_trip(store):
    found = store.load()
    assert found.step == 30 and found.info == {"window": {"count": 30}} and found.skipped == []
    np.testing.assert_array_equal(found.arrays["a/weights/0000"], ARRAYS["a/weights/0000"])
    assert found.arrays["a/optimizer/0000"].dtype == np.int64
    assert store.load(10).arrays["step"] == 10


def test_keeps_the_newest(store):
    store.save(40, ARRAYS)
    assert store.steps() == [20, 30, 40]


def test_no_checkpoint_at_all(tmp_path):
    assert CheckpointStore(tmp_path / "none").load() is None


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def _alter(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage, file, reason", [
    (_truncate, "state.npz", "does not match its checksum"), (_alter, "state.npz", "does not match its checksum"),
    (lambda p: p.unlink(), "state.npz", "is missing"), (_truncate, "checkpoint.json", ""),
    (lambda p: p.unlink(), "checkpoint.json", "No such file"),
])
def test_a_damaged_checkpoint_is_skipped_and_named(store, damage, file, reason):
    damage(store.path / "step_00000030" / file)
    found = store.load()
    assert found.step == 20
    [(name, why)] = found.skipped
    assert name == "step_00000030" and reason in why


def test_only_damaged_ones_is_an_error_that_lists_them(store):
    for step in store.steps():
        _alter(store.path / f"step_{step:08d}" / "state.npz")
    with pytest.raises(InputError, match="step_00000030 .*step_00000020 .*step_00000010"):
        store.load()


def test_pickled_objects_are_never_loaded(store):
    np.savez(store.path / "step_00000030" / "state.npz", evil=np.array([{"a": 1}], dtype=object))
    assert store.load().step == 20


WRITER = """
import sys, numpy as np
from covid3dgan.runs.checkpoints import CheckpointStore
store = CheckpointStore(sys.argv[1])
store.save(1, {"a": np.zeros(10)})
print("ready", flush=True)
step = 1
while True:
    step += 1
    store.save(step, {"a": np.full(2_000_000, step, np.float64)})
"""


def test_kill_during_a_write_leaves_a_whole_checkpoint(tmp_path):
    for delay in (0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "c")], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        found = CheckpointStore(tmp_path / "c").load()
        assert found.step == 1 or (found.arrays["a"] == found.step).all()
    store = CheckpointStore(tmp_path / "c")
    store.save(10**6, {"a": np.zeros(3)})
    assert not list(store.path.glob(".tmp-*")), "leftovers of the killed process stay behind"


def test_full_disk_keeps_the_earlier_checkpoint(store, monkeypatch):
    def full(handle, **arrays):
        handle.write(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left on device.*step 30 is intact"):
        store.save(40, ARRAYS)
    monkeypatch.undo()
    assert store.load().step == 30
    assert sorted(p.name for p in store.path.iterdir()) == [f"step_{s:08d}" for s in (10, 20, 30)]


def test_too_little_space_is_seen_before_writing(store, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(InputError, match="0 MiB free"):
        store.save(40, ARRAYS)
