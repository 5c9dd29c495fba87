"""The tables of paper 004's parts, on small cases."""

import numpy as np
import pytest

from covid3dgan.evaluation import ssinfnet_tables
from covid3dgan.evaluation.report import ON_PHANTOMS
from covid3dgan.evaluation.ssinfnet_tables import Row, ablation_json, ablation_tables

LABELS = np.zeros((4, 4, 4), np.uint8)
LABELS[:, :2], LABELS[:, 3] = 1, 2
PATIENTS = np.array(list("aabb"))


def infection(found):
    return ssinfnet_tables.infection_scores(np.float32(found), LABELS, PATIENTS, 0.5)


def test_rows_have_intervals_differences_and_times():
    half = (LABELS > 0).astype(np.float32)
    half[:, 0] = 0  # 8 of 12 infected pixels: F1 = 16 / 20
    singles = [Row("whole", infection(LABELS > 0), 10.0), Row("half", infection(half), 35.0)]
    without = np.where(LABELS == 2, 0, LABELS)  # no consolidation found
    multis = [Row("all", ssinfnet_tables.class_scores(LABELS, LABELS, PATIENTS), 8.0),
              Row("less", ssinfnet_tables.class_scores(without, LABELS, PATIENTS), 4.0)]
    single, multi = ablation_tables(singles, multis, phantom=True)
    assert single.rows[0] == ("whole", *["1.000 [1.000, 1.000]"] * 4, "-", "10", "1.0")
    assert single.rows[1][0:2] == ("half", "0.800 [0.800, 0.800]")
    assert single.rows[1][5:] == ("-0.200", "35", "3.5")
    # Background: 4 of 16 pixels, 8 found: F1 = 8 / 12; overall (2/3 + 1 + 0) / 3.
    assert multi.rows[1] == ("less", "1.000 [1.000, 1.000]", "0.000 [0.000, 0.000]", "0.556 [0.556, 0.556]", "-0.444",
                             "4", "0.5")
    assert single.badge == ON_PHANTOMS and ablation_tables(singles, multis, False)[0].badge == ""
    kept = ablation_json(singles, multis)
    assert kept["multi"]["less"]["overall"]["f1"] == pytest.approx(5 / 9) and kept["single"]["half"]["seconds"] == 35
