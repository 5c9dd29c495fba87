"""benchmarks: operations counted as by hand, ratios and shares as printed, a side that fails or cannot run."""

import io
import json
import sys

import pytest
import tensorflow as tf

from benchmarks import __main__ as command
from benchmarks import bench, table
from benchmarks.flops import count_flops
from covid3dgan.errors import ArgumentError


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


def test_bfloat16_that_this_processor_refuses_is_a_side_left_out(monkeypatch):
    def refused():
        raise ArgumentError("precision", "a", "b", "use float32")

    def wrong():
        raise ArgumentError("shape", "a", "b", "c")

    monkeypatch.setattr(bench, "load", lambda name: bench.Bench("", "", {"refused": refused, "wrong": wrong}))
    assert bench.side_in_this_process("any", "refused", {}) == {
        "skipped": "precision: expected a, found b; use float32."}
    with pytest.raises(ArgumentError, match="shape"):
        bench.side_in_this_process("any", "wrong", {})


def test_a_side_has_its_own_environment_variables(tmp_path, monkeypatch):
    side = tmp_path / "side"
    side.write_text(f"""#!{sys.executable}
import json, os
print(json.dumps({{"switch": os.environ.get("A_SWITCH")}}))
""")
    side.chmod(0o755)
    monkeypatch.setattr(bench.sys, "executable", str(side))
    monkeypatch.setattr(bench, "load", lambda name: bench.Bench("", "", {}, switches={"off": {"A_SWITCH": "0"}}))
    assert list(bench.run_sides([("any", "on", {}), ("any", "off", {})])) == [{"switch": None}, {"switch": "0"}]


def test_sides_get_ready_together_and_measure_one_after_the_other(tmp_path, monkeypatch):
    """Each process writes when it was ready, and when its turn began and ended."""
    side = tmp_path / "side"
    side.write_text(f"""#!{sys.executable}
import json, sys, time
name = sys.argv[-2]
times = [time.monotonic()]
if name != "cannot":
    print("a layer says something")
    print({bench.READY!r}, flush=True)
    sys.stdin.readline()
    times.append(time.monotonic())
    time.sleep(0.2)
    times.append(time.monotonic())
if name == "fails":
    sys.exit("why it failed")
print(json.dumps({{"name": name, "times": times}}))
""")
    side.chmod(0o755)
    monkeypatch.setattr(bench.sys, "executable", str(side))
    monkeypatch.setattr(bench, "load", lambda name: bench.Bench("", "", {}))
    found = list(bench.run_sides([("any", name, {}) for name in ("a", "cannot", "fails", "b", "later")], together=4))
    assert found[2] == {"failed": "why it failed"}
    a, cannot, b, later = (found[i] for i in (0, 1, 3, 4))
    assert [one["name"] for one in (a, cannot, b, later)] == ["a", "cannot", "b", "later"]
    assert b["times"][0] < a["times"][1], "the second got ready before the first had its turn"
    assert a["times"][2] < b["times"][1], "the second had its turn after the first had ended"
    assert b["times"][2] < later["times"][0], "the next group starts when all have measured"


def test_sides_that_alternate_measure_round_by_round(tmp_path, monkeypatch):
    """Each process writes when each of its repetitions began; the second side has one more."""
    side = tmp_path / "side"
    side.write_text(f"""#!{sys.executable}
import json, sys, time
name, count = sys.argv[-2], int(json.loads(sys.argv[-1])["count"])
times = []
for repetition in range(count):
    print({bench.READY!r}, flush=True)
    sys.stdin.readline()
    times.append(time.monotonic())
if name == "fails":
    sys.exit("why it failed")
print(json.dumps({{"times": times}}))
""")
    side.chmod(0o755)
    monkeypatch.setattr(bench.sys, "executable", str(side))
    monkeypatch.setattr(bench, "load", lambda name: bench.Bench("", "", {}, alternating=name == "rounds"))
    jobs = [("rounds", "a", 2), ("rounds", "fails", 1), ("rounds", "b", 3), ("alone", "c", 2), ("alone", "d", 2)]
    a, fails, b, c, d = bench.run_sides([(name, side, {"count": count}) for name, side, count in jobs])
    assert fails == {"failed": "why it failed"}
    order = sorted([(at, "a") for at in a["times"]] + [(at, "b") for at in b["times"]])
    assert [name for _, name in order] == ["a", "b", "a", "b", "b"]
    assert b["times"][-1] < c["times"][0] and c["times"][-1] < d["times"][0]


def test_the_ratio_of_sides_that_took_turns_is_the_median_over_the_rounds():
    """Rounds of 8 / 2 = 4, 6 / 3 = 2 and 10 / 4 = 2.5; of the medians it would be 8 / 3."""
    one = {"name": "step", "title": "a step", "unit": "step", "options": {}, "baseline": "published",
           "alternating": True,
           "sides": {"published": {"seconds": 8.0, "each": [8.0, 6.0, 10.0]},
                     "ours": {"seconds": 3.0, "each": [2.0, 3.0, 4.0], "note": "seen"}, "other": {"failed": "why"}}}
    assert table.of_bench(one, {}).splitlines()[-3:] == [
        "| published | 8 | 1.00 |  |  |  |  |", "| ours | 3 | 2.50 |  |  |  | seen; 2.00 to 4.00 in 3 rounds |",
        "| other |  |  |  |  |  | failed: why |"]


def test_the_first_call_is_not_counted_and_a_side_without_its_turn_is_refused(monkeypatch):
    monkeypatch.setattr(bench, "_turn", [])
    monkeypatch.setattr(bench, "_seconds", [])
    clock = iter([0.0, 1.0, 10.0, 13.0])
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(clock))
    told = []
    monkeypatch.setattr(bench, "wait_for_turn", lambda again: told.append((len(calls), again)))
    calls = []
    assert bench.median_after_first(lambda: calls.append(1), 2) == 2.0
    assert (len(calls), told, bench._seconds) == (3, [(1, False), (2, True)], [1.0, 3.0])
    monkeypatch.undo()
    monkeypatch.setattr(bench, "_turn", [])
    monkeypatch.setattr(bench.sys, "stdin", io.StringIO(""))
    with pytest.raises(SystemExit, match="nobody gave this side its turn"):
        bench.wait_for_turn()
    monkeypatch.setattr(bench, "_turn", [])
    hasty = bench.Bench("", "", {"ours": lambda: {"seconds": 1.0}}, baseline=None)
    monkeypatch.setattr(bench, "load", lambda name: hasty)
    with pytest.raises(RuntimeError, match="benchmark any, side ours: measured without having waited for its turn"):
        bench.side_in_this_process("any", "ours", {})


def test_chosen_benchmarks_are_run_and_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench, "run_sides", lambda jobs, together: (
        {"seconds": 2.0, "peak_mb": options["repeats"]} for _, _, options in jobs))
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
        assert one.sides and set(one.quick_sides) <= set(one.sides) and set(one.switches) <= set(one.sides)
        assert not any(side.startswith("-") for side in one.sides), "a side's process would take it for an option"
