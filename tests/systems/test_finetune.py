"""Fine-tuning on corrected masks: folds by patient, what is measured, what is written, and what stays as it was."""

import json
from pathlib import Path

import numpy as np
import pytest

from covid3dgan import presets, weights
from covid3dgan.cli.main import main
from covid3dgan.data import volumes
from covid3dgan.data.datasets.cases import Case
from covid3dgan.data.datasets.opening import open_dataset, read_case
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.files import sha256
from covid3dgan.inference.predictor import load_predictor
from covid3dgan.systems.finetune import scores
from covid3dgan.systems.finetune.cases import CorrectedCase, find_corrected, folds_of
from covid3dgan.systems.finetune.recipe import open_start

SHORT = ("--set=segmenter.steps=2", "--set=finetune.folds=2", "--set=segmenter.log_every=1", "--precision=float32")


def case(name, infected=True, patient=None):
    return CorrectedCase(Case(name, Path(name), patient=patient), infected, Path(name))


def test_every_patient_is_held_out_once_and_every_fold_has_a_lesion():
    cases = [case("a1", patient="a"), case("a2", False, "a"), case("b"), case("c"), case("d"), case("e", False),
             case("f", False), case("g", False)]
    folds = folds_of(cases, 3, seed=0)
    assert len(folds) == 3 and sorted(one.case.id for fold in folds for one in fold) == [
        "a1", "a2", "b", "c", "d", "e", "f", "g"]
    assert all(any(one.infected for one in fold) for fold in folds)
    [with_a] = [fold for fold in folds if any(one.patient == "a" for one in fold)]
    assert {"a1", "a2"} <= {one.case.id for one in with_a}
    assert folds == folds_of(cases, 3, seed=0) and any(folds != folds_of(cases, 3, seed) for seed in (1, 2, 3))
    assert len(folds_of([case("a"), case("b"), case("e", False)], 3, 0)) == 2  # no fold without a lesion


def write_masks(folder, lesions, table=""):
    """A data set of small CTs whose masks hold so many voxels."""
    for number, voxels in enumerate(lesions):
        mask = np.zeros((4, 4, 3), np.uint8)
        mask.ravel()[:voxels] = 1
        for name, array in (("images", np.full((4, 4, 3), -800.0)), ("masks", mask)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            volumes.write(Volume(array, np.eye(4)), folder / name / f"c{number}.nii.gz")
    if table:
        (folder / "cases.csv").write_text(table)


def test_too_few_corrected_cases_are_one_sentence(tmp_path, capsys):
    write_masks(tmp_path / "few", [3, 2, 1, 5, 0])
    assert main(["finetune", str(tmp_path / "few"), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "at least 5 CTs whose corrected mask has a lesion, found 4 in 5 CTs with a mask; correct more" in said
    assert not (tmp_path / "out").exists()
    write_masks(tmp_path / "one", [1] * 5, "id,group,patient\n" + "".join(f"c{i},covid,p\n" for i in range(5)))
    with pytest.raises(InputError, match="lesions of at least two patients, found one patient, p; add cases"):
        find_corrected(tmp_path / "one", tmp_path / "out", 5)


def test_ct_without_a_mask_is_left_out_and_a_damaged_mask_listed(tmp_path):
    write_masks(tmp_path, [1] * 6)
    (tmp_path / "masks" / "c0.nii.gz").unlink()
    (tmp_path / "masks" / "c1.nii.gz").write_bytes(b"no NIfTI")
    with pytest.warns(UserWarning, match="a mask for every CT, found none for 1 of 6 cases"):
        found, problems = find_corrected(tmp_path, tmp_path / "out", 4)
    assert [one.case.id for one in found] == ["c2", "c3", "c4", "c5"]
    assert len(problems) == 1 and "c1.nii.gz" in problems[0]


def row(name, *dice, ml=(1.0, 1.0, 1.0)):
    return {"id": name, "patient": name, **{method: {"dice": d, "ml": m}
                                            for method, d, m in zip(scores.METHODS, dice, ml)}}


def test_the_sentence_says_whether_it_helped():
    better = [row("a", 0.4, 0.45, 0.6), row("b", 0.5, 0.45, 0.6), row("c", 0.3, 0.6, 0.6),
              row("d", None, None, None, ml=(8.0, 7.0, 2.0))]
    found = scores.summary(better)
    assert found["cases"] == 3 and found["better"] == 3 and found["worse"] == 0
    np.testing.assert_allclose([found["before"]["dice"], found["after"]["dice"], found["change"]["dice"]],
                               [0.4, 0.6, 0.2])
    np.testing.assert_allclose(found["change"]["interval"], [0.1, 0.3])  # of three, each resample's extremes
    assert scores.sentence_of(found) == (
        "It helped: better on 3 of 3 held-out cases, mean Dice 0.400 -> 0.600 (change +0.200, 95 % interval +0.100 to "
        "+0.300); the threshold alone gives 0.500. On the one held-out case without a lesion it marks 2.0 ml, "
        "before 8.0 ml.")
    unsure = scores.summary([row("a", 0.4, 0.4, 0.6), row("b", 0.5, 0.5, 0.4)])
    assert scores.sentence_of(unsure).startswith("No clear difference: better on 1 of 2")
    worse = scores.summary([row("a", 0.4, 0.4, 0.3), row("b", 0.5, 0.5, 0.3)])
    assert scores.sentence_of(worse).startswith("It did harm, so keep the network that it started from: better on 0")


@pytest.fixture(scope="module")
def finetuned(tmp_path_factory):
    """(folder of phantoms, folder of a fine-tuning with few steps)."""
    folder = tmp_path_factory.mktemp("finetune")
    chest_ct.write_cohort(folder / "cts", "coronacases-like", 5, 3, (64, 64, 16))
    shipped = sha256(weights.path())
    assert main(["finetune", str(folder / "cts"), "--out", str(folder / "out"), "--quiet", *SHORT]) == 0
    assert sha256(weights.path()) == shipped  # never overwritten
    return folder / "cts", folder / "out"


def test_each_case_is_scored_by_a_network_that_did_not_see_it(finetuned):
    cts, out = finetuned
    results = json.loads((out / "results.json").read_text())
    assert sorted(found["id"] for found in results["cases"]) == [one.id for one in open_dataset(cts)]
    for number in (1, 2):
        run = json.loads((out / "folds" / str(number) / "run.json").read_text())
        held = [found["id"] for found in results["cases"] if found["fold"] == number]
        assert sorted(run["held_out"]) == sorted(held) and not set(held) & set(run["cases"])
        assert len(held) + len(run["cases"]) == 5
        assert run["started_from"]["sha256"] == sha256(weights.path()) and run["targets"] == "masks of the cases"
    report = (out / "report.html").read_text()
    assert results["sentence"].replace(">", "&gt;") in report and "Made on phantoms" in report


def test_what_is_said_of_before_is_what_predict_finds(finetuned):
    cts, out = finetuned
    [found] = [row for row in json.loads((out / "results.json").read_text())["cases"] if row["id"].endswith("002")]
    read = read_case(open_dataset(cts).case(found["id"]))
    mask = load_predictor().predict(read.ct, read.lungs).mask
    assert found["before"]["dice"] == pytest.approx(metrics.counts(mask > 0, read.infection.array > 0).dice, abs=1e-12)
    assert found["before"]["ml"] == pytest.approx(mask.sum() * np.prod(read.ct.spacing) / 1000)


def test_the_network_is_one_that_predict_and_finetune_take(finetuned):
    cts, out = finetuned
    results = json.loads((out / "results.json").read_text())
    start = open_start(out / "segmenter.tflite")
    assert start.origin["sha256"] == results["network"]["sha256"] == sha256(out / "segmenter.tflite")
    assert start.predictor.threshold == results["network"]["threshold"]
    shipped = load_predictor()
    assert start.predictor.across == shipped.across and start.preset.name == "shabani/finetune"
    read = read_case(open_dataset(cts).cases[0])
    learned, before = (predictor.predict(read.ct, read.lungs).scores[read.lungs.array > 0]
                       for predictor in (start.predictor, shipped))
    assert 1e-5 < np.abs(learned - before).mean() < 0.1  # it moved, and not far


def test_a_second_call_goes_on_and_another_seed_is_refused(finetuned, capsys):
    cts, out = finetuned
    held = (out / "results.json").read_text()
    times = {path: path.stat().st_mtime_ns for path in out.rglob("run.json")}
    command = ["finetune", str(cts), "--out", str(out), "--quiet", *SHORT]
    assert main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("run.json")} == times
    assert json.loads((out / "results.json").read_text())["cases"] == json.loads(held)["cases"]
    assert main([*command, "--seed", "1"]) == 1
    assert "one made with another seed (there 0, here 1); name another folder" in capsys.readouterr().err


def test_presets_network_fields_are_those_of_the_network_that_learns_on():
    from covid3dgan.training.shabani.fine_tune import fine_tuning_preset

    demo = presets.get("shabani/demo")
    found = fine_tuning_preset(presets.get("shabani/finetune"), demo, across=3.0)
    assert (found.segmenter.width, found.segmenter.merge) == (demo.segmenter.width, "convlstm")
    assert found.preprocess == demo.preprocess and found.gan == demo.gan and found.painted.across == 3.0
    assert found.segmenter.steps == presets.get("shabani/finetune").segmenter.steps
