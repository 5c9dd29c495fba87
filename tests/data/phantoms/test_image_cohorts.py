"""Cohorts of synthetic images by ``covid3dgan phantom``."""

import json

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data.datasets import image_sets
from covid3dgan.data.files import images
from covid3dgan.data.phantoms.images import IMAGE_COHORTS
from covid3dgan.files import sha256


@pytest.mark.parametrize("cohort", list(IMAGE_COHORTS))
def test_a_cohort_is_a_plain_data_set_with_the_same_bytes_each_time(tmp_path, cohort):
    arguments = ["--cohort", cohort, "--cases", "2", "--size", "96,96", "--seed", "5", "--quiet"]
    for name in "ab":
        assert main(["phantom", str(tmp_path / name), *arguments]) == 0
    found = image_sets.find(tmp_path / "a")
    assert found.layout == "plain" and [case.name for case in found.cases] == [f"{cohort}_000", f"{cohort}_001"]
    for path in found.files():
        assert sha256(path) == sha256(tmp_path / "b" / path.relative_to(tmp_path / "a"))
    image, mask = IMAGE_COHORTS[cohort](5, 1, 96)
    channel, image = ("green", image[..., 1]) if image.ndim == 3 else ("grey", image)
    np.testing.assert_allclose(images.read(found.cases[1].image, channel), image, atol=0.51 / 255)
    np.testing.assert_array_equal(images.read_mask(found.cases[1].mask), mask)
    facts = json.loads((tmp_path / "a" / "cohort.json").read_text())
    assert facts["kind"] == "phantom" and facts["cases"][1]["foreground"] == pytest.approx(mask.mean(), abs=1e-5)


def test_images_are_square(tmp_path, capsys):
    assert main(["phantom", str(tmp_path / "out"), "--cohort", "angiograms", "--size", "96,64"]) == 2
    assert "two equal numbers" in capsys.readouterr().err and not (tmp_path / "out").exists()
