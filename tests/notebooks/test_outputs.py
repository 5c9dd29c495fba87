"""The outputs that the project's own notebooks carry: of these very cells, whole, small, and of no machine."""

import base64
import io
import re

import nbformat
import numpy as np
import pytest
from IPython.display import Image, Markdown

from covid3dgan.notebooks import outputs, scale, shown, sources

SHOWS = re.compile(r"^ *(?:print|display|show_\w+)\(|plt\.show\(\)", re.MULTILINE)
PATHS = re.compile(r"(?<![\w.])/(?:tmp|home|root|work|Users|var|opt|usr|content|private)/|\b[A-Z]:\\")
NOTEBOOKS = [source.with_suffix(".ipynb") for source in sources.sources()]


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def texts(output):
    yield output.get("text", "")
    for kind, value in output.get("data", {}).items():
        if kind.startswith("text/"):
            yield value


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_that_shows_something_has_its_outputs(path):
    for cell in code_cells(path):
        of = cell.metadata.get(sources.METADATA, {})
        assert "sha256" in of, f"{path.name} has no outputs: make notebooks-outputs NAMES={path.stem}"
        assert of["sha256"] == sources.executed_hash(cell.source), "make notebooks-outputs: a cell was changed"
        assert bool(cell.outputs) == bool(SHOWS.search(cell.source)), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_small_and_of_no_machine(path):
    assert path.stat().st_size < outputs.MOST_BYTES
    found = [output for cell in code_cells(path) for output in cell.outputs]
    assert [output for output in found if output.output_type == "error" or output.get("name") == "stderr"] == []
    for output in found:
        for text in texts(output):
            assert PATHS.search(text) is None and not any(junk in text for junk in ("\r", "\x1b", "WARNING:"))
    pictures = [output.data["image/png"] for output in found if "image/png" in output.get("data", {})]
    assert pictures and all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_note_says_size_time_and_processor(path):
    notebook = nbformat.read(path, as_version=4)
    [note] = [cell.source for cell in notebook.cells if cell.get("id") == sources.NOTE]
    facts = notebook.metadata[sources.METADATA]
    assert note == outputs.note(facts) and facts["processor"] in note
    assert facts["scale"] is None or scale.SCALES[facts["scale"]] in note


def test_what_belongs_to_a_machine_is_taken_out(tmp_path):
    result = nbformat.v4.new_output
    shown = {"text/plain": f"Volume(source='{tmp_path}/tmp/tmpx_y/ct.nii')", "image/png": "AA=="}
    cell = nbformat.v4.new_code_cell("...", outputs=[
        result("stream", name="stdout", text=f"wrote {tmp_path}/runs/a.nii.gz\n"),
        result("stream", name="stderr", text="\r100%|####| 3/3"),
        result("stream", name="stdout", text=f"WARNING:tensorflow:5 out of 5\nand {tmp_path}/tmp/tmpab12/b.nii.gz\n"),
        result("display_data", data=shown)])
    notebook = outputs.portable(nbformat.v4.new_notebook(cells=[cell]), tmp_path)
    first, second = notebook.cells[0].outputs
    assert first.text == "wrote runs/a.nii.gz\nand b.nii.gz\n"
    assert second.data == {"text/plain": "Volume(source='ct.nii')", "image/png": "AA=="}


def test_unknown_names_are_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        outputs.main(["Quikstart"])
    assert "found Quikstart" in capsys.readouterr().err


def test_a_reports_pictures_are_shown_small_above_their_captions(tmp_path, monkeypatch):
    import PIL.Image

    (tmp_path / "report_figures").mkdir()
    wide = np.zeros((40, 1600, 3), np.uint8)
    wide[:, 800:] = (200, 30, 30)
    PIL.Image.fromarray(wide).save(tmp_path / "report_figures/a.png")
    (tmp_path / "report.md").write_text("# One\n\n![Fig. 1: a](report_figures/a.png)\n\ntwo\n", encoding="utf-8")
    seen = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    shown.show_figures(tmp_path / "report.html", width=400)
    picture, caption = seen
    assert isinstance(picture, Image) and isinstance(caption, Markdown) and caption.data == "Fig. 1: a"
    with PIL.Image.open(io.BytesIO(picture.data)) as image:
        assert image.size == (400, 10) and image.convert("RGB").getpixel((390, 5)) == (200, 30, 30)
