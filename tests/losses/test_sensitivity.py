"""The sensitivity loss against hand-worked cases."""

import math

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan.errors import ArgumentError
from covid3dgan.losses.sensitivity import sensitivity_loss

LN2 = math.log(2)


@pytest.mark.parametrize("target, logit, options, expected", [
    (1.0, 0.0, {}, 2 * LN2),  # p = 0.5: BCE ln 2, FN 0.5, weight 1 + 2 x 0.5
    (0.0, 0.0, {}, LN2),  # no false negative without a target
    (1.0, 0.0, {"beta": 0.0}, LN2),
    (1.0, 0.0, {"beta": 4.0}, 3 * LN2),
    (1.0, math.log(3), {}, math.log(4 / 3) * 1.5),  # p = 0.75
    (1.0, -math.log(3), {"false_negatives": "hard"}, math.log(4) * 3),  # p = 0.25: missed
    (1.0, math.log(3), {"false_negatives": "hard"}, math.log(4 / 3)),  # p = 0.75: found
    (0.4, -1.0, {"false_negatives": "hard"}, 0.4 + math.log(1 + math.exp(-1))),  # target too weak to be missed
    (-0.5, 1.0, {"beta": 0.0}, 1.5 + math.log(1 + math.exp(-1))),  # targets outside [0, 1]
    (-0.5, 0.0, {}, LN2 * 0.5),  # FN = 0.5 x -0.5, weight 1 - 0.5
    (2.0, 0.0, {}, LN2 * 3.0),
])
def test_one_pixel_by_hand(target, logit, options, expected):
    loss = sensitivity_loss(np.full((1, 1, 1, 1), target), np.full((1, 1, 1, 1), logit), **options)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_mean_over_all_pixels():
    targets, logits = np.array([1.0, 0.0, 1.0, 0.0]).reshape(1, 2, 2, 1), np.zeros((1, 2, 2, 1))
    assert float(sensitivity_loss(targets, logits)) == pytest.approx(1.5 * LN2, rel=1e-6)


def test_without_false_negatives_it_is_the_usual_cross_entropy():
    rng = np.random.default_rng(0)
    targets, logits = rng.random((2, 4, 4, 1)), rng.normal(size=(2, 4, 4, 1)) * 5
    probability = 1 / (1 + np.exp(-logits))
    expected = -np.mean(targets * np.log(probability) + (1 - targets) * np.log(1 - probability))
    assert float(sensitivity_loss(targets, logits, beta=0.0)) == pytest.approx(expected, rel=1e-5)


def test_large_logits_stay_finite():
    logits = tf.Variable([[-200.0, 200.0]])
    with tf.GradientTape() as tape:
        loss = sensitivity_loss(tf.constant([[1.0, 0.0]]), logits)
    assert float(loss) == pytest.approx((200 * 3 + 200) / 2)
    assert np.isfinite(tape.gradient(loss, logits)).all()


def test_unknown_false_negatives_are_refused():
    with pytest.raises(ArgumentError, match="soft, hard"):
        sensitivity_loss([1.0], [0.0], false_negatives="none")
