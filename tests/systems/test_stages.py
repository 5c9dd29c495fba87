"""Stages: done once, refused where they belong to another run, forgotten with what they made; trainings that go on."""

import dataclasses
import json
import types

import pytest

from covid3dgan.errors import InputError
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.callbacks import TrainingStopped
from covid3dgan.training.loop import TrainingOptions


def test_a_stage_is_done_once_and_its_result_is_kept(tmp_path):
    for work in (lambda: "first", lambda: "second"):
        stages = Stages(tmp_path / "run", {"seed": 1}, ["a"])
        assert stages.run("a", work) == "first"
        stages.close()
    assert json.loads((tmp_path / "run" / "stages.json").read_text())["done"]["a"]["result"] == "first"


def test_another_identity_and_foreign_files_are_refused(tmp_path):
    Stages(tmp_path / "run", {"seed": 1}, ["a"]).run("a", lambda: 1)
    with pytest.raises(InputError, match="made with another seed"):
        Stages(tmp_path / "run", {"seed": 2}, ["a"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gan").mkdir()
    with pytest.raises(InputError, match="a new or empty folder"):
        Stages(tmp_path / "other", {"seed": 1}, ["a"])
    Stages(tmp_path / "other", {"seed": 1}, ["a"], overwrite=True, folders=["gan"])
    assert (tmp_path / "other" / "gan").is_dir(), "it is no run of ours, so nothing of it is ours to remove"


def test_a_folder_in_which_nothing_was_made_is_no_hindrance(tmp_path):
    Stages(tmp_path, {"data": "a wrong name"}, ["a"])
    assert Stages(tmp_path, {"data": "the right one"}, ["a"]).run("a", lambda: 1) == 1
    Stages(tmp_path / "begun", {"seed": 1}, ["a"])
    (tmp_path / "begun" / "gan").mkdir()  # a training that was interrupted
    with pytest.raises(InputError, match="made with another seed"):
        Stages(tmp_path / "begun", {"seed": 2}, ["a"])


def test_a_refusal_names_the_fields_that_differ(tmp_path):
    there = {"preset": {"name": "x", "gan": {"steps": 30, "old": True}}, "seed": 1}
    here = {"preset": {"name": "x", "gan": {"steps": 100, "new": None}}, "seed": 2}
    Stages(tmp_path, there, ["a"]).run("a", lambda: 1)
    with pytest.raises(InputError) as refused:
        Stages(tmp_path, here, ["a"])
    assert ("found one made with another preset (gan.steps: there 30, here 100; gan.new: there absent, here null; "
            "gan.old: there true, here absent), seed (there 1, here 2);") in str(refused.value)


def test_a_refusal_names_three_fields_and_counts_the_others(tmp_path):
    Stages(tmp_path, {"preset": dict.fromkeys("abcde", 1)}, ["a"]).run("a", lambda: 1)
    with pytest.raises(InputError, match=r"c: there 1, here 2; and 2 more\)"):
        Stages(tmp_path, {"preset": dict.fromkeys("abcde", 2)}, ["a"])


def test_overwrite_forgets_the_stages_and_removes_what_they_would_go_on_from(tmp_path):
    stages = Stages(tmp_path, {"seed": 1}, ["a"], folders=["gan"])
    stages.run("a", lambda: 1)
    for name in ("gan", "notes"):
        (tmp_path / name).mkdir()
    Stages(tmp_path, {"seed": 1}, ["a"], folders=["gan"])
    assert (tmp_path / "gan").is_dir()
    stages = Stages(tmp_path, {"seed": 2}, ["a"], overwrite=True, folders=["gan"])
    assert not stages.done and not (tmp_path / "gan").exists() and (tmp_path / "notes").is_dir()


class Training:
    """A training of two cases that is stopped as often as told, and leaves run.json on its first try."""

    def __init__(self, stops):
        self.stops, self.resumed = stops, []

    def __call__(self, first, second, path, preset, execution, gan):
        self.resumed.append(execution.resume)
        path.mkdir(exist_ok=True)
        (path / "run.json").write_text("{}")
        if len(self.resumed) <= self.stops:
            raise TrainingStopped("loss", "a number", "NaN", "lower the rate")
        return types.SimpleNamespace(path=path, manifest={"seconds": 2.5, "step": 7, "given": [first, second, gan]})


def train(training, path, precision, **options):
    execution = dataclasses.replace(TrainingOptions(), precision=precision, overwrite=True)
    return train_or_go_on(training, "a", "b", path=path, preset=None, execution=execution, gan="g", **options)


def test_a_training_goes_on_where_its_run_is_and_hands_back_the_facts(tmp_path):
    training = Training(0)
    facts = train(training, tmp_path / "run", "float32")
    assert facts == {"path": str(tmp_path / "run"), "seconds": 2.5, "step": 7, "collapse": {}, "threshold": None}
    assert train(training, tmp_path / "run", "float32", facts=("seconds", "step")) == {"seconds": 2.5, "step": 7}
    assert training.resumed == [False, True]


def test_nan_is_tried_again_from_the_last_checkpoint_but_not_in_float32(tmp_path):
    training = Training(3)
    assert train(training, tmp_path / "run", "mixed_bfloat16")["step"] == 7
    assert training.resumed == [False, True, True, True]
    with pytest.raises(TrainingStopped):
        train(Training(4), tmp_path / "four", "auto")
    training = Training(1)
    with pytest.raises(TrainingStopped):
        train(training, tmp_path / "exact", "float32")
    assert training.resumed == [False]
