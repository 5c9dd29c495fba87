"""The published notebooks' course in our own words, through ``notebook run``: each ends, its networks are theirs."""

from pathlib import Path

import pytest

from covid3dgan.notebooks.runner import run_notebook

pytestmark = [pytest.mark.notebooks, pytest.mark.slow]
COURSES = Path(__file__).parent / "retyped"
# Printed by the published notebooks.
PARAMETERS = {"GAN3D": ("generator 7861643", "discriminator 282378"), "Evaluation": ("segmenter 5008645",),
              "Segmentation2D": ("contrastive 4154723", "segmenter 5008645"), "Preprocess": ()}
CHANGED = {"Preprocess": {"function apply_1", "function apply", "function get_model", "lung mask by lungmask",
                          "path[68:]", "numpy.float", "folder Data", "folder Mask"},
           "GAN3D": {"constant 664", "index 2150 of input_lung", "index 400 of train_covid",
                     "nb_epoch=10000", "train_covid_cropped.npy"},
           "Segmentation2D": {"Epochs=100", "input_lung.npy", "keras.layers.merge", "constant 3584"},
           "Evaluation": {"model my_en_de", "LungImages.npy", "numpy.int"}}


@pytest.fixture(params=sorted(PARAMETERS))
def course(request, write_notebook, tmp_path):
    text = (COURSES / f"{request.param}.txt").read_text(encoding="utf-8")
    cells = [part.strip("\n") for part in text.split("# %%\n") if part.strip()]
    return request.param, write_notebook(tmp_path / f"{request.param}.ipynb", cells)


def test_published_course_runs_to_its_end(course, printed):
    name, file = course
    report = run_notebook(file, steps=1, phantoms=3, hidden=["torch", "lungmask"], announce=lambda text: None)
    assert report.failed == []
    shown = "\n".join(printed(report.executed, number) for number in range(1, len(report.cells) + 1))
    assert [line for line in PARAMETERS[name] if line not in shown] == []
    assert CHANGED[name] - {event["what"] for event in report.events} == set()
