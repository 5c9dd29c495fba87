"""The fitted temperature: a minimum that scipy finds too, the bounds, and the printed update by hand."""

import numpy as np
import pytest
from scipy import optimize

from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.losses.enhanced_contrastive import enhanced_contrastive_loss
from covid3dgan.losses.temperature import fit_temperature

LABELS = np.repeat([1, 0], 8)


def features(separation, seed=0):
    """Two clouds whose centres are ``separation`` apart."""
    cloud = np.random.default_rng(seed).normal(size=(16, 6))
    cloud[:8, 0] += separation
    return cloud.astype("float32")


def test_partly_separated_classes_have_a_minimum_and_it_is_found():
    cloud = features(1.5, seed=1)
    best = optimize.minimize_scalar(lambda t: float(enhanced_contrastive_loss(cloud, LABELS, t)), bounds=(0.01, 1.0),
                                    method="bounded")
    assert 0.05 < best.x < 0.9
    fit = fit_temperature(cloud, LABELS, batch_size=16, rate=1.0, passes=100)
    assert fit.stopped == "at rest"
    assert fit.temperature == pytest.approx(best.x, rel=0.02)
    assert fit.losses[-1] == pytest.approx(best.fun, rel=1e-3) and fit.losses[-1] < fit.losses[0]
    assert len(fit.temperatures) == len(fit.losses)
    lowest, inside = fit.best_on_curve
    assert inside and lowest == pytest.approx(best.x, rel=0.13)


@pytest.mark.parametrize("cloud, initial, stopped, bound", [
    (np.repeat(np.eye(2), 8, axis=0).astype("float32"), 0.15, "at lower bound", 0.14),  # separated
    (np.tile(np.eye(2), (8, 1)).astype("float32"), 0.5, "at upper bound", 1.0),  # each class holds both directions
])
def test_where_there_is_no_minimum_the_bound_is_reached_and_named(cloud, initial, stopped, bound):
    bounds = (0.14, 1.0)
    fit = fit_temperature(cloud, LABELS, initial=initial, bounds=bounds, rate=2.0, passes=60)
    assert (fit.stopped, fit.temperature) == (stopped, bound)
    assert fit.best_on_curve == (pytest.approx(bound), False)


def test_a_descent_that_rests_where_the_slope_vanishes_is_told_from_a_minimum():
    """Separated classes at a low temperature: no slope is left, yet the curve falls to its end."""
    fit = fit_temperature(np.repeat(np.eye(2), 8, axis=0), LABELS, initial=0.06)
    assert fit.stopped == "at rest" and fit.best_on_curve[1] is False


@pytest.mark.parametrize("divide, share", [(False, 1.0), (True, 1 / 16)])
def test_printed_update_by_hand(divide, share):
    """One batch of all samples: the step is the rate times the slope of the mean loss, over N where asked."""
    cloud = features(1.0)
    low, high = (float(enhanced_contrastive_loss(cloud, LABELS, t)) for t in (0.499, 0.501))
    fit = fit_temperature(cloud, LABELS, initial=0.5, rate=0.1, batch_size=16, passes=1, logarithmic=False,
                          divide_by_count=divide)
    assert fit.temperatures[1] == pytest.approx(0.5 - 0.1 * share * (high - low) / 0.002, rel=2e-2)
    assert fit.stopped == "passes used up"


def test_same_seed_same_path():
    first, again, other = (fit_temperature(features(1.5), LABELS, passes=3, seed=s) for s in (1, 1, 2))
    assert first == again and first.temperatures != other.temperatures
    assert len(first.temperatures) == 1 + 3 * 2


def test_bad_input_is_refused():
    with pytest.raises(ArgumentError, match="0 < lowest"):
        fit_temperature(features(1.0), LABELS, initial=2.0)
    with pytest.raises(InputError, match="two classes"):
        fit_temperature(features(1.0), np.ones(16))
