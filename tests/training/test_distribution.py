"""Many workers and devices: the numbers of one process, one writer, an honest end where a worker dies, refusals."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.batches.pipelines import GAN_AXES
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.errors import ArgumentError
from covid3dgan.runs.following import FollowedRun
from covid3dgan.training import devices
from covid3dgan.training.devices import Devices, share
from covid3dgan.training.loop import TrainingOptions

SHAPE = (16, 16, 16)
OPTIONS = ["--preset", "shabani/demo", "--set", "gan.volume_shape=16,16,16", "--set", "gan.generator_width=2",
           "--set", "gan.discriminator_width=4", "--set", "gan.log_every=1", "--set", "gan.checkpoint_every=5",
           "--precision", "float32", "--seed", "1", "--debug"]
LOSSES = ("reconstruction_loss", "discriminator_loss", "generator_loss")


def test_a_share_is_cut_along_each_arrays_batch_axis():
    batch = {"clean": np.arange(8).reshape(2, 4), "covid": np.arange(4), "step": np.int64(7)}
    first, second = (share(batch, index, 2, GAN_AXES) for index in range(2))
    assert first["clean"].tolist() == [[0, 1], [4, 5]] and second["clean"].tolist() == [[2, 3], [6, 7]]
    assert first["covid"].tolist() == [0, 1] and second["covid"].tolist() == [2, 3]
    assert first["step"] == second["step"] == 7


def test_a_batch_that_does_not_divide_is_refused():
    devices = Devices(worker=0, workers=3)
    devices.replicas = 3
    with pytest.raises(ArgumentError, match=r"gan.batch_size: expected a batch that divides by 6 .*found 4"):
        devices.share_batch(4, "gan.batch_size", accumulate=2)


@pytest.mark.parametrize("value", [None, "{", '{"cluster": {"worker": ["a:1"]}}',
                                   '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
                                   '{"cluster": {"ps": ["b:1"]}, "task": {"type": "ps", "index": 0}}'])
def test_an_unusable_tf_config_is_named(monkeypatch, value):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    with pytest.raises(ArgumentError, match="TF_CONFIG: expected a cluster of workers"):
        devices.start_devices("multi_worker")


def test_float16_and_networks_that_do_not_take_a_strategy_are_refused():
    with pytest.raises(ArgumentError, match="--precision: expected float32 or mixed_bfloat16"):
        TrainingOptions(strategy="mirrored", precision="mixed_float16").devices()
    with pytest.raises(ArgumentError, match="--strategy: expected a network that takes it, found transunet"):
        TrainingOptions(strategy="mirrored").refuse_scaling("transunet")
    TrainingOptions(accumulate=2).refuse_scaling("gan", "accumulate")


def test_a_worker_that_is_not_the_chief_writes_nothing(tmp_path):
    run = FollowedRun.start(tmp_path / "run", "gan", presets.get("shabani/demo"), 1, details={"precision": "float32"})
    run.update(collapse={})
    run.log(1, {"loss": 1.0})
    run.checkpoints.save(1, {"a": np.zeros(1)})
    run.board.image("panel", None, 1)
    run.finish(step=1)
    assert run.manifest["status"] == "done" and not (tmp_path / "run").exists()


# === Two devices, or two worker processes, on this machine ===

@pytest.fixture
def cases(tmp_path):
    """Four healthy and four infected cases of noise."""
    rng, folder = np.random.default_rng(0), tmp_path / "cases"
    folder.mkdir()
    for number in range(8):
        lungs, infection = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32)
        lungs[2:-2, 2:-2, 2:-2] = 1
        infection[5:9, 5:9, 5:9] = number % 2
        volume = (rng.random(SHAPE, np.float32) * 0.2 + 0.4 * infection) * lungs
        case = prepared_case.PreparedCase(f"case{number}", volume, lungs, volume, infection, np.eye(4), np.eye(4),
                                          SHAPE, {"group": "covid" if number % 2 else "healthy"})
        prepared_case.save(case, folder / f"case{number}.npz")
    return folder


@pytest.mark.slow
def test_two_devices_have_the_losses_of_one(cases, tmp_path):
    script = Path(__file__).parents[1] / "helpers" / "two_devices.py"
    done = subprocess.run([sys.executable, str(script), str(cases), str(tmp_path)], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    for network, losses in (("gan", LOSSES), ("segmenter", ("loss", "contrastive_loss"))):
        one, two = (_metrics(tmp_path / f"{network}_{strategy}") for strategy in ("none", "mirrored"))
        manifest = json.loads((tmp_path / f"{network}_mirrored" / "run.json").read_text())
        assert manifest["devices"] == 2
        assert len(one) == len(two) == 6
        for name in losses:
            np.testing.assert_allclose([float(row[name]) for row in two], [float(row[name]) for row in one],
                                       rtol=0, atol=1e-4, err_msg=f"{network} {name}")


def _start(cases, run, *further, workers=1, index=0, ports=()):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if workers > 1:
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": [f"localhost:{port}" for port in ports]},
                                               "task": {"type": "worker", "index": index}})
        further = ("--strategy", "multi_worker", *further)
    command = [sys.executable, "-m", "covid3dgan", "train", "gan", str(cases), str(run), *OPTIONS, *further]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True)


def _two(cases, run, *further):
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return [_start(cases, run, *further, workers=2, index=index, ports=ports) for index in range(2)]


def _ends(processes):
    """(exit codes, outputs)."""
    outputs = [process.communicate(timeout=500)[0] for process in processes]
    return [process.returncode for process in processes], outputs


def _metrics(run):
    with open(run / "metrics.csv", newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _difference(one, other):
    a, b = _metrics(one), _metrics(other)
    assert len(a) == len(b) == 20
    return max(abs(float(x[name]) - float(y[name])) for x, y in zip(a, b) for name in LOSSES)


@pytest.mark.slow
def test_two_workers_have_the_losses_of_one_process(cases, tmp_path):
    codes, outputs = _ends([_start(cases, tmp_path / "one", "--steps", "20")])
    assert codes == [0], outputs
    codes, outputs = _ends(_two(cases, tmp_path / "two", "--steps", "20"))
    assert codes == [0, 0], outputs
    assert _difference(tmp_path / "one", tmp_path / "two") < 1e-4


@pytest.mark.slow
def test_a_worker_that_dies_stops_the_job_and_all_resume(cases, tmp_path):
    run = tmp_path / "two"
    processes = _two(cases, run, "--steps", "20")
    deadline = time.time() + 400
    while not list(run.glob("checkpoints/step_*")) and time.time() < deadline:
        time.sleep(0.02)
    os.kill(processes[1].pid, signal.SIGKILL)
    codes, outputs = _ends(processes)
    assert codes == [1, -signal.SIGKILL]
    assert "worker 0 of 2: expected all 2 workers to answer" in outputs[0] and "--resume" in outputs[0]
    manifest = json.loads((run / "run.json").read_text())
    assert manifest["status"] == "failed" and manifest["step"] < 20
    codes, outputs = _ends(_two(cases, run, "--steps", "20", "--resume"))
    assert codes == [0, 0], outputs
    codes, outputs = _ends([_start(cases, tmp_path / "one", "--steps", "20")])
    assert _difference(tmp_path / "one", run) < 1e-4
