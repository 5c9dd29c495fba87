"""Every notebook of notebooks/ runs from top to bottom; those of paper 001 have the numbers of the command.

The command runs once; the four notebooks open its trainings and do the rest themselves; Quickstart trains anew.
"""

import csv
import json
import shutil

import pytest

from covid3dgan.notebooks import outputs, scale, sources
from covid3dgan.systems import shabani

pytestmark = [pytest.mark.notebooks, pytest.mark.slow]
OTHERS = ("AFSEG", "PaperNumbers", "Segment", "SSInfNet", "TransUNet")
LAST = ("scores", "predictions", "report")  # what Evaluation does itself


def execute(name, work):
    return outputs.execute(sources.FOLDER / f"{name}.py", work, {scale.VARIABLE: "short"})


def pictures(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())
            if "image/png" in output.get("data", {})]


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The folder of `covid3dgan demo`, at the notebooks' short size."""
    folder = tmp_path_factory.mktemp("command") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(scale.VARIABLE, "short")
        shabani.reproduce(folder, scale.preset("shabani/demo"), scale.training_options(0), sizes=scale.cohort_sizes(),
                          variants=shabani.ABLATION)
    return folder


@pytest.fixture(scope="module")
def stages(command, tmp_path_factory):
    """(the folder that the four notebooks share, the executed notebooks by name)."""
    work = tmp_path_factory.mktemp("notebooks")
    folder = work / outputs.RUN
    shutil.copytree(command, folder)
    for name in ("scores", "predictions"):
        shutil.rmtree(folder / name)
    for path in (*folder.glob("report*"), folder / "results.json"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    held = json.loads((folder / "stages.json").read_text())
    for name in LAST:
        del held["done"][name]
    (folder / "stages.json").write_text(json.dumps(held))
    return folder, {name: execute(name, work) for name in outputs.STAGES}


@pytest.mark.parametrize("name", outputs.STAGES)
def test_stage_runs_and_shows_figures(stages, name):
    assert pictures(stages[1][name])


def test_the_four_open_the_commands_trainings_and_end_with_its_numbers(stages, command):
    folder, executed = stages
    ours, theirs = (json.loads((path / "results.json").read_text()) for path in (folder, command))
    for key in ("mean_dice", "per_case", "thresholds", "curve", "preset", "seed", "data"):
        assert ours[key] == theirs[key], key
    ours, theirs = (json.loads((path / "stages.json").read_text()) for path in (folder, command))
    assert ours["identity"] == theirs["identity"]
    assert ours["done"]["scores"]["result"]["summaries"] == theirs["done"]["scores"]["result"]["summaries"]
    for stage in set(ours["done"]) - set(LAST):
        assert ours["done"][stage] == theirs["done"][stage], stage
    shown = "".join(output.get("text", "") for output in executed["Evaluation"].cells[-1].outputs)
    assert json.loads(shown) == json.loads((command / "results.json").read_text())["mean_dice"]


def test_quickstart_trains_what_the_command_trains(command, tmp_path):
    assert pictures(execute("Quickstart", tmp_path))
    folder = tmp_path / outputs.RUN
    for run in ("gan", "segmenters/GAN-UNet-contrastive"):
        ours, theirs = (losses(path / run / "metrics.csv") for path in (folder, command))
        assert ours and ours == theirs
    ours, theirs = (json.loads((path / "stages.json").read_text())["done"] for path in (folder, command))
    stage = f"segmenter: {shabani.FULL}"
    assert ours[stage]["result"]["threshold"] == theirs[stage]["result"]["threshold"]


def losses(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return [{name: value for name, value in row.items() if "loss" in name} for row in csv.DictReader(handle)]


@pytest.mark.parametrize("name", OTHERS)
def test_other_notebooks_run_and_show_figures(name, tmp_path):
    assert pictures(execute(name, tmp_path))
