"""``covid3dgan evaluate``: the printed table, the files it leaves, and its sentences and exit codes."""

import csv
import json

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.files import images
from covid3dgan.evaluation import protocols

SHAPE = (40, 36, 5)
AFFINE = np.diag([-2.0, -2.5, 8.0, 1.0])  # LPS voxel order: the reader has to turn it


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Three cases as a plain data set with predictions: scores for a and b, a mask for c."""
    root = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(11)
    for name in ("a", "b", "c"):
        lung = np.zeros(SHAPE, np.uint8)
        lung[4:36, 4:32] = 1
        mask = (ndimage.gaussian_filter(rng.normal(size=SHAPE), (4, 4, 1)) > 0.05) & (lung > 0)
        scores = np.clip(ndimage.gaussian_filter(mask.astype(np.float32), 1) + rng.normal(0, 0.1, SHAPE), 0, 1)
        prediction = (scores > 0.4) if name == "c" else scores.astype(np.float32)
        ct = np.where(lung, -800.0, 40.0) + 500.0 * mask
        for folder, array in (("data/images", ct), ("data/masks", mask), ("data/lungs", lung), ("pred", prediction)):
            volumes.write(volumes.Volume(array, AFFINE), root / folder / f"{name}.nii.gz")
    return root


def arrays(root, folder, name):
    """A file as (slices, rows, columns) in its own voxel order, which for LPS is the one that the reader turns to."""
    return np.transpose(np.asarray(nibabel.load(root / folder / f"{name}.nii.gz").dataobj), (2, 1, 0))


def run(capsys, *arguments):
    code = main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_published_equals_the_library_and_leaves_every_file(cohort, tmp_path, capsys):
    out = tmp_path / "ev"
    code, printed, _ = run(capsys, cohort / "pred", cohort / "data", "--out", out)
    assert code == 0
    folders = ("pred", "data/masks", "data/lungs")
    summary = protocols.published(*([arrays(cohort, folder, name) for name in "abc"] for folder in folders)).summary()
    results = json.loads((out / "results.json").read_text())
    for metric in ("dice", "sensitivity", "specificity"):
        assert results["summary"][metric]["mean"] == pytest.approx(summary[metric]["mean"], abs=1e-9)
        assert results["summary"][metric]["std"] == pytest.approx(summary[metric]["std"], abs=1e-9)
        assert results["summary"][metric]["n"] == summary[metric]["n"] > 0
    assert f"{summary['dice']['mean']:.2f} ± {summary['dice']['std']:.2f}" in printed
    cases, slices = read_csv(out / "cases.csv"), read_csv(out / "slices.csv")
    assert [row["case"] for row in cases] == ["a", "b", "c"] and len(slices) == 3 * SHAPE[2]
    voxel_ml = 2.0 * 2.5 * 8.0 / 1000
    assert float(cases[0]["true_ml"]) == pytest.approx(arrays(cohort, "data/masks", "a").sum() * voxel_ml)
    assert sorted(p.name for p in (out / "figures").iterdir()) == [
        "best_slices.png", "dice_by_infection.png", "overview.png", "volumes.png", "worst_slices.png"]
    report = (out / "report.html").read_text()
    assert "covid3dgan evaluate" in report and "phantom" not in report.split("</style>")[1].lower()
    assert (out / "report.md").is_file()


def test_the_same_command_twice_gives_the_same_files(cohort, tmp_path, capsys):
    for name in ("one", "two"):
        run(capsys, cohort / "pred", cohort / "data", "--protocol", "per_volume", "--out", tmp_path / name)
    for file in ("results.json", "cases.csv", "slices.csv", "figures/worst_slices.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    again = run(capsys, cohort / "pred", cohort / "data", "--out", tmp_path / "one")
    assert again[0] == 1 and "pass --overwrite" in again[2]
    assert run(capsys, cohort / "pred", cohort / "data", "--out", tmp_path / "one", "--overwrite")[0] == 0


def test_per_volume_prints_millimetres_and_millilitres(cohort, capsys):
    code, printed, _ = run(capsys, cohort / "pred", cohort / "data", "--protocol", "per_volume", "--threshold", "0.4")
    expected = protocols.per_volume(*([arrays(cohort, f, n) for n in "abc"] for f in ("pred", "data/masks")),
                                    spacing=(8.0, 2.5, 2.0), threshold=0.4).summary()
    assert code == 0
    for metric, unit in (("dice", "%"), ("hd95_mm", "mm"), ("volume_error_ml", "ml")):
        line = next(x for x in printed.splitlines() if f" {unit} " in x and f"{expected[metric]['mean']:.2f}" in x)
        assert f"{expected[metric]['mean']:.2f} ± {expected[metric]['std']:.2f}" in line


@pytest.mark.parametrize("protocol, word", [
    ("khali", "khali_pixel_max"), ("ssinfnet", "1.96 SE"), ("afseg", "Accuracy")])
def test_the_other_protocols_run_on_volumes(cohort, capsys, protocol, word):
    code, printed, _ = run(capsys, cohort / "pred", cohort / "data", "--protocol", protocol)
    assert code == 0 and word in printed


def test_rule_and_filters_change_the_numbers(cohort, capsys):
    outputs = {extra: run(capsys, cohort / "pred", cohort / "data", *extra)[1]
               for extra in ((), ("--rule", "absolute"), ("--threshold", "0.6"), ("--no-slice-filters",))}
    assert len(set(outputs.values())) == 4
    assert "relative = False" in outputs["--rule", "absolute"]


@pytest.mark.parametrize("protocol", ["published", "per_volume"])
def test_the_continuous_dice_is_of_the_maps_whatever_their_cut_and_of_masks_their_dice(cohort, tmp_path, capsys,
                                                                                      protocol):
    found = []
    for number, threshold in enumerate(("0.3", "0.7")):
        out = tmp_path / f"ev{number}"
        code, printed, _ = run(capsys, cohort / "pred", cohort / "data", "--continuous-dice", "--protocol", protocol,
                               "--rule", "absolute", "--threshold", threshold, "--no-slice-filters" if protocol ==
                               "published" else "--seed=0", "--out", out)
        assert code == 0 and "Continuous Dice" in printed and "--continuous-dice" in (out / "report.md").read_text()
        results = json.loads((out / "results.json").read_text())
        assert results["summary"]["continuous_dice"]["unit"] == "%"
        found.append({case["case"]: case for case in results["cases"]})
    for name in "ab":
        assert found[0][name]["continuous_dice"] == found[1][name]["continuous_dice"]
        assert found[0][name]["dice"] != found[1][name]["dice"]
    assert found[0]["c"]["continuous_dice"] == pytest.approx(found[0]["c"]["dice"], abs=1e-6)
    if protocol == "per_volume":
        scores, true = arrays(cohort, "pred", "a"), arrays(cohort, "data/masks", "a") > 0
        c = scores[true & (scores > 0)].mean()
        assert found[0]["a"]["continuous_dice"] == pytest.approx(
            2 * scores[true].sum() / (c * true.sum() + scores.sum()), rel=1e-5)


def test_two_files_without_lungs(cohort, capsys):
    code, printed, _ = run(capsys, cohort / "pred/a.nii.gz", cohort / "data/masks/a.nii.gz", "--protocol", "per_volume")
    assert code == 0 and "Specificity in the lungs" not in printed
    code, _, error = run(capsys, cohort / "pred/a.nii.gz", cohort / "data/masks/a.nii.gz")
    assert code == 2 and "expected lung masks, which the protocol published needs" in error


def test_phantom_cohorts_are_named_in_the_report(cohort, tmp_path, capsys):
    (cohort / "data" / "cohort.json").write_text('{"cohort": "mosmed-like"}')
    try:
        run(capsys, cohort / "pred", cohort / "data", "--out", tmp_path / "ev")
    finally:
        (cohort / "data" / "cohort.json").unlink()
    assert "These are not results on patients" in (tmp_path / "ev" / "report.html").read_text()


def test_bad_cases_are_listed_at_the_end_and_the_good_ones_scored(cohort, tmp_path, capsys):
    for name in ("a", "b", "c"):
        array = volumes.read_mask(cohort / "data/masks" / f"{name}.nii.gz").array
        if name == "b":
            array = array[:-1]
        volumes.write(volumes.Volume(array, AFFINE), tmp_path / "pred" / f"{name}.nii.gz")
    (tmp_path / "pred" / "c.nii.gz").write_bytes(b"no volume")
    code, printed, error = run(capsys, tmp_path / "pred", cohort / "data", "--out", tmp_path / "ev")
    assert code == 1
    assert "100.00" in printed
    assert "b.nii.gz: expected the grid of" in error and "c.nii.gz" in error and "Traceback" not in error
    results = json.loads((tmp_path / "ev" / "results.json").read_text())
    assert [case["case"] for case in results["cases"]] == ["a"] and len(results["problems"]) == 2
    assert results["summary"]["dice"]["ci95"] == [None, None]
    assert "Not evaluated" in (tmp_path / "ev" / "report.html").read_text()


def test_pictures(tmp_path, capsys):
    rng = np.random.default_rng(3)
    for index in range(3):
        truth = ndimage.gaussian_filter(rng.normal(size=(48, 40)), 4) > 0.02
        images.write_mask(truth, tmp_path / "ref" / f"{index}.png")
        images.write(np.clip(0.6 * truth + rng.random(truth.shape) * 0.4, 0, 1), tmp_path / "pred" / f"{index}.png")
    code, printed, _ = run(capsys, tmp_path / "pred", tmp_path / "ref", "--protocol", "ssinfnet", "--out",
                           tmp_path / "ev")
    assert code == 0 and "F1" in printed and "fraction" in printed
    cases = read_csv(tmp_path / "ev" / "cases.csv")
    assert "true_pixels" in cases[0] and (tmp_path / "ev" / "figures" / "worst_slices.png").is_file()
    code, _, error = run(capsys, tmp_path / "pred", tmp_path / "ref", "--protocol", "per_volume")
    assert code == 2 and "2D pictures" in error


@pytest.mark.parametrize("arguments, code, sentence", [
    (("--protocol", "khali", "--rule", "absolute"), 2, "relative: expected published or per_volume"),
    (("--protocol", "afseg", "--no-slice-filters"), 2, "slice filters: expected the protocol published"),
    (("--protocol", "khali", "--continuous-dice"), 2, "continuous Dice: expected the protocol published or per_volume"),
    (("--protocol", "dice"), 2, "invalid choice: 'dice'"),
    (("--threshold", "much"), 2, "invalid float value: 'much'"),
    (("--lungs", "nowhere"), 1, "nowhere: expected the file or folder of the lungs")])
def test_wrong_arguments(cohort, capsys, arguments, code, sentence):
    got, _, error = run(capsys, cohort / "pred", cohort / "data", *arguments)
    assert got == code and sentence in error


def test_a_share_of_the_maximum_lies_below_one(cohort, capsys):
    for protocol, text in (("published", "3"), ("khali", "1")):
        code, _, error = run(capsys, cohort / "pred", cohort / "data", "--protocol", protocol, "--threshold", text)
        assert code == 2 and f"a share of each slice's maximum, from 0 to below 1, found {text};" in error


def test_a_threshold_is_a_number(cohort, capsys):
    code, _, error = run(capsys, cohort / "pred", cohort / "data", "--protocol", "per_volume", "--threshold", "nan")
    assert code == 2 and "threshold: expected a number, found nan" in error


def test_one_pair_that_fails_says_why_alone(cohort, capsys):
    code, _, error = run(capsys, cohort / "data" / "images" / "a.nii.gz", cohort / "data" / "masks" / "a.nii.gz",
                         "--protocol", "per_volume")
    assert code == 1 and error.count("expected") == 1 and "as a CT in HU has them; name the prediction" in error
