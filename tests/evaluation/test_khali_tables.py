"""Paper 002's Table 1 beside ordinary scores: the two never mix."""

import types

import numpy as np
import pytest

from covid3dgan.evaluation import khali_tables
from covid3dgan.evaluation.figures.temperature_chart import temperature_chart
from covid3dgan.evaluation.report import ON_PHANTOMS

MODEL = types.SimpleNamespace(threshold=0.5, relative=False)
# One case of one 20 x 20 slice, all lung; a lesion of 10 x 10 of which the network finds a single pixel.
LUNGS = np.ones((1, 1, 20, 20), np.float32)
TRUTH = np.zeros_like(LUNGS)
TRUTH[0, 0, :10, :10] = 1.0
SCORES = np.zeros_like(LUNGS)
SCORES[0, 0, 3, 3] = 0.9


def results(scores=SCORES, truth=TRUTH):
    return {method: khali_tables.method_scores(method, MODEL, scores, truth, LUNGS, ["case"])
            for method in khali_tables.METHODS}


@pytest.mark.parametrize("method", khali_tables.METHODS)
def test_one_right_pixel_is_everything_for_the_paper_and_little_for_a_dice(method):
    found = results()[method]
    coded, slices, volumes = (found[kind].summary() for kind in ("pixel_max", "slices", "volumes"))
    assert coded["dice"]["mean"] == pytest.approx(100, abs=1e-5)
    assert coded["sensitivity"]["mean"] == pytest.approx(100, abs=1e-5)
    assert slices["dice"]["mean"] == pytest.approx(200 / 101) and slices["sensitivity"]["mean"] == pytest.approx(1.0)
    assert volumes["dice"]["mean"] == pytest.approx(200 / 101)


def test_the_transunets_mask_stays_fractional_and_the_unets_does_not():
    """A true pixel of 0.4 gives the UNet a whole one (above 0.3), the TransUNet 2 m / (m + 1)."""
    found = results(truth=0.4 * TRUTH)
    assert found["UNET"]["pixel_max"].summary()["dice"]["mean"] == pytest.approx(100, abs=1e-5)
    assert found["TransUNET"]["pixel_max"].summary()["dice"]["mean"] == pytest.approx(100 * 0.8 / 1.4, abs=1e-4)


def test_masks_end_at_the_lung():
    lungs = LUNGS.copy()
    lungs[..., 3, 3] = 0.0
    assert not khali_tables.masks_of(MODEL, SCORES, lungs).any()
    assert khali_tables.masks_of(MODEL, SCORES, lungs, within_lung=False).any()


def test_tables_keep_the_papers_numbers_apart_from_ordinary_ones_and_name_phantoms():
    first, slices, volumes = khali_tables.tables(results(), "Mosmed", "1 phantom", "covid3dgan reproduce khali", True)
    assert first.badge == volumes.badge == ON_PHANTOMS
    row = next(row for row in first.rows if row[0] == "TransUNET" and row[2] == "Dice")
    assert row[3].startswith("50.09") and row[4].startswith("47.09") and row[5].startswith("100.00")
    assert all(row[3] == "-" for table in (slices, volumes) for row in table.rows)
    assert any("maxima over single pixels" in note for note in first.notes)
    assert {row[0] for row in slices.rows} == set(khali_tables.METHODS)


def test_temperature_chart_shows_the_descent_and_the_papers_value():
    fit = types.SimpleNamespace(temperature=0.2, stopped="at rest", temperatures=(0.1, 0.15, 0.2),
                                curve=((0.01, 3.0), (0.1, 1.0), (1.0, 2.0)))
    whole, descent = temperature_chart(fit).axes
    assert {line.get_label() for line in whole.get_lines()} >= {"descent: 0.2 (at rest)", "paper: 0.06"}
    np.testing.assert_array_equal(descent.get_lines()[0].get_ydata(), fit.temperatures)
