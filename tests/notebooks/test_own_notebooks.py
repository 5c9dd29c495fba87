"""Every notebook of notebooks/ runs from top to bottom; the four of paper 001 end with the numbers of the command."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from covid3dgan import papers
from covid3dgan.notebooks import scale, sources
from covid3dgan.notebooks.kernel import kernel_client

pytestmark = [pytest.mark.notebooks, pytest.mark.slow]
STAGES = ("Preprocess", "GAN3D", "Segmentation2D", "Evaluation")
OTHERS = ("Quickstart", "AFSEG", "TransUNet", "SSInfNet")


def execute(name, **environ):
    """The executed notebook; nbclient raises where a cell fails."""
    notebook = nbformat.reads(sources.as_ipynb(sources.FOLDER / f"{name}.py"), as_version=4)
    client = kernel_client(notebook, sources.FOLDER)
    with client.setup_kernel(env={**os.environ, scale.VARIABLE: "short", "TF_CPP_MIN_LOG_LEVEL": "3", **environ},
                             cwd=str(sources.FOLDER), cleanup_kc=True, stderr=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    return notebook


def pictures(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())
            if "image/png" in output.get("data", {}) or "<svg" in output.get("data", {}).get("text/html", "")
            or "<img" in output.get("data", {}).get("text/html", "")]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """(the folder that the four notebooks share, the executed notebooks by name)."""
    folder = tmp_path_factory.mktemp("notebooks") / "run"
    return folder, {name: execute(name, **{scale.FOLDER: str(folder)}) for name in STAGES}


@pytest.mark.parametrize("name", STAGES)
def test_stage_runs_and_shows_figures(stages, name):
    assert pictures(stages[1][name])


def test_the_four_end_with_the_numbers_of_the_command(stages, tmp_path):
    folder, executed = stages
    settings = [part for setting in papers.get("shabani").short_run for part in ("--set", setting)]
    subprocess.run([sys.executable, "-m", "covid3dgan", "reproduce", "shabani", "--preset", "shabani/demo", *settings,
                    "--seed", "1", "--precision", "float32", "--deterministic", "--quiet", "--out", tmp_path / "run",
                    "--phantoms", "healthy=4,covid=2,validation=2,test=2"], check=True)
    ours, command = (json.loads((path / "results.json").read_text()) for path in (folder, tmp_path / "run"))
    for key in ("mean_dice", "per_case", "thresholds", "curve", "preset", "seed", "data"):
        assert ours[key] == command[key], key
    summaries = [json.loads((path / "stages.json").read_text())["done"]["scores"]["result"]["summaries"]
                 for path in (folder, tmp_path / "run")]
    assert summaries[0] == summaries[1]
    shown = "".join(output.get("text", "") for output in executed["Evaluation"].cells[-1].outputs)
    assert json.loads(shown) == ours["mean_dice"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_notebooks_run_and_show_figures(name):
    assert pictures(execute(name))
