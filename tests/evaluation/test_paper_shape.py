"""A paper's table in its own shape, against cells and columns worked out by hand."""

import json
import math

import pytest

from covid3dgan.evaluation.comparison import Measured, as_json
from covid3dgan.evaluation.paper_shape import as_printed, cell_of, form, headlines, wide_table, with_spread
from covid3dgan.evaluation.paper_tables import PaperNumber, PaperTable
from covid3dgan.evaluation.report.items import Cell
from covid3dgan.files import write_json


def measured(mean, std=None, n=None, data="phantoms"):
    return Measured(mean, data, "covid3dgan evaluate", True, std, None, n)


GASNET = PaperNumber("GASNet", "Mosmed", "dice", 54.0, ours=False)
OURS_MOSMED = PaperNumber("Ours", "Mosmed", "dice", 58.43, 19.0, notebook=62.0, notebook_spread=14.9)
OURS_UESTC = PaperNumber("Ours", "UESTC", "sensitivity", 70.5, 12.0, mark="*")
TABLE = PaperTable("Table 9", "Comparison", "%", "std", (GASNET, OURS_MOSMED, OURS_UESTC), ("a note of the paper",))
MEASURED = {("Ours", "Mosmed", "dice"): measured(60.0, 10.0, 5),
            ("Ours", "UESTC", "sensitivity"): measured(65.25, 4.0, 7)}


def test_a_cell_holds_paper_code_ours_and_the_signed_difference():
    assert cell_of(OURS_MOSMED, MEASURED["Ours", "Mosmed", "dice"], "%") == Cell(
        paper="58.43 ± 19.0", code="62.00 ± 14.90", ours="60.00 ± 10.00", difference="+1.57", higher=1, n="5")


def test_a_lower_number_of_ours_and_a_mark_of_significance():
    cell = cell_of(OURS_UESTC, measured(65.25, n=7), "%")
    assert (cell.paper, cell.ours, cell.difference, cell.higher) == ("70.5 ± 12.0 *", "65.25", "-5.25", -1)


def test_a_difference_that_rounds_to_nothing_has_no_sign_of_a_loss():
    cell = cell_of(PaperNumber("Ours", "cells", "dice", 0.915), measured(0.91496), "")
    assert (cell.difference, cell.higher, cell.n) == ("+0.000", 0, "")


def test_a_measured_number_that_counts_nothing_has_no_difference():
    cell = cell_of(OURS_MOSMED, measured(math.nan, n=0), "%")
    assert (cell.ours, cell.difference, cell.n) == ("nothing counted", "", "0")


def test_without_the_paper_a_cell_is_ours_alone():
    assert cell_of(None, measured(0.5, 0.25, 3), "") == Cell(ours="0.500 ± 0.250", n="3")


def test_methods_go_down_and_the_metrics_of_each_data_set_across():
    wide = wide_table(TABLE, MEASURED)
    assert wide.corner == "method"
    assert wide.groups == (("Mosmed (n 5)", 1), ("UESTC (n 7)", 1))
    assert [name for name, _ in wide.rows] == ["GASNet", "Ours"]
    (gasnet, none), (ours, uestc) = (cells for _, cells in wide.rows)
    assert gasnet == Cell(paper="54.0") and none is None
    assert ours.difference == "+1.57" and uestc.difference == "-5.25"
    assert ours.n == uestc.n == ""  # the heading has it
    assert wide.title == "Table 9: paper and ours, in percent ± standard deviation"
    assert wide.notes[1:] == ("Ours, all columns: phantoms.", "a note of the paper")
    assert "below it what the published code printed" in wide.notes[0]


def test_n_stays_in_the_cells_where_it_differs_within_a_data_set():
    found = {("Ours", "Mosmed", "dice"): measured(60.0, 10.0, 5),
                ("GAN", "Mosmed", "dice"): measured(50.0, 10.0, 4)}
    wide = wide_table(TABLE, found)
    assert wide.groups[0] == ("Mosmed", 1)
    assert {name: cells[0].n for name, cells in wide.rows} == {"GASNet": "", "Ours": "5", "GAN": "4"}


def test_other_peoples_methods_can_be_left_out():
    assert [name for name, _ in wide_table(TABLE, MEASURED, competitors=False).rows] == ["Ours"]


def test_methods_across_has_a_row_per_metric_and_one_beside():
    table = PaperTable("Table 1, cells", "", "", None, (
        PaperNumber("level set", "cells", "dice", 0.839), PaperNumber("AF-SEG", "cells", "dice", 0.915),
        PaperNumber("AF-SEG", "cells", "precision", 0.9)))
    wide = wide_table(table, {("AF-SEG", "cells", "dice"): measured(0.925, n=4)},
                      beside=("on held-out smears", {("AF-SEG", "cells", "dice"): measured(0.8, n=2)}),
                      across="methods")
    assert wide.columns == ("level set", "AF-SEG")
    assert wide.groups == (("", 2),)
    rows = [(name, tuple((cell.paper, cell.ours) if cell else None for cell in cells)) for name, cells in wide.rows]
    assert rows[0][1] == (("0.839", ""), ("0.915", "0.925"))
    assert rows[1][1] == (None, ("0.9", ""))
    assert rows[2] == ("on held-out smears", (("", ""), ("", "0.800")))


def test_no_number_at_all_makes_no_table():
    assert wide_table(PaperTable("Table 9", "", "%", None, (GASNET,)), {}, competitors=False) is None


def test_headlines_are_the_main_numbers_of_the_data_sets_that_were_measured():
    found = headlines(TABLE, MEASURED, "Ours", "dice", "by slice")
    assert [(one.label, one.cell.paper, one.cell.ours) for one in found] == [
        ("Dice (%), Mosmed, by slice", "58.43 ± 19.0", "60.00 ± 10.00")]


def test_at_most_so_many_headlines():
    found = {("Ours", name, "dice"): measured(1.0, n=1) for name in "abcdef"}
    assert [one.label[-1] for one in headlines(TABLE, found, "Ours", "dice", most=3)] == ["a", "b", "c"]


@pytest.mark.parametrize("value, text", [(58.4, "58.4"), (0.084, "0.084"), (5e-05, "5e-05"), (0, "0")])
def test_a_papers_number_keeps_its_digits(value, text):
    assert as_printed(value) == text


def test_small_numbers_keep_two_significant_digits():
    assert [form(3)(value) for value in (0.5, 0.0, 0.00042)] == ["0.500", "0.000", "0.00042"]


def test_a_missing_mean_is_a_dash():
    assert with_spread(None, 3, str) == "-" and with_spread(2, 0, str) == "2 ± 0"


def test_the_results_file_has_every_printed_and_every_measured_number(tmp_path):
    nothing = {("GAN", "UESTC", "dice"): measured(math.nan, n=0)}
    write_json(tmp_path / "results.json", as_json(TABLE, {**MEASURED, **nothing}))
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert "NaN" not in text  # which JSON does not know
    rows = {(row["method"], row["data_set"]): row for row in json.loads(text)["rows"]}
    assert list(rows) == [("GASNet", "Mosmed"), ("Ours", "Mosmed"), ("Ours", "UESTC"), ("GAN", "UESTC")]
    assert (rows["Ours", "Mosmed"]["paper"], rows["Ours", "Mosmed"]["ours"]) == (58.43, 60.0)
    assert "ours" not in rows["GASNet", "Mosmed"] and "paper" not in rows["GAN", "UESTC"]
    assert rows["GAN", "UESTC"]["ours"] is None
