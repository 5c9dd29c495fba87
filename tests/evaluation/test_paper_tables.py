"""The papers' numbers: unchanged since they were copied, complete, and matched with what is measured."""

import json
import math

import pytest

from covid3dgan import papers, presets
from covid3dgan.errors import ArgumentError
from covid3dgan.evaluation import paper_tables
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.metrics import METRICS
from covid3dgan.evaluation.report import ON_PHANTOMS
from covid3dgan.presets.stages import Evaluation


def leaves(content, path=()):
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    elif isinstance(content, (int, float)):
        yield path, content


def test_numbers_have_not_drifted_from_the_shared_file(shared_data):
    shared = shared_data.parent / "specs" / "paper_numbers.json"
    if not shared.is_file():
        pytest.skip("the shared file of paper numbers is not here")
    assert paper_tables.numbers() == json.loads(shared.read_text(encoding="utf-8"))


# A few numbers typed from the papers' pages, so that the file cannot drift together with its copy.
@pytest.mark.parametrize("system, table, key, mean, spread", [
    ("shabani", "Table 2", ("Ours", "UESTC", "dice"), 63.69, 17.5),
    ("shabani", "Table 2", ("Ours", "Mosmed", "dice"), 58.43, 19.0),
    ("shabani", "Table 3", ("GAN", "Radiopaedia", "dice"), 39.3, 19.3),
    ("shabani", "Table 4", ("healthy vs high", "Mosmed", "sensitivity"), 53.92, 22.4),
    ("shabani", "Table 5", ("threshold 0.2", "CoronaCases", "dice"), 64.79, None),
    ("elmourabit", "Table 5", ("GAN + UNet", "Coronacases", "specificity"), 97.59, 2.33),
    ("khali", "Table 1", ("TransUNET", "Mosmed", "sensitivity"), 98.52, 11.29),
    ("afseg", "Table 1, vessels", ("AF-SEG", "vessels", "dice"), 0.820, 0.028),
    ("ssinfnet", "Table 3", ("SSInfNet", "overall", "f1"), 0.63, 0.052)])
def test_printed_numbers(system, table, key, mean, spread):
    number = next(n for t in paper_tables.tables(system) if t.name == table for n in t.numbers if n.key == key)
    assert (number.mean, number.spread) == (mean, spread)


def test_every_result_of_the_papers_is_in_a_table():
    stored = {"001": ("table2_comparison", "table3_ablation", "table4_pairs", "table5_threshold"),
              "000": ("table5_results", "table5_results", "table6_comparison"),  # Table 6 has the row of Table 5 again
              "002": ("table1",), "003": ("table1",),
              "004": ("table2_single", "table3_multi")}
    for system, paper in ((record.system, record.number) for record in papers.all()):
        expected = sum(1 for part in stored[paper] for path, _ in leaves(paper_tables.numbers()[paper][part])
                       if path[-1] not in ("std", "ci95"))
        printed = [table for table in paper_tables.tables(system) if table.name.startswith("Table")]  # not the text's
        listed = [number for table in printed for number in table.numbers]
        assert len(listed) == expected
        assert len({(t.name, *n.key) for t in printed for n in t.numbers}) == expected


def test_f29_paper_000s_mosmed_row_is_the_two_case_notebook():
    rows = [n for n in paper_tables.tables("elmourabit")[0].numbers if n.dataset == "Mosmed"]
    assert len(rows) == 3
    for number in rows:  # some digits cut, not rounded
        assert math.floor(number.notebook * 100) / 100 <= number.mean <= math.ceil(number.notebook * 100) / 100
        assert math.floor(number.notebook_spread * 100) / 100 <= number.spread <= math.ceil(
            number.notebook_spread * 100) / 100
    assert any(note.startswith("F29") for note in paper_tables.tables("elmourabit")[0].notes)
    without = paper_tables.tables("elmourabit", Evaluation(two_case_row=False))[0]
    assert {n.dataset for n in without.numbers} == {n.dataset for n in paper_tables.tables("elmourabit")[0].numbers
                                                    } - {"Mosmed"}


def test_f27_the_contradicting_mosmed_dice_stands_beside_the_table():
    table = paper_tables.tables("shabani")[0]
    assert any("68.43" in note and "58.43" in note for note in table.notes)
    for choice, dice in (("table", 58.43), ("text", 68.43)):
        chosen = paper_tables.tables("shabani", Evaluation(mosmed_dice=choice))[0]
        assert next(n.mean for n in chosen.numbers if n.key == ("Ours", "Mosmed", "dice")) == dice


def test_f28_the_papers_count_different_radiopaedia_cases():
    cases = {paper: next(row["cases"] for row in paper_tables.numbers()[paper]["table1_data"]
                         if row["dataset"] == "Radiopaedia") for paper in ("000", "001")}
    assert cases == {"000": 10, "001": 9}
    assert presets.get("elmourabit/paper").evaluation.radiopaedia_cases == 10
    assert presets.get("shabani/paper").evaluation.radiopaedia_cases == 9


def test_e06_the_texts_supervised_numbers_are_paper_001s_cut():
    theirs = paper_tables.numbers()["001"]["table2_comparison"]
    table = paper_tables.tables("elmourabit")[2]
    assert {(n.method, n.dataset): n.mean for n in table.numbers} == {
        ("nnU-Net", "UESTC"): 81, ("nnU-Net", "Radiopaedia"): 76, ("COPLE-Net", "UESTC"): 83,
        ("COPLE-Net", "Radiopaedia"): 59}
    for number in table.numbers:
        assert number.mean == math.floor(theirs[f"{number.method} (supervised)"][number.dataset]["dice"]["mean"])
        assert not number.ours
    assert "81.6 and 76.7, 83.9 and 59.3" in table.notes[0]


def test_unknown_system_names_the_nearest():
    with pytest.raises(ArgumentError, match="nearest: shabani"):
        paper_tables.tables("shabanni")


# the paper's numbers beside ours -------------------------------------------------------------------------------------

KEY = ("GAN", "Mosmed", "dice")


def measured(**changes):
    values = {"mean": 43.219, "data": "12 mosmed-like phantoms", "command": "covid3dgan reproduce shabani",
              "phantom": True, "std": 12.0, "ci95": (38.04, 48.5), "n": 80, **changes}
    return Measured(**values)


def row_of(table, key):
    return next(row for row in table.rows if row[:3] == (key[0], key[1], "Dice"))


def test_a_row_holds_paper_ours_interval_difference_data_and_command():
    table = comparison_table(paper_tables.tables("shabani")[1], {KEY: measured()})
    assert row_of(table, KEY) == ("GAN", "Mosmed", "Dice", "41.2 ± 14.71", "43.22 ± 12.00", "38.04 to 48.50", "+2.02",
                                  "12 mosmed-like phantoms", "[1]")
    assert "[1] `covid3dgan reproduce shabani`" in table.notes
    assert row_of(table, ("GAN", "UESTC"))[4:] == ("-",) * 5
    assert table.columns[:6] == ("method", "data set", "metric", "paper", "ours", "95 % CI")  # no notebook's number
    assert [table.columns[index] for index in table.numeric] == ["paper", "ours", "95 % CI", "difference"]


def test_another_protocol_has_a_column_of_its_own():
    own = ("best HU threshold", "Mosmed", "dice")
    table = comparison_table(paper_tables.tables("shabani")[1], {KEY: measured(), own: measured()},
                             beside=("whole", {KEY: measured(mean=40.0, std=None), own: measured(mean=math.nan)}))
    assert table.columns[6:9] == ("difference", "whole", "made on") and 7 in table.numeric
    assert row_of(table, KEY)[4:] == ("43.22 ± 12.00", "38.04 to 48.50", "+2.02", "40.00", "12 mosmed-like phantoms",
                                      "[1]")
    assert row_of(table, ("GAN", "UESTC"))[7] == "-" and row_of(table, own)[7] == "nothing counted"


def test_the_badge_names_phantoms():
    table = paper_tables.tables("shabani")[1]
    assert comparison_table(table, {KEY: measured()}).badge == ON_PHANTOMS == "ours: phantoms, not patients"
    real = measured(phantom=False)
    assert comparison_table(table, {KEY: real}).badge == ""
    both = {KEY: real, ("GAN", "UESTC", "dice"): measured()}
    assert comparison_table(table, both).badge == "some of ours: phantoms, not patients"


def test_the_published_notebook_stands_beside_its_row():
    table = comparison_table(paper_tables.tables("shabani")[0], {})
    assert table.columns[4] == "published notebook"
    assert row_of(table, ("Ours", "Mosmed"))[3:5] == ("58.43 ± 19.0", "62.04 ± 14.95")
    assert row_of(table, ("Ours", "UESTC"))[4] == "-"
    assert not any(row[0] == "GASNet" for row in comparison_table(
        paper_tables.tables("shabani")[0], {}, competitors=False).rows)


def test_numbers_without_a_counterpart_get_their_own_row_and_nan_is_named():
    extra = {("best HU threshold", "Mosmed", "dice"): measured(),
             KEY: measured(mean=math.nan, std=math.nan, ci95=(math.nan, math.nan))}
    table = comparison_table(paper_tables.tables("shabani")[1], extra)
    assert table.rows[-1][:4] == ("best HU threshold", "Mosmed", "Dice", "-") and table.rows[-1][6] == "-"
    assert row_of(table, KEY)[4] == "nothing counted"


def test_rows_of_our_own_have_the_metrics_in_the_papers_order():
    table = paper_tables.tables("elmourabit")[0]
    papers_order = list(dict.fromkeys(number.key[2] for number in table.numbers))
    assert len(papers_order) == 3
    found = comparison_table(table, {("GAN", data, metric): measured() for data in ("Mosmed", "Radiopaedia")
                                     for metric in sorted(papers_order, reverse=True)})
    shown = [METRICS[metric].label for metric in papers_order]
    assert [row[2] for row in found.rows if row[0] == "GAN"] == shown * 2


def test_measured_takes_the_spread_of_the_papers_kind():
    entry = {"mean": 0.4, "std": 0.3, "error95": 0.05, "ci95": (0.3, 0.5), "n": 117, "cases": 20}
    assert Measured.of(entry, "d", "c", False, spread="error95").std == 0.05
    assert Measured.of(entry, "d", "c", False).std == 0.3
