"""Cross-entropy and soft Dice against hand-worked cases."""

import math

import numpy as np
import pytest

from covid3dgan.losses import cross_entropy, overlap_sums, soft_dice_loss


def _map(*values):
    return np.array(values, np.float32).reshape(1, 1, len(values), 1)


@pytest.mark.parametrize("probabilities, targets, expected", [
    ((0.8, 0.2), (1.0, 0.0), math.log(1 / 0.8)),
    ((0.5, 0.5), (1.0, 0.25), math.log(2)),  # whatever the target
    ((0.75, 0.5), (0.5, 0.5), (0.5 * math.log(16 / 3) + math.log(2)) / 2),  # 1/p and 1/(1-p): 4/3 and 4
    ((0.0, 1.0), (1.0, 1.0), 6 * math.log(10) / 2),  # a certain mistake costs much, and not without end
])
def test_cross_entropy_by_hand(probabilities, targets, expected):
    assert float(cross_entropy(_map(*probabilities), _map(*targets))) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("probabilities, targets, expected", [
    ((0.8, 0.2), (1.0, 0.0), 1 - 2.6 / 2.68),  # pt 0.8, pp 0.68, tt 1
    ((1.0, 1.0, 0.0), (1.0, 1.0, 0.0), 0.0),
    ((1.0, 0.0), (0.0, 1.0), 1 - 1 / 3),
    ((0.0, 0.0), (0.0, 0.0), 0.0),
])
def test_soft_dice_by_hand(probabilities, targets, expected):
    found = soft_dice_loss(overlap_sums(_map(*probabilities), _map(*targets)))
    assert float(found) == pytest.approx(expected, abs=1e-6)


def test_the_sums_of_a_batch_are_those_of_its_parts():
    rng = np.random.default_rng(0)
    p, t = rng.random((2, 4, 8, 8, 1), np.float32)
    parts = overlap_sums(p[:2], t[:2]) + overlap_sums(p[2:], t[2:])
    np.testing.assert_allclose(parts, overlap_sums(p, t), rtol=1e-6)
