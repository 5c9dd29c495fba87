"""Paper 002's system: its report on results that are given, and the whole of it at a size that proves the wiring."""

import json

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.cohorts import Cohorts, CohortSizes
from covid3dgan.systems.khali import report, reproduce, tables
from covid3dgan.training.loop import TrainingOptions
from covid3dgan.training.pseudo_slices import PseudoSlices, as_slices

SETTINGS = ["gan.steps=2", "gan.checkpoint_every=2", "segmenter.steps=2", "segmenter.width=4", "transunet.steps=4",
            "segmenter.calibration_steps=20", "gan.volume_shape=16,64,64", "preprocess.min_slices=16",
            "transunet.first_phase_steps=1", "transunet.width=8", "transunet.blocks=1", "transunet.checkpoint_every=4"]
COMMAND = "covid3dgan reproduce khali"


def test_report_holds_both_kinds_of_scores_the_figures_and_the_temperature(tmp_path, monkeypatch, prepared_cases,
                                                                           model):
    cases = prepared_cases(8)
    images = as_slices(cases.array("lung"))
    found = PseudoSlices(cases, 1, images, images * as_slices(cases.array("infection")), np.full(16, 1024), None, None)
    monkeypatch.setattr(report, "open_prepared", lambda folder: cases)
    monkeypatch.setattr(report, "load_pseudo_slices", lambda *rest: found)
    monkeypatch.setattr(report, "transunet_encoder", lambda network: lambda slices, training: slices[:, ::8, ::8])
    cohorts = Cohorts((), (), {}, True, {report.DATASET: "phantoms: 8 x mosmed-like"})
    report.write_report(tmp_path, presets.get("khali/demo"), TrainingOptions(seed=1), cohorts,
                        {"TransUNET": model(), "UNET": model(0.99)},
                        lambda inputs, training: np.zeros_like(inputs[0]), COMMAND)

    tables = json.loads((tmp_path / "tables.json").read_text())
    transunet, unet = (tables["scores"][method]["volumes"]["dice"]["mean"] for method in ("TransUNET", "UNET"))
    assert transunet == pytest.approx(100.0) and unet == pytest.approx(0.0)  # nothing is as bright as 0.99
    # The paper's rule has no use for a network's own threshold.
    assert tables["scores"]["UNET"]["pixel_max"]["dice"]["mean"] == pytest.approx(100.0, abs=1e-4)
    assert 0.01 <= tables["temperature"]["fitted"] <= 1.0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("ours: phantoms, not patients", "50.09", "47.09", "true mask", "72.846", "held out",
                 COMMAND, "Cases (3.1, 4.1.2, 4.6)",
                 "Settings", "66,870,129 parameters", *(f"Figure {number}:" for number in range(2, 6))):
        assert part in text
    leaking = presets.override(presets.get("khali/demo"), ["cohort.covid_from=scored"])
    report.write_report(tmp_path, leaking, TrainingOptions(seed=1), cohorts,
                        {"TransUNET": model(), "UNET": model(0.99)},
                        lambda inputs, training: np.zeros_like(inputs[0]), COMMAND)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "WHICH TRAINED AS WELL (K21)" in text and "held out" not in text


def test_the_paper_preset_has_what_the_text_gives():
    rows = {row[:2]: row[2:] for row in tables.settings_table(presets.get("khali/paper")).rows}
    for (part, name), (paper, ours) in rows.items():
        if name in ("iterations", "batch size", "Adam's learning rate", "initial learning rate", "decay steps",
                    "decay rate"):
            assert ours == paper, (part, name)
    assert rows["TransUNet (Eq. 4)", "contrastive loss"] == ("Eq. 4", "eq4_literal")
    assert rows["TransUNet (4.1.1)", "temperature"][1] == "fixed at 0.06"
    changed = presets.override(presets.get("khali/paper"), ["transunet.temperature_by=descent",
                                                            "preprocess.median=1", "preprocess.keep_aspect=false"])
    rows = {row[1]: row[3] for row in tables.settings_table(changed).rows}
    assert (rows["temperature"], rows["noise filter"]) == ("by descent from 0.06", "none")
    assert rows["aspect ratio"].startswith("stretched")


@pytest.mark.filterwarnings("ignore::covid3dgan.errors.InputWarning")  # small phantoms have thick slices
@pytest.mark.slow
def test_whole_system_writes_its_tables_and_reuses_finished_stages(tmp_path):
    preset = presets.override(presets.get("khali/demo"), SETTINGS)
    sizes = CohortSizes(healthy=2, covid=2, validation=2, test=2, size=(80, 80, 24))
    page = reproduce(tmp_path / "run", preset, TrainingOptions(seed=1), sizes=sizes, command=COMMAND)
    text = page.read_text(encoding="utf-8")
    assert "ours: phantoms, not patients" in text and "50.09" in text and "TransUNET" in text
    tables = json.loads((tmp_path / "run" / "tables.json").read_text())
    assert set(tables["scores"]) == {"TransUNET", "UNET"} and tables["phantom"] is True
    # Both networks learned from the pseudo-masks of one GAN run, and from none of the cases that are scored (K21).
    gans = {open_run(tmp_path / "run" / name)[0].manifest["gan"] for name in ("unet", "transunet")}
    assert gans == {str(tmp_path / "run" / "gan")}
    trained, scored = (open_prepared(tmp_path / "run" / "prepared" / role).ids for role in ("train", report.DATASET))
    assert not set(trained) & set(scored)
    for name in ("gan", "unet", "transunet"):  # phantoms bring their lungs
        assert open_run(tmp_path / "run" / name)[0].manifest["lungs"] == {"given": len(trained)}
    made = (tmp_path / "run" / "transunet" / "run.json").stat().st_mtime_ns
    reproduce(tmp_path / "run", preset, TrainingOptions(seed=1), sizes=sizes, command=COMMAND)
    assert (tmp_path / "run" / "transunet" / "run.json").stat().st_mtime_ns == made
