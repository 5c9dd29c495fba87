"""``evaluate --view``: the page of what was just scored, and the report's links to it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputWarning
from covid3dgan.evaluation.pairs import Pair
from covid3dgan.viewer import evaluated, page

SPACING = (7.0, 7.0, 10.0)
BOX = (slice(26, 32), slice(10, 20), slice(8, 16))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A phantom data set of two cases, a prediction for each, half of the lesion for the second."""
    template = tmp_path / "viewer.html"
    template.write_text(page.DATA)
    monkeypatch.setattr(page, "TEMPLATE", template)
    ct, lungs, lesion = np.full((40, 36, 24), 40, np.float32), *(np.zeros((40, 36, 24), np.uint8) for _ in range(2))
    lungs[6:16, 6:30, 4:20] = lungs[24:34, 6:30, 4:20] = 1
    ct[lungs > 0] = -850
    ct[BOX], lesion[BOX] = -250, 1
    half = lesion.copy()
    half[29:] = 0
    for name, found in (("one", lesion), ("two", half)):
        for folder, array in (("data/images", ct), ("data/masks", lesion), ("data/lungs", lungs), ("found", found)):
            volumes.write(Volume(array, np.diag([*SPACING, 1.0])), tmp_path / folder / f"{name}.nii.gz")
    (tmp_path / "data/cohort.json").write_text('{"cohort": "mosmed-like", "cases": []}')
    return tmp_path


def test_each_case_shows_prediction_and_reference_and_the_report_links_to_it(files, capsys):
    command = ["evaluate", str(files / "found"), str(files / "data"), "--protocol", "per_volume", "--out",
               str(files / "out"), "--view"]
    assert main(command) == 0
    text = (files / "out/view.html").read_text(encoding="utf-8")
    content = json.loads(re.search(r'id="cases">(.*?)</script>', text)[1])
    assert "not results on patients" in content["notice"]
    lesion_ml = 6 * 10 * 8 * np.prod(SPACING) / 1000
    assert {case["id"]: {layer["name"]: layer["labels"][0]["infection_ml"] for layer in case["layers"]}
            for case in content["cases"]} == {
        "one": {"prediction": pytest.approx(lesion_ml), "reference mask": pytest.approx(lesion_ml)},
        "two": {"prediction": pytest.approx(lesion_ml / 2), "reference mask": pytest.approx(lesion_ml)}}
    report = (files / "out/report.html").read_text(encoding="utf-8")
    assert all(f'href="view.html{part}"' in report for part in ("", "#one", "#two")) and "--view" in report
    capsys.readouterr()
    (files / "out/results.json").unlink()
    assert main(command) == 1 and "view.html: expected a path that does not exist yet" in capsys.readouterr().err


def test_a_case_that_the_page_does_not_hold_has_no_link(files):
    command = ["evaluate", str(files / "found"), str(files / "data/masks"), "--protocol", "per_volume", "--out",
               str(files / "out"), "--view", "--ct", str(files / "ct")]
    (files / "ct").mkdir()
    (files / "ct/one.nii.gz").write_bytes((files / "data/images/one.nii.gz").read_bytes())
    assert main(command) == 0
    report = (files / "out/report.html").read_text(encoding="utf-8")
    assert 'href="view.html#one"' in report and "view.html#two" not in report and "two" in report


def test_it_wants_a_folder_and_a_built_page_before_it_computes(files, capsys, monkeypatch):
    command = ["evaluate", str(files / "found"), str(files / "data"), "--view"]
    assert main(command) == 2 and "--view: expected --out DIR" in capsys.readouterr().err
    monkeypatch.setattr(page, "TEMPLATE", files / "absent.html")
    assert main([*command, "--out", str(files / "out")]) == 1
    assert "it was never built" in capsys.readouterr().err and not (files / "out").exists()


def test_without_cts_the_scores_are_there_and_the_page_is_missed(files, capsys):
    assert main(["evaluate", str(files / "found"), str(files / "data/masks"), "--protocol", "per_volume", "--out",
                 str(files / "out"), "--view"]) == 1
    assert "view.html: expected CTs as NIfTI files behind the masks, found none" in capsys.readouterr().err
    assert (files / "out/report.html").is_file() and not (files / "out/view.html").exists()


def test_a_page_of_very_many_cases_holds_the_first_ones(tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(evaluated, "write_page", lambda cases, *_, **__: (held.extend(cases), []))
    pairs = {f"{number:02}": Pair(f"{number:02}", *[Path(f"{name}.nii.gz") for name in ("p", "r", "l", "i")])
             for number in range(page.MOST_CASES + 2)}
    with pytest.warns(InputWarning, match="it shows the first 40"):
        ids, _ = evaluated.write_evaluated_page(pairs, tmp_path / "view.html", "a title")
    assert ids == [files.input.id for files in held] == list(pairs)[:page.MOST_CASES]
