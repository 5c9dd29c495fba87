"""Paper 000: which cases tune and which are scored, and the report on results that are given."""

import json

import pytest

from covid3dgan import presets
from covid3dgan.systems import elmourabit
from covid3dgan.systems.cohorts import Cohorts
from covid3dgan.systems.elmourabit import paper_roles
from covid3dgan.training.loop import TrainingOptions

COHORTS = Cohorts(train=("t",), validation=tuple(f"c{i}" for i in range(5)), phantom=True,
                  tests={"Mosmed": ("m",), "UESTC": ("u",), "Radiopaedia": ("r",)},
                  described={"validation": "phantoms: 5 x coronacases-like", "Mosmed": "1", "Radiopaedia": "1"})


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
    monkeypatch.setattr(elmourabit, "open_prepared", lambda folder: cases)
    found = elmourabit._scores(model(), "folder", presets.get(preset).evaluation)
    assert found.values("dice") == pytest.approx([dice] * 2)


def test_report_has_tables_5_and_6_figure_12_and_the_finding_about_mosmed(tmp_path, monkeypatch, prepared_cases,
                                                                          model):
    monkeypatch.setattr(elmourabit, "open_prepared", lambda folder: prepared_cases(prefix=folder.name))
    roles = paper_roles(COHORTS, tuned=False)
    elmourabit._report(tmp_path, presets.get("elmourabit/demo"), TrainingOptions(seed=1), roles, model(),
                       "covid3dgan reproduce elmourabit")
    scores = json.loads((tmp_path / "tables.json").read_text())["scores"]
    assert {name: round(s["dice"]["mean"], 6) for name, s in scores.items()} == dict.fromkeys(roles.tests, 100.0)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("PHANTOMS", "62.04", "GASNet", "Label-free", "Figure 12", "F29"):
        assert part in text
