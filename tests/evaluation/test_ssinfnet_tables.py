"""Tables I to III, the significance marks and the ROC of paper 004 on small cases."""

import numpy as np
import pytest
from scipy import stats

from covid3dgan.data.datasets.slices import SliceSet
from covid3dgan.evaluation import metrics, paper_tables, ssinfnet_tables
from covid3dgan.evaluation.comparison import comparison_table
from covid3dgan.evaluation.figures import ssinfnet
from covid3dgan.evaluation.report import ON_PHANTOMS


def scores(seed, quality, patients=6, per_patient=4):
    """Class scores of noisy predictions: ``quality`` is the share of pixels that are right."""
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 3, (patients * per_patient, 8, 8))
    owners = np.repeat([f"p{i}" for i in range(patients)], per_patient)
    own = np.random.default_rng(seed)
    wrong = own.random(truth.shape) > quality
    return ssinfnet_tables.class_scores(np.where(wrong, own.integers(0, 3, truth.shape), truth), truth, owners)


def test_samples_are_images_and_cases_are_patients():
    probability = np.zeros((3, 2, 2), np.float32)
    probability[:, 0] = 0.9
    labels = np.zeros((3, 2, 2), np.uint8)
    labels[0, 0], labels[1, 0, 0] = 2, 1
    found = ssinfnet_tables.infection_scores(probability, labels, np.array(["a", "b", "a"]), 0.5)
    assert found.cases == ["a", "b"]
    # Image 1: F1 = 1; image 3 (healthy, false alarm): 0; image 2: 2 x 1 / (2 + 1).
    np.testing.assert_allclose(sorted(found.values("f1")), [0, 2 / 3, 1])
    assert np.isnan(found.values("recall")).sum() == 1


def test_measured_fits_the_paper_s_tables():
    results = {"SInfNet": scores(1, 0.6), "SSInfNet": scores(2, 0.9)}
    measured = ssinfnet_tables.measured_classes(results, "24 slices", "command", True)
    table = paper_tables.tables("ssinfnet")[1]
    known = {number.key for number in table.numbers}
    assert set(measured) <= known and ("SSInfNet", "overall", "f1") in measured
    printed = comparison_table(table, measured)
    assert printed.badge == ON_PHANTOMS
    low, high = measured["SSInfNet", "overall", "f1"].ci95
    assert low < measured["SSInfNet", "overall", "f1"].mean < high
    found = ssinfnet_tables.measured_infection({"SInfNet": ssinfnet_tables.infection_scores(
        np.random.default_rng(0).random((4, 8, 8)), np.eye(8)[None].repeat(4, 0), np.array(list("aabb")), 0.5)},
                                               "4 slices", "command", True)
    assert set(found) <= {number.key for number in paper_tables.tables("ssinfnet")[0].numbers}


def by_column(table):
    return {row[:2]: dict(zip(table.columns, row)) for row in table.rows}


def test_significance_finds_a_real_difference_over_patients():
    better, worse = scores(2, 0.9), scores(1, 0.6)
    table = by_column(ssinfnet_tables.significance_table(better, worse))
    row = table["GGO", "F1"]
    first, second = ([case["f1"] for case in s["GGO"].per_case()] for s in (worse, better))
    p = stats.wilcoxon(np.subtract(second, first)).pvalue
    assert float(row["Wilcoxon over patients"]) == pytest.approx(p, abs=5e-4) and p == pytest.approx(2 / 64)
    assert float(row["difference"]) == pytest.approx(np.subtract(second, first).mean(), abs=5e-4)
    assert row["patients"] == "6"
    # Six patients cannot give less than 2/64; sixteen rows times that is no significance, whatever the marks as coded.
    assert float(row["adjusted"]) == pytest.approx(0.5, abs=5e-4) and row["mark of ours"] == ""
    half = stats.mannwhitneyu(worse["GGO"].values("f1"), better["GGO"].values("f1"), alternative="two-sided",
                              method="asymptotic").pvalue / 2
    assert half < 0.001 and row["rank sum as coded"] == "< 0.001" and row["ours as coded"] == "^*"


def test_many_patients_earn_a_mark():
    table = by_column(ssinfnet_tables.significance_table(scores(2, 0.9, patients=12), scores(1, 0.6, patients=12)))
    assert table["GGO", "F1"]["mark of ours"] == "^" and float(table["GGO", "F1"]["adjusted"]) < 0.01


def test_coded_precision_compares_with_the_background():
    better, worse = scores(2, 0.9), scores(1, 0.85)
    row = by_column(ssinfnet_tables.significance_table(better, worse))["consolidation", "Precision"]
    half = stats.mannwhitneyu(worse["background"].values("precision"), better["consolidation"].values("precision"),
                              alternative="two-sided", method="asymptotic").pvalue / 2
    assert float(row["rank sum as coded"].replace("< ", "")) == pytest.approx(half, abs=1e-3)


def test_the_papers_marks_stand_beside_ours():
    """Six cells of Table III, all of SSInfNet; Table II has none."""
    printed = {key: row["mark in the paper"] for key, row in
               by_column(ssinfnet_tables.significance_table(scores(2, 0.9), scores(1, 0.85))).items()
               if row["mark in the paper"]}
    assert printed == {("GGO", "Precision"): "^", ("consolidation", "F1"): "^", ("consolidation", "IoU"): "^",
                       ("consolidation", "Precision"): "^", ("overall", "F1"): "*", ("overall", "Precision"): "*"}
    marked = {number.key: number.mark for table in paper_tables.tables("ssinfnet") for number in table.numbers
              if number.mark}
    assert len(marked) == 6 and marked["SSInfNet", "consolidation", "iou"] == "^"
    table = comparison_table(paper_tables.tables("ssinfnet")[1], {})
    assert ("SSInfNet", "overall", "F1", "0.63 ± 0.052 *") in [row[:4] for row in table.rows]


def test_infection_alone_is_tested_like_the_classes():
    labels, patients = np.zeros((12, 8, 8)), np.repeat(list("abcdef"), 2)
    labels[:, :4] = 1
    good, bad = labels * 0.9, labels * 0.9
    for patient, missed in enumerate((1, 2, 3, 1, 2, 3)):
        bad[2 * patient:2 * patient + 2, 4 - missed:4] = 0.1
    table = ssinfnet_tables.significance_table(*({"infection": ssinfnet_tables.infection_scores(
        p, labels, patients, 0.5)} for p in (good, bad)))
    row = by_column(table)["infection", "Recall"]
    assert table.title.startswith("Significance, Table 2") and row["difference"] == "+0.500"
    assert row["patients"] == "6" and row["mark in the paper"] == "" and len(table.rows) == 4


def test_data_table_has_the_papers_counts_beside_ours():
    def part(count, people):
        return SliceSet(np.zeros((count, 2, 2)), None, np.array([str(i % people) for i in range(count)]),
                        np.arange(count).astype(str))

    table = ssinfnet_tables.data_table(part(9, 3), part(2, 1), part(4, 2), None, phantom=True)
    assert [row[:1] + row[3:] for row in table.rows] == [
        ("training", "698", "9", "39", "3"), ("training", "6654", "-", "1338", "-"),
        ("validation", "114", "2", "35", "1"), ("test", "117", "4", "35", "2")]
    assert table.badge == ON_PHANTOMS and ssinfnet_tables.data_table(
        part(9, 3), part(2, 1), part(4, 2), part(5, 5), phantom=False).badge == ""


def test_equal_methods_have_no_p_value():
    same = scores(1, 0.6)
    table = ssinfnet_tables.significance_table(same, same)
    assert {row["Wilcoxon over patients"] for row in by_column(table).values()} == {"-"}
    assert {row["difference"] for row in by_column(table).values()} == {"+0.000"}
    assert {row["mark of ours"] for row in by_column(table).values()} == {""}


def test_overall_interval_needs_two_patients():
    assert np.isnan(ssinfnet_tables.overall_interval(scores(1, 0.6, patients=1), "f1")).all()


def test_roc_passes_through_the_hand_worked_points():
    values, labels = np.array([0.9, 0.8, 0.8, 0.1]), np.array([True, False, True, False])
    false, true = ssinfnet.roc_curve(values, labels)
    np.testing.assert_allclose(false, [0, 0, 0.5, 1])
    np.testing.assert_allclose(true, [0, 0.5, 1, 1])
    area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
    assert area == pytest.approx(metrics.area_under_roc(values, labels))


def test_figures_draw():
    rng = np.random.default_rng(0)
    pictures, labels = rng.random((2, 16, 16)), rng.integers(0, 3, (2, 16, 16))
    roc = ssinfnet.roc_figure({"SInfNet": pictures}, labels)
    assert "AUC" in roc.legends[0].get_texts()[0].get_text()
    assert len(ssinfnet.class_figure(pictures, labels, {"SInfNet": labels}).axes) == 6
    assert len(ssinfnet.infection_figure(pictures, labels > 0, {"SInfNet": pictures}).axes) == 7
    assert len(ssinfnet.painting_figure(pictures, labels > 0, pictures).axes) == 6


def test_prediction_figure_shows_the_slices_with_most_infection():
    labels = np.zeros((9, 16, 16), np.uint8)
    labels[2, :4], labels[7, :2], labels[8, :3] = 1, 2, 1
    figure = ssinfnet.prediction_figure(np.zeros(labels.shape), labels, ("GGO", "consolidation"), "ct", most=2)
    assert [axes.get_title() for axes in figure.axes] == ["slice 3", "found", "slice 9", "found"]
    nothing = ssinfnet.prediction_figure(np.zeros((5, 16, 16)), np.zeros((5, 16, 16)), ("infection",), "ct")
    assert [axes.get_title() for axes in nothing.axes] == ["slice 1", "found"]
