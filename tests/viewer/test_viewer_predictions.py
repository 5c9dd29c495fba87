"""``predict --view``: the page of what was just segmented, with the network that comes along."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.viewer import page


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a CT of two boxes of lung and its lung mask; a template stands in for the built one."""
    template = tmp_path / "viewer.html"
    template.write_text(page.DATA)
    monkeypatch.setattr(page, "TEMPLATE", template)
    ct, lungs = np.full((40, 36, 24), 40, np.float32), np.zeros((40, 36, 24), np.uint8)
    lungs[6:16, 6:30, 4:20] = lungs[24:34, 6:30, 4:20] = 1
    ct[lungs > 0] = -850
    ct[26:32, 10:20, 8:16] = -250
    affine = np.diag([7.0, 7.0, 10.0, 1.0])
    volumes.write(Volume(ct, affine), tmp_path / "ct.nii.gz")
    volumes.write(Volume(lungs, affine), tmp_path / "lungs.nii.gz")
    return tmp_path


def shown(path):
    return json.loads(re.search(r'id="cases">(.*?)</script>', path.read_text(encoding="utf-8"))[1])["cases"]


def test_the_page_says_what_the_json_beside_the_mask_says(files, capsys):
    command = ["predict", str(files / "ct.nii.gz"), str(files / "out"), "--lungs", str(files / "lungs.nii.gz"),
               "--probability", "--view"]
    assert main(command) == 0
    assert (files / "out" / "view.html").as_uri() in capsys.readouterr().err
    [case] = shown(files / "out" / "view.html")
    facts = json.loads((files / "out" / "ct.json").read_text())
    assert [(layer["name"], layer["kind"]) for layer in case["layers"]] == [("lesions", "mask"), ("scores", "map")]
    [sizes] = case["layers"][0]["labels"]
    for name in ("infection_ml", "left_infection_ml", "right_infection_rate_percent", "left_lung_ml"):
        assert sizes[name] == pytest.approx(facts[name], abs=0.01)
    assert main(command) == 1 and "view.html: expected a path that does not exist yet" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0


def test_the_page_shows_the_lungs_that_the_prediction_found(files, monkeypatch):
    monkeypatch.setattr(page, "lung_mask_for", lambda *_: pytest.fail("the lungs were found again"))
    assert main(["predict", str(files / "ct.nii.gz"), str(files / "out"), "--lungs", str(files / "lungs.nii.gz"),
                 "--view"]) == 0
    [case] = shown(files / "out" / "view.html")
    assert case["lungs"]["lung_ml"] == pytest.approx(2 * 10 * 24 * 16 * 0.49)


def test_one_named_mask_has_its_page_beside_it(files):
    assert main(["predict", str(files / "ct.nii.gz"), str(files / "mine.nii.gz"), "--lungs",
                 str(files / "lungs.nii.gz"), "--view"]) == 0
    assert [case["id"] for case in shown(files / "mine.html")] == ["ct"]


def test_a_page_that_was_never_built_is_said_before_any_work(files, monkeypatch, capsys):
    monkeypatch.setattr(page, "TEMPLATE", files / "absent.html")
    assert main(["predict", str(files / "ct.nii.gz"), str(files / "out"), "--view"]) == 1
    assert "never built" in capsys.readouterr().err and not (files / "out").exists()


def test_pictures_have_masks_but_no_page(files, capsys):
    y, x = np.mgrid[:128, :160]
    lungs = ((x - 45) / 26) ** 2 + ((y - 64) / 40) ** 2 < 1
    lungs |= ((x - 115) / 26) ** 2 + ((y - 64) / 40) ** 2 < 1
    body = ((x - 80) / 76) ** 2 + ((y - 64) / 58) ** 2 < 1
    grey = np.where(lungs, 60, np.where(body, 230, 0)) + np.random.default_rng(0).integers(0, 9, lungs.shape)
    Image.fromarray(grey.astype(np.uint8)).save(files / "slice.png")
    assert main(["predict", str(files / "slice.png"), str(files / "out"), "--view", "--turned", "no"]) == 1
    assert "expected CTs whose masks are NIfTI files, found none of that kind" in capsys.readouterr().err
    assert list((files / "out").glob("slice*.png")) and not (files / "out" / "view.html").exists()
