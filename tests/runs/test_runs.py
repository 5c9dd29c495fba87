"""Run directories: never silently reused, resumed only under their own values."""

import json

import pytest

from covid3dgan import presets
from covid3dgan.errors import InputError
from covid3dgan.runs.directory import Run, open_run

DEMO = presets.get("shabani/demo")


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "input.txt"
    source.write_text("abc")
    run = Run.start(tmp_path / "run", "gan", DEMO, seed=1, inputs=[source])
    run.log(5, {"loss": 1.0, "accuracy": 0.5})
    run.log(10, {"loss": 0.5, "accuracy": 0.25})
    run.finish()
    return tmp_path / "run"


def test_manifest_says_everything(folder):
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["status"] == "done" and manifest["seed"] == 1 and manifest["peak_memory_mb"] > 10
    assert manifest["preset"]["gan"]["batch_size"] == DEMO.gan.batch_size
    assert manifest["inputs"][0]["sha256"].startswith("ba7816bf")
    assert "numpy" in manifest["versions"] and manifest["seconds"] >= 0


def test_metrics_csv_and_tensorboard(folder):
    assert (folder / "metrics.csv").read_text() == "step,loss,accuracy\n5,1.0,0.5\n10,0.5,0.25\n"
    assert list((folder / "tensorboard").glob("events*"))


def test_resuming_forgets_rows_that_will_come_again(folder):
    run = Run.start(folder, "gan", DEMO, seed=1, resume=True)
    run.forget_after(5)
    run.log(10, {"loss": 0.25, "accuracy": 0.5})
    assert (folder / "metrics.csv").read_text().splitlines()[1:] == ["5,1.0,0.5", "10,0.25,0.5"]
    assert len(run.manifest["resumed"]) == 1


def test_a_run_is_never_silently_reused(folder):
    with pytest.raises(InputError, match="--resume"):
        Run.start(folder, "gan", DEMO, seed=1)
    Run.start(folder, "gan", DEMO, seed=2, overwrite=True)
    assert not (folder / "metrics.csv").exists()


def test_a_folder_with_other_files_is_never_removed(tmp_path):
    (tmp_path / "thesis.doc").write_text("")
    with pytest.raises(InputError, match="other files"):
        Run.start(tmp_path, "gan", DEMO, seed=1, overwrite=True)
    assert (tmp_path / "thesis.doc").exists()


@pytest.mark.parametrize("kind, preset, seed, part", [
    ("segmenter", DEMO, 1, "kind: gan then, segmenter now"),
    ("gan", DEMO, 2, "seed: 1 then, 2 now"),
    ("gan", presets.override(DEMO, ["gan.batch_size=9"]), 1, "gan.batch_size: 4 then, 9 now"),
])
def test_resuming_under_other_values_is_refused(folder, kind, preset, seed, part):
    with pytest.raises(InputError) as caught:
        Run.start(folder, kind, preset, seed, resume=True)
    assert part in str(caught.value)


def test_resuming_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        Run.start(tmp_path / "none", "gan", DEMO, seed=1, resume=True)


def test_open_run_gives_back_the_preset(folder):
    run, preset = open_run(folder, "gan")
    assert preset == DEMO and run.manifest["kind"] == "gan"
    with pytest.raises(InputError, match="kind 'gan'"):
        open_run(folder, "segmenter")


def test_a_damaged_manifest_is_named(folder):
    (folder / "run.json").write_text("{")
    with pytest.raises(InputError, match="run.json"):
        open_run(folder)


def test_a_folder_that_only_holds_an_exported_network_says_how_to_name_it(tmp_path):
    (tmp_path / "tuned").mkdir()
    with pytest.raises(InputError, match=r"found none; check the folder's name\.$"):  # not: nearest: tuned
        open_run(tmp_path / "tuned")
    (tmp_path / "tuned" / "segmenter.tflite").write_bytes(b"")
    with pytest.raises(InputError, match=r"found none; name .*tuned.segmenter\.tflite\.$"):
        open_run(tmp_path / "tuned")
