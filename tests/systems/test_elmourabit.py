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
