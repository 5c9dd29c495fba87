"""``covid3dgan preprocess``: cases, manifest, the published arrays, resuming, and one bad case among good ones."""

import json

import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.errors import InputError

SET = ["--preset", "shabani/demo", "--set", "preprocess.min_slices=8", "--workers", "1"]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "cts"
    chest_ct.write_cohort(out, "uestc-like", 3, 5, (48, 48, 20))
    return out


def test_cases_manifest_sheet_and_published_arrays(cohort, tmp_path):
    assert main(["preprocess", str(cohort), str(tmp_path / "out"), "--published-arrays", *SET]) == 0
    cases = open_prepared(tmp_path / "out")
    assert len(cases) == 3 and cases.shape == (32, 64, 64) and len(cases.only("covid")) == 3
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert [c["id"] for c in manifest["cases"]] == cases.ids and manifest["problems"] == []
    assert manifest["cases"][0]["facts"]["lung_mask"] == "given" and len(manifest["cases"][0]["sha256"]["image"]) == 64
    lungs = np.load(tmp_path / "out/LungImages.npy", allow_pickle=False)
    np.testing.assert_array_equal(lungs, cases.array("lung"))
    assert np.load(tmp_path / "out/InfectionMasks.npy").sum() > 0
    assert (tmp_path / "out/contact_sheet.png").stat().st_size > 10000


def test_two_workers_give_the_same_files(cohort, tmp_path):
    assert main(["preprocess", str(cohort), str(tmp_path / "one"), *SET]) == 0
    assert main(["preprocess", str(cohort), str(tmp_path / "two"), *SET[:-1], "2"]) == 0
    for a, b in zip(open_prepared(tmp_path / "one").cases, open_prepared(tmp_path / "two").cases):
        np.testing.assert_array_equal(a.lung, b.lung)


def test_resuming_does_only_what_is_missing(cohort, tmp_path):
    arguments = ["preprocess", str(cohort), str(tmp_path / "out"), *SET]
    assert main(arguments) == 0
    assert main(arguments) == 1  # nothing is overwritten unasked
    paths = open_prepared(tmp_path / "out").paths
    kept, lost = paths[0], paths[1]
    before = kept.stat().st_mtime_ns
    lost.unlink()
    assert main([*arguments, "--resume"]) == 0
    assert lost.is_file() and kept.stat().st_mtime_ns == before


def test_a_bad_case_is_listed_and_the_others_are_done(tmp_path, capsys):
    chest_ct.write_cohort(tmp_path / "cts", "uestc-like", 2, 6, (48, 48, 20))
    bad = next((tmp_path / "cts/images").iterdir())
    bad.write_bytes(bad.read_bytes()[:500])
    assert main(["preprocess", str(tmp_path / "cts"), str(tmp_path / "out"), *SET]) == 1
    assert bad.name in capsys.readouterr().err and len(open_prepared(tmp_path / "out")) == 1


def test_the_published_mistake_is_an_option(cohort, tmp_path):
    assert main(["preprocess", str(cohort), str(tmp_path / "out"), "--published-arrays", *SET,
                 "--set", "preprocess.base_holds_lung_mask=true"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out/BaseCTImages.npy"), np.load(tmp_path / "out/LungMask.npy"))


def test_prepared_sets_say_what_does_not_fit(cohort, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        open_prepared(tmp_path / "none")
    with pytest.raises(InputError, match="none; make them"):
        open_prepared(tmp_path)
    assert main(["preprocess", str(cohort), str(tmp_path / "a"), *SET]) == 0
    with pytest.raises(InputError, match="ids that occur once"):
        open_prepared(tmp_path / "a", tmp_path / "a")
