"""The reliability curve and its error, against values worked by hand."""

import numpy as np
import pytest

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.reliability import reliability_chart
from covid3dgan.evaluation.reliability import reliability


def test_bins_by_hand():
    scores = np.array([[0.05, 0.05, 0.35], [0.35, 1.0, 1.7]])
    truth = np.array([[0, 1, 1], [1, 1, 0]], bool)
    curve = reliability(scores, truth)
    assert curve.count == (2, 2, 2)
    np.testing.assert_allclose(curve.score, (0.05, 0.35, 1.0))
    np.testing.assert_allclose(curve.share, (0.5, 1.0, 0.5))
    assert curve.error == pytest.approx((0.45 + 0.65 + 0.5) / 3)


def test_drawn_by_their_own_scores_they_are_calibrated():
    rng = np.random.default_rng(0)
    scores = rng.random(200_000)
    curve = reliability(scores, rng.random(200_000) < scores)
    assert curve.error < 0.01 and sum(curve.count) == 200_000 and len(curve.count) == 10


def test_other_voxels_are_refused():
    with pytest.raises(InputError, match="expected one for each of 3 voxels, at least one, found 2"):
        reliability(np.zeros(2), np.zeros(3, bool))


def test_the_chart_shows_curve_and_counts():
    curve = reliability(np.array([0.1, 0.9, 0.9]), np.array([False, True, False]))
    above, below = reliability_chart(curve).axes
    np.testing.assert_allclose(above.lines[1].get_ydata(), curve.share)
    assert [bar.get_height() for bar in below.patches] == list(curve.count)
