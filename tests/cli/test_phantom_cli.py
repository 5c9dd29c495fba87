"""``covid3dgan phantom``: the plain layout, the same bytes twice, and one sentence for each wrong argument."""

import json

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.files import sha256

ARGUMENTS = ["--cohort", "mosmed-like", "--cases", "2", "--size", "64,48,24", "--seed", "4", "--quiet"]


def test_writes_the_plain_layout_with_the_same_bytes_each_time(tmp_path):
    for name in "ab":
        assert main(["phantom", str(tmp_path / name), *ARGUMENTS]) == 0
    written = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    names = ["mosmed-like_000.nii.gz", "mosmed-like_001.nii.gz"]
    assert [str(p) for p in written] == ["cohort.json", *(f"{d}/{n}" for d in ("images", "lungs", "masks")
                                                          for n in names)]
    assert all(sha256(tmp_path / "a" / p) == sha256(tmp_path / "b" / p) for p in written)


def test_files_hold_what_generate_returns(tmp_path):
    assert main(["phantom", str(tmp_path / "out"), *ARGUMENTS]) == 0
    case = chest_ct.generate("mosmed-like", 1, 4, (64, 48, 24))
    ct = volumes.read(tmp_path / "out/images/mosmed-like_001.nii.gz", strict=True)
    assert ct.shape == (64, 48, 24) and ct.header.get_data_dtype() == np.int16
    assert np.array_equal(ct.array, case.ct.array) and np.allclose(ct.affine, case.ct.affine, atol=1e-4)
    for folder, mask in (("masks", case.infection), ("lungs", case.lungs)):
        stored = volumes.read_mask(tmp_path / "out" / folder / "mosmed-like_001.nii.gz")
        assert np.array_equal(stored.array, mask.array) and stored.header.get_data_dtype() == np.uint8
    facts = json.loads((tmp_path / "out/cohort.json").read_text())
    assert facts["cases"][1]["infection_rate_percent"] == pytest.approx(case.rate, abs=1e-3)


def test_never_overwrites_unless_told_and_then_leaves_nothing_old(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["phantom", str(out), *ARGUMENTS]) == 0
    before = sha256(out / "images/mosmed-like_000.nii.gz")
    assert main(["phantom", str(out), "--cohort", "healthy", "--cases", "1", "--quiet", "--size", "32x32x8"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert sha256(out / "images/mosmed-like_000.nii.gz") == before
    assert main(["phantom", str(out), "--cohort", "healthy", "--cases", "1", "--quiet", "--size", "32,32,8",
                 "--overwrite"]) == 0
    assert [p.name for p in (out / "images").iterdir()] == ["healthy_000.nii.gz"]


def test_overwrite_spares_a_folder_that_is_no_cohort(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("three years")
    assert main(["phantom", str(tmp_path / "mine"), *ARGUMENTS, "--overwrite"]) == 1
    assert "mine: expected a folder with a phantom cohort" in capsys.readouterr().err
    assert (tmp_path / "mine/thesis.txt").read_text() == "three years"


@pytest.mark.parametrize("arguments, sentence", [
    (["--cohort", "mosmd-like"], "nearest: mosmed-like"),
    (["--cohort", "healthy", "--cases", "0"], "cases: expected 1 or more, found 0"),
    (["--cohort", "healthy", "--size", "160,160"], "size: expected three"),
    (["--cohort", "healthy", "--size", "a,b,c"], "--size: expected whole numbers"),
    (["--cohort", "healthy", "--size", "160,160,2"], "found 160,160,2"),
    (["--cohort", "healthy", "--size", "99999,99999,999"], "size: expected a volume that fits into the free memory"),
    (["--cohort", "healthy", "--seed", "-1"], "seed: expected 0 or more, found -1"),
])
def test_wrong_arguments_exit_2_with_a_sentence_and_write_nothing(tmp_path, capsys, arguments, sentence):
    assert main(["phantom", str(tmp_path / "out"), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
