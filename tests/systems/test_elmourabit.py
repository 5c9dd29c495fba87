"""Paper 000: which cases tune and which are scored, and the report on results that are given."""

import dataclasses
import json
import types

import numpy as np
import pytest

from covid3dgan import papers, presets
from covid3dgan.data.datasets.cases import Case
from covid3dgan.data.volumes import Volume
from covid3dgan.systems.cohorts import Cohorts
from covid3dgan.systems.elmourabit import figures, recipe, scores, tables
from covid3dgan.systems.elmourabit.recipe import paper_roles
from covid3dgan.systems.elmourabit.tables import settings_tables
from covid3dgan.training.loop import TrainingOptions


def empty(inputs, training):
    """A generator that takes everything away."""
    return np.zeros_like(inputs[0])


COHORTS = Cohorts(train=("t",), validation=tuple(f"c{i}" for i in range(5)), phantom=True,
                  tests={"Mosmed": ("m",), "UESTC": ("u",), "Radiopaedia": ("r",)},
                  described={"validation": "phantoms: 5 x coronacases-like", "Mosmed": "1", "Radiopaedia": "1"})


def test_coronacases_are_limited_like_the_other_data_sets():
    assert paper_roles(COHORTS, False, 2).tests["Coronacases"] == ("c0", "c4")
    assert paper_roles(COHORTS, False, 2).described["Coronacases"].endswith("2 of them scored")


@pytest.mark.parametrize("tuned, tuning, scored", [
    (False, (), ("c0", "c1", "c2", "c3", "c4")),
    (True, ("c0", "c1"), ("c2", "c3", "c4")),
])
def test_no_case_both_tunes_and_is_scored(tuned, tuning, scored):
    roles = paper_roles(COHORTS, tuned)
    assert list(roles.tests) == ["Mosmed", "Coronacases", "Radiopaedia"]
    assert roles.validation == tuning and roles.tests["Coronacases"] == scored
    assert roles.described["Coronacases"].endswith(f"{len(scored)} of them scored")


@pytest.mark.parametrize("preset, dice", [("elmourabit/paper", 2 * 64 / (64 + 64 + 32)), ("elmourabit/demo", 1.0)])
def test_what_is_found_outside_of_the_lungs_counts_in_the_paper_preset_alone(preset, dice, monkeypatch, prepared_cases,
                                                                             model):
    [case] = prepared_cases(1).cases
    case.lung[:, 20:24, :8] = 0.9  # 32 pixels of a slice, as bright as the lesion of 64
    case.lung_mask[:, 20:24] = 0
    cases = prepared_cases(0).__class__((case,), ("case.npz",))
    monkeypatch.setattr(scores, "open_prepared", lambda folder: cases)
    found = scores.score_data_set("folder", model(), empty, (0.5, False), presets.get(preset), 0)
    for method in ("GAN", "GAN + UNet"):  # of the GAN: all that the empty image has not
        assert found.scores[method].values("dice") == pytest.approx([dice] * 2)


@pytest.mark.parametrize("preset, settings, expected", [
    ("elmourabit/paper", [], (0.2, False)), ("elmourabit/paper", ["threshold.relative=true"], (0.2, True)),
    ("elmourabit/demo", ["threshold.grid=0.1,0.3,0.9"], (0.3, False))])
def test_the_gans_threshold_is_tuned_only_where_the_preset_says(preset, settings, expected, monkeypatch,
                                                                prepared_cases):
    monkeypatch.setattr(scores, "open_prepared", lambda folder: prepared_cases())
    chosen = presets.override(presets.get(preset), settings)
    assert scores.gan_threshold(empty, "validation", chosen, 0) == expected


def test_report_has_every_table_and_figure_and_a_row_of_the_gan_alone(tmp_path, monkeypatch, prepared_cases, model):
    monkeypatch.setattr(scores, "open_prepared", lambda folder: prepared_cases(prefix=folder.name))
    ct = Volume(np.linspace(-1000, 400, 32 * 32 * 4, dtype=np.float32).reshape(32, 32, 4), np.eye(4))
    monkeypatch.setattr(figures, "read_case", lambda case: types.SimpleNamespace(ct=ct))
    roles = paper_roles(COHORTS, tuned=False)
    roles = dataclasses.replace(roles, tests={name: (Case(f"{name}0", tmp_path),) for name in roles.tests})
    recipe._report(tmp_path, presets.get("elmourabit/demo"), TrainingOptions(seed=1), roles, model(), empty,
                   "covid3dgan reproduce elmourabit")
    found = json.loads((tmp_path / "tables.json").read_text())
    assert {name: round(s["dice"]["mean"], 6) for name, s in found["scores"].items()} == dict.fromkeys(roles.tests,
                                                                                                       100.0)
    assert found["gan_threshold"]["value"] in presets.get("elmourabit/demo").threshold.grid
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("ours: phantoms, not patients", "62.04", "GASNet", "Label-free", "F29", "Table 1: data",
                 "Table 4: encoder",
                 "Section 2.3: Supervised methods", "81.6 and 76.7, 83.9 and 59.3", "Figures 1 to 3",
                 *(f"Figure {number}:" for number in range(4, 13))):
        assert part in text
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    gan = [line for line in markdown.splitlines() if line.startswith("| GAN | Mosmed | Dice")]
    assert len(gan) == 2 and f"{found['gan_scores']['Mosmed']['dice']['mean']:.2f}" in gan[0]
    assert "| COPLE-Net | UESTC | Dice | 83 |" in markdown
    *_, ours = [line for line in markdown.partition("Section 2.3")[2].splitlines() if line.startswith("| GAN + UNet")]
    assert "| Radiopaedia | Dice | - | 100.00" in ours


def rows_of(table):
    return {row[0]: row[1:] for row in table.rows}


def test_the_paper_preset_has_the_papers_tables_2_to_4():
    for table in settings_tables(presets.get("elmourabit/paper"), covid_cases=850):
        for name, (paper, ours) in rows_of(table).items():
            if name == "epochs":
                assert ours == {"10000": "10000 steps", "1000": "850000 steps, 1000 epochs"}[paper]
            elif name == "learning rate":
                assert float(ours) == float(paper)
            else:
                assert ours.lower().startswith(paper.lower()), (table.title, name)


def test_settings_say_what_a_preset_does_otherwise():
    preset = presets.override(presets.get("elmourabit/demo"), ["contrastive.enabled=false",
                                                               "segmenter.decay_steps=none"])
    gan, unet, encoder = map(rows_of, settings_tables(preset, covid_cases=10))
    assert gan["learning rate"] == ("5e-05", "0.001, discriminator 0.0001")
    assert gan["loss"] == ("mse", "nonsaturating, reconstruction mse") and gan["epochs"] == ("10000", "100 steps")
    assert unet["decay steps"] == ("1000", "-") and unet["decay rate"] == ("0.9", "-")
    assert unet["epochs"] == ("1000", "2000 steps, 50 epochs")  # 2000 batches of 8 of 10 x 32 slices
    assert {ours for _, ours in encoder.values()} == {"-"}
    assert rows_of(settings_tables(preset, covid_cases=0)[1])["epochs"] == ("1000", "2000 steps")


def test_table_1_has_the_papers_cases_and_ours(monkeypatch, tmp_path):
    held = {("train", "covid"): 7, ("train", "healthy"): 5, ("Mosmed", "covid"): 3, ("Radiopaedia", "covid"): 2,
            ("Coronacases", "covid"): 1}
    monkeypatch.setattr(tables, "prepared_cases", lambda folder, role, kind: (held[role, kind], None))
    shown = tables.data_table(tmp_path, paper_roles(COHORTS, tuned=False))
    assert [row[3:5] for row in shown.rows] == [("850", "7"), ("250", "5"), ("10", "3"), ("10", "2"), ("10", "1")]
    assert shown.rows[-1][-1] == "phantoms: 5 x coronacases-like, 5 of them scored" and "not patients" in shown.badge


def test_real_data_are_run_with_the_papers_preset_and_phantoms_with_the_demo():
    recipe = papers.get("elmourabit").recipe
    assert recipe.default_preset(phantoms=False) == "elmourabit/paper"
    assert recipe.default_preset(phantoms=True) == "elmourabit/demo"
