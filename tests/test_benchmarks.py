"""benchmarks: operations counted as by hand, ratios and shares as printed, a side that fails or cannot run."""

import json
import sys
from pathlib import Path

import pytest
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import bench, table  # noqa: E402
from benchmarks.flops import count_flops  # noqa: E402


def test_flops_of_a_step_are_those_counted_by_hand():
    """Forward: a 3D convolution 2 x (2 x 4 x 4 x 4 positions) x (27 x 1 x 5), a product 2 x 2 x 5 x 3. The gradient
    takes each again for the kernel, and the product once more for its input (the volume itself needs none)."""
    kernel, weights = tf.Variable(tf.ones((3, 3, 3, 1, 5))), tf.Variable(tf.ones((5, 3)))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_mean(tf.nn.conv3d(x, kernel, (1, 1, 1, 1, 1), "SAME"), (1, 2, 3))
            loss = tf.reduce_sum(tf.matmul(y, weights))
        return loss, tape.gradient(loss, [kernel, weights])

    convolution, product = 2 * (2 * 4 * 4 * 4) * (27 * 1 * 5), 2 * 2 * 5 * 3
    assert count_flops(step, tf.ones((2, 4, 4, 4, 1))) == 2 * convolution + 3 * product


def test_table_states_ratio_and_share_of_the_peak():
    machine = {"name": "machine", "sides": {"float32": {"seconds": 0.5, "flops": 100e9, "dtype": "float32"}}}
    one = {"name": "step", "title": "a step", "unit": "step", "baseline": "published", "options": {"batch": 5},
           "sides": {"published": {"seconds": 4.0, "peak_mb": 100.2},
                     "ours": {"seconds": 0.8, "flops": 80e9, "dtype": "float32", "peak_mb": 50.0, "note": "seen"},
                     "other": {"skipped": "needs noise"}}}
    lines = table.of_bench(one, table.peaks([machine, one])).splitlines()
    assert lines[-3:] == ["| published | 4 | 1.00 | 100 |  |  |  |",
                          "| ours | 0.8 | 5.00 | 50 | 80.0 | 50 % | seen |",
                          "| other |  |  |  |  |  | skipped: needs noise |"]


def test_a_side_that_fails_says_why_and_a_missing_package_is_no_failure(monkeypatch):
    assert bench.run_side("perlin", "ours", {"fields": 1, "size": 0, "repeats": 1})["failed"].startswith(
        "covid3dgan.errors.ArgumentError: shape: expected two positive sizes")
    unable = bench.Bench("", "", {"published": None}, needs=("no_such_package",))
    monkeypatch.setattr(bench, "load", lambda name: unable)
    assert bench.side_in_this_process("any", "published", {}) == {"skipped": "needs no_such_package"}


def test_chosen_benchmarks_are_run_and_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench, "run_side", lambda name, side, options: {"seconds": 2.0, "peak_mb": options["repeats"]})
    out = tmp_path / "found.json"
    assert command.main(["perlin", "--quick", "--out", str(out)]) == 0
    assert "| ours | 2 | 1.00 | 7 |" in capsys.readouterr().out
    assert json.loads(out.read_text())["benches"][0]["options"]["repeats"] == 7
    assert command.main(["cohort_memory", "--quick"]) == 0
    printed = capsys.readouterr()
    assert "from shards" not in printed.out and "input of the GAN from cases in shards: not with --quick" in printed.err
    with pytest.raises(SystemExit):
        command.main(["no-such-benchmark"])
    for one in map(bench.load, command.NAMES):
        assert one.sides and set(one.quick_sides) <= set(one.sides)
        assert not any(side.startswith("-") for side in one.sides), "a side's process would take it for an option"
