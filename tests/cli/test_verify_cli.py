"""``covid3dgan verify``: what it prints and how it exits."""

import json
import subprocess
import sys

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.volumes import Volume

SHAPE = (6, 5, 36)


@pytest.fixture
def data(tmp_path):
    """Two cases of the plain layout; the infection mask of the second is empty."""
    rng = np.random.default_rng(0)
    for number in (1, 2):
        ct = Volume(rng.integers(-1000, 300, SHAPE), np.diag([-0.7, 0.7, 3.0, 1]))
        lungs = np.zeros(SHAPE, bool)
        lungs[1:5, 1:4] = True
        infection = lungs & (np.arange(36) < 9) & (number == 1)
        for folder, volume in (("images", ct), ("lungs", ct.like(lungs)), ("masks", ct.like(infection))):
            volumes.write(volume, tmp_path / "set" / folder / f"case_{number}.nii.gz")
    return tmp_path / "set"


def test_the_report_in_words(data, capsys):
    assert main(["verify", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"set (plain) in {data}"
    assert lines[1].startswith("  case_1: 6x5x36 · 0.7x0.7x3 mm · LAS, 36 slices · HU -")
    assert lines[1].endswith("lungs labels 1 · lungs voxels 432 · infection labels 1 · infection voxels 108 · "
                             "infection percent of lungs 25")
    assert lines[3] == (f"    warning: {data / 'masks' / 'case_2.nii.gz'}: expected a mask that marks the infection, "
                        "found an empty one; check that it belongs to this case.")
    assert lines[-1] == "2 cases, 0 errors, 1 warning"


def test_the_report_as_json(data, capsys):
    assert main(["verify", "--json", "--strict", str(data), "nowhere"]) == 1
    printed = capsys.readouterr()
    content = json.loads(printed.out)
    assert content["errors"] == 2
    assert content["failed"] == [
        "nowhere: expected a folder with a data set, found nothing at that path; check its name."]
    report = content["reports"][0]
    assert (report["name"], report["layout"], [case["id"] for case in report["cases"]]) == (
        "set", "plain", ["case_1", "case_2"])
    assert report["cases"][0]["facts"]["infection_percent_of_lungs"] == 25.0
    assert len(report["cases"][1]["errors"]) == 1


def test_a_bad_file_in_a_set_is_named_and_the_rest_done(data, capsys):
    (data / "images" / "case_1.nii.gz").write_bytes(b"")
    assert main(["verify", str(data)]) == 1
    printed = capsys.readouterr().out
    assert f"error: {data / 'images' / 'case_1.nii.gz'}: expected a NIfTI file, found an empty file" in printed
    assert "case_2: 6x5x36" in printed
    assert printed.splitlines()[-1] == "2 cases, 1 error, 1 warning"


def test_several_sets_in_one_call(data, capsys):
    assert main(["verify", "missing", str(data)]) == 1
    printed = capsys.readouterr()
    assert "2 cases, 0 errors, 1 warning" in printed.out
    assert "covid3dgan verify: missing: expected" in printed.err


def test_wrong_arguments_exit_2(data, capsys):
    assert main(["verify"]) == 2
    assert main(["verify", str(data), "--layout", "nonsense"]) == 2
    assert "invalid choice: 'nonsense'" in capsys.readouterr().err


def test_verify_loads_no_tensorflow(data):
    code = (f"import sys; from covid3dgan.cli.main import main; main(['verify', {str(data)!r}]); "
            "sys.exit('tensorflow' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_what_many_cases_share_is_told_once(data, capsys):
    first = data / "images/case_1.nii.gz"
    for number in range(3, 8):  # no masks: nothing else to say of them; the slices differ
        volume = volumes.read(first)
        volumes.write(Volume(volume.array[:, :, :10 + number], volume.affine), data / f"images/case_{number}.nii.gz")
    main(["verify", str(data)])
    lines = capsys.readouterr().out.splitlines()
    [told] = [line for line in lines if "at least 32 slices" in line]
    assert told == (f"  warning in 5 files, for example: {data}/images/case_3.nii.gz: expected at least 32 slices, "
                    "found 13; leave it out or expect a coarse result.")
    assert any(line.startswith("    warning:") and "case_2" in line for line in lines)  # it stands alone
