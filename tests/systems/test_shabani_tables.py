"""Tables of paper 001's report, on results that are given."""

import types

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.evaluation import paper_tables
from covid3dgan.systems import shabani_figures, shabani_scores, shabani_tables
from covid3dgan.systems.cohorts import Cohorts
from covid3dgan.training.shabani import train_segmenter

DESCRIBED = {"train_healthy": "5 healthy", "train_mild": "2 mild", "train_severe": "1 severe",
             "validation": "3 corona", "Mosmed": "m", "UESTC": "u", "Radiopaedia": "r"}
COHORTS = Cohorts((), (), {name: () for name in ("Mosmed", "UESTC", "Radiopaedia")}, True, DESCRIBED)
FIVE = ("0.1", "0.15", "0.2", "0.25", "0.3")


def entry(mean):
    return {"mean": mean, "std": 1.0, "error95": 0.5, "ci95": [mean - 1, mean + 1], "n": 4, "cases": 2}


def threshold_table(curve):
    table = paper_tables.tables("shabani")[3]
    return shabani_tables.result_table(table, COHORTS, {"curve": curve}, "command")


def column(table, name, rows=None):
    """The cells of one column, of all rows or of some."""
    index = table.columns.index(name)
    return [row[index] for row in (table.rows if rows is None else rows)]


def test_table_5_has_the_papers_five_whatever_the_grid():
    five = {value: {"per_volume": 0.5, "published": entry(40.0)} for value in FIVE}
    shown = threshold_table({"grid": [0.4, 0.6], "dice": [0.6, 0.7], "best": 0.6, "paper": five})
    assert [row[0] for row in shown.rows] == [f"threshold {value}" for value in FIVE]
    assert column(shown, "ours") == ["50.00"] * 5
    assert column(shown, "ours, published protocol") == ["40.00 ± 1.00"] * 5
    assert column(shown, "difference")[0] == "+3.09" and "among 2 thresholds: 0.6" in shown.notes[0]


def test_table_5_of_a_former_score_stage_takes_what_its_grid_has():
    shown = threshold_table({"grid": [0.1, 0.2, 0.24], "dice": [0.6, 0.7, 0.8], "best": 0.24})
    assert column(shown, "ours") == ["60.00", "-", "70.00", "-", "-"]


def test_the_five_are_scored_by_both_protocols(prepared_cases):
    preset = presets.override(presets.get("shabani/demo"), ["threshold.grid=0.4,0.6"])
    cases = prepared_cases()
    found = shabani_scores._at_the_papers(cases.array("infection") * 0.22, cases, preset, seed=0)
    assert list(found) == list(FIVE)
    assert [found[value]["per_volume"] for value in FIVE] == [1, 1, 1, 0, 0]
    assert [round(found[value]["published"]["mean"], 6) for value in FIVE] == [100, 100, 100, 0, 0]


def test_f24_what_is_found_outside_of_the_lungs_counts_where_the_option_says(prepared_cases):
    cases = prepared_cases(1)
    [case] = cases.cases
    case.lung_mask[:, 20:24] = 0
    scores = cases.array("infection") * 0.4
    scores[..., 20:24, :8] = 2.0  # 32 pixels beside a lesion of 64, and the maximum of the slice
    for preset, absolute, relative in (("shabani/paper", 128 / 160, 0.0), ("shabani/published", 128 / 160, 0.0),
                                       ("shabani/demo", 1.0, 1.0), ("shabani/improved", 1.0, 1.0)):
        options = presets.get(preset).evaluation
        found = [shabani_scores._evaluate(scores, cases, threshold, rule, options, 0)
                 for threshold, rule in ((0.2, False), (0.3, True))]
        assert [per_case[0] for _, per_case in found] == pytest.approx([absolute, relative])
        assert [summary["published"]["dice"]["mean"] for summary, _ in found] == pytest.approx(
            [100 * absolute, 100 * relative])


@pytest.mark.parametrize("preset, dice", [("shabani/paper", 128 / 160), ("shabani/demo", 1.0)])
def test_the_threshold_is_tuned_on_what_is_scored(preset, dice, monkeypatch, prepared_cases):
    cases = prepared_cases(1)
    [case] = cases.cases
    case.lung_mask[:, 20:24] = 0
    scores = case.infection * 0.4
    scores[..., 20:24, :8] = 2.0
    monkeypatch.setattr(train_segmenter, "open_prepared", lambda folder: cases)
    monkeypatch.setattr(train_segmenter, "score_maps", lambda network, slices: scores)
    stored = {}
    train_segmenter.store_threshold(types.SimpleNamespace(update=lambda **found: stored.update(found)), None,
                                    presets.get(preset), "validation")
    assert max(stored["threshold"]["dice"]) == pytest.approx(dice)


def test_tables_2_to_4_have_whole_volumes_beside_the_published_protocol():
    summary = {protocol: {metric: entry(mean) for metric in ("dice", "specificity", "sensitivity")}
               for protocol, mean in (("published", 60.0), ("per_volume", 70.0))}
    scores = {"summaries": {shabani_tables.FULL: {"UESTC": summary}}}
    for table in paper_tables.tables("shabani")[:3]:
        shown = shabani_tables.result_table(table, COHORTS, scores, "command")
        filled = [row for row, ours in zip(shown.rows, column(shown, "ours")) if ours != "-"]
        assert [row[2] for row in filled] == ["Dice", "Specificity", "Sensitivity"]
        assert [row[1] for row in filled] == ["UESTC"] * 3
        assert column(shown, "ours", filled) == ["60.00 ± 1.00"] * 3
        assert column(shown, "ours, whole volumes", filled) == ["70.00 ± 1.00"] * 3


def test_whole_volumes_have_the_published_protocol_beside_them():
    summary = {"published": {"dice": entry(60.0)},
               "per_volume": {name: entry(70.0) for name in ("dice", "sensitivity", "precision", "hd95_mm",
                                                             "volume_error_ml")}}
    shown = shabani_tables.volume_table({"summaries": {"GAN": {"UESTC": summary}}})
    assert shown.columns[2:5] == ("Dice (%)", "95 % CI", "published protocol: Dice (%)")
    assert shown.rows[0][:5] == ("GAN", "UESTC", "70.0 ± 1.0", "69.0 to 71.0", "60.0 ± 1.0")


def test_what_is_not_here_depends_on_what_ran():
    few = {"summaries": {shabani_tables.FULL: {}, "healthy vs low": {}}}
    real = Cohorts((), (), {"Mosmed": ()}, False, DESCRIBED)
    held = {preset: {row[0]: row[1] for row in shabani_tables.missing_table(presets.get(preset), cohorts, few).rows}
            for preset, cohorts in (("shabani/demo", COHORTS), ("shabani/paper", real))}
    demo, paper = held["shabani/demo"], held["shabani/paper"]
    assert "Table 4: healthy vs high" in demo and "Fig. 1" in demo and "all results on patients" in demo
    assert demo["the paper's length of training"].startswith("GAN: 100 of 10,000 steps; segmenter: 2,000 of 664,000")
    assert "the paper's length of training" not in paper and "all results on patients" not in paper
    assert {"UESTC (Tables 2 to 4)", "Radiopaedia (Tables 2 to 4)"} <= set(paper)
    assert "Mosmed (Tables 2 to 4)" not in paper


def test_the_largest_lesion_of_a_data_set_is_shown_and_the_one_in_the_middle():
    infection = np.zeros((2, 3, 4, 4), bool)
    for case, index, pixels in ((0, 0, 2), (0, 2, 16), (1, 0, 5), (1, 1, 1), (1, 2, 9)):
        infection[case, index].ravel()[:pixels] = True
    assert shabani_figures._shown(infection) == {"largest": (0, 2), "middle": (1, 0)}  # of 1, 2, 5, 9 and 16 pixels
    shown, steps = shabani_figures.slice_scores(
        {"UESTC": {"infection": infection, "lung_mask": np.ones_like(infection), "scores/GAN": infection * 0.5}},
        {"summaries": {"GAN": {}}, "thresholds": {"GAN": {"value": 0.2, "relative": False}}}, within_lung=False)
    assert shown == {"UESTC, largest": [100.0], "UESTC, middle": [100.0]} and steps == ["GAN"]


def test_the_continuous_dice_is_shown_where_the_preset_asks_for_it(prepared_cases):
    cases = prepared_cases(1)
    scores = cases.array("infection") * 0.4
    for asked in ("true", "false"):
        options = presets.override(presets.get("shabani/demo"), [f"evaluation.continuous_dice={asked}"]).evaluation
        summary, _ = shabani_scores._evaluate(scores, cases, 0.2, False, options, 0)
        shown = shabani_tables.result_table(paper_tables.tables("shabani")[1], COHORTS, {
            "summaries": {"GAN": {"UESTC": summary}}}, "command")
        rows = [row for row in shown.rows if row[2] == "Continuous Dice"]
        assert [(*row[:2], paper, ours) for row, paper, ours in zip(
            rows, column(shown, "paper", rows), column(shown, "ours", rows))] == (
                [("GAN", "UESTC", "-", "100.00 ± 0.00")] if asked == "true" else [])


def test_table_1_has_the_cases_at_hand_and_their_infected_share_of_the_lungs(tmp_path, monkeypatch):
    lungs = np.zeros((2, 4, 4), np.float32)
    lungs[:, :2] = 1  # 16 voxels
    infection = np.zeros_like(lungs)
    infection[0, 0, :4] = infection[0, 3, :4] = 1  # 4 in the lungs, 4 outside
    infected, free = (types.SimpleNamespace(infection=mask, lung_mask=lungs) for mask in (infection, 0 * infection))

    class Held:
        def __init__(self, folder):
            self.cases = [infected, free]

        def __len__(self):
            return 2

        def only(self, kind):
            return [1, 2, 3] if kind == "covid" else [1, 2, 3, 4, 5]

    monkeypatch.setattr(shabani_tables, "open_prepared", Held)
    for role in ("train", "validation", "Mosmed"):
        (tmp_path / role).mkdir()
        (tmp_path / role / "case.npz").write_bytes(b"")
    shown = shabani_tables.case_table(tmp_path, COHORTS)
    assert [row[:5] for row in shown.rows[:3]] == [
        ("MosmedData", "train", "healthy", "254", "5"), ("MosmedData", "train", "covid", "806", "3"),
        ("CoronaCases", "validation", "covid", "10", "2")]
    assert [row[5:] for row in shown.rows[:3]] == [
        ("-", "-", "5 healthy"), ("-", "-", "2 mild; 1 severe"), ("7.92", "12.50", "3 corona")]
    assert [row[4] for row in shown.rows[3:]] == ["2", "0", "0"] and "not patients" in shown.badge


def test_distances_say_whether_the_claim_holds():
    pairs = {("COVID-19", "healthy"): (5.0, 0.1), ("COVID-19", "synthesised healthy"): (4.0, 0.2)}
    claim = {"difference": 1.234, "ci95": (0.5, 2.0), "answer": "yes"}
    shown = shabani_tables.distance_table({"UESTC": pairs}, {"UESTC": claim}, phantom=False)
    assert shown.rows == (("UESTC", "5.00 ± 0.10", "4.00 ± 0.20", "+1.23", "+0.50 to +2.00", "yes"),)
    assert shown.badge == ""
