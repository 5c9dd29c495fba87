"""Paper 000's whole recipe, with its paper's preset, once at a size that proves the wiring."""

import json

import pytest

from covid3dgan import presets
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.cohorts import CohortSizes
from covid3dgan.systems.elmourabit import reproduce
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.viewer.page import TEMPLATE

# The toy phantoms' slices are thick, and so is what is predicted.
pytestmark = pytest.mark.filterwarnings("ignore::covid3dgan.errors.InputWarning")
TOY = presets.override(presets.get("elmourabit/paper"), [
    "gan.steps=2", "gan.volume_shape=16,32,32", "gan.generator_width=1", "gan.discriminator_width=4",
    "gan.discriminator=published", "gan.generator=published", "gan.batch_size=2", "gan.checkpoint_every=2",
    "segmenter.steps=2", "segmenter.width=4", "segmenter.batch_size=8", "segmenter.checkpoint_every=2",
    "preprocess.min_slices=16", "preprocess.spacing=none,none,none", "cohort.healthy=2", "cohort.test=1"])
SIZES = CohortSizes(healthy=3, covid=1, validation=2, test=2, size=(48, 48, 20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("reproduce") / "run"
    reproduce(out, TOY, TrainingOptions(seed=1), sizes=SIZES, command="covid3dgan reproduce elmourabit")
    return out


def test_networks_are_trained_for_as_many_steps_as_asked(folder):
    for name in ("gan", "segmenter"):
        manifest = open_run(folder / name)[0].manifest
        assert (manifest["status"], manifest["step"]) == ("done", 2)
    assert not open_run(folder / "segmenter")[0].manifest["threshold"]["tuned"]


def test_the_presets_cases_are_prepared_and_no_scored_one_trains(folder):
    counts = json.loads((folder / "prepared" / "prepared.json").read_text())["counts"]
    assert counts == {"train": 4, "validation": 0, "Mosmed": 1, "Coronacases": 1, "Radiopaedia": 1}
    trained = set(open_prepared(folder / "prepared" / "train").ids)
    assert not trained & {name for role in list(counts)[2:] for name in open_prepared(folder / "prepared" / role).ids}


def test_the_report_has_both_methods_and_every_figure(folder):
    found = json.loads((folder / "tables.json").read_text())
    assert found["phantom"] and set(found["scores"]) == set(found["gan_scores"]) == {"Mosmed", "Coronacases",
                                                                                    "Radiopaedia"}
    assert found["threshold"] == found["gan_threshold"] == {"value": 0.2, "relative": False}
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert [number for number in range(4, 13) if f"Figure {number}:" not in text] == []
    assert "10 of them" not in text and "Of the paper, but not in this report" in text
    assert [name for name in found["scores"] if not list((folder / "predictions" / name).glob("*.nii.gz"))] == []
    assert ('href="view.html"' in text) == (folder / "view.html").is_file() == TEMPLATE.is_file()


def test_a_second_call_reuses_every_stage(folder):
    before = (folder / "gan" / "run.json").stat().st_mtime_ns, (folder / "report.html").stat().st_mtime_ns
    reproduce(folder, TOY, TrainingOptions(seed=1), sizes=SIZES, command="covid3dgan reproduce elmourabit")
    assert before == ((folder / "gan" / "run.json").stat().st_mtime_ns, (folder / "report.html").stat().st_mtime_ns)
