"""Phantoms: reproducible, geometrically honest, and with the infection rates of paper 001's Table 1."""

import numpy as np
import pytest

from covid3dgan.data import phantom

SMALL = (64, 64, 24)
RATES = {"mosmed-like": 1.47, "coronacases-like": 7.92, "uestc-like": 5.67, "radiopaedia-like": 10.33}


def test_same_arguments_same_voxels_and_another_seed_another_patient():
    first, again = (phantom.generate("uestc-like", 3, 5, SMALL) for _ in range(2))
    assert np.array_equal(first.ct.array, again.ct.array)
    assert np.array_equal(first.infection.array, again.infection.array)
    assert np.array_equal(first.ct.affine, again.ct.affine)
    other = phantom.generate("uestc-like", 3, 6, SMALL)
    assert not np.array_equal(first.ct.array, other.ct.array)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("cohort", RATES)
def test_drawn_infection_rates_of_twenty_cases_have_the_papers_mean(cohort, seed):
    rates = [phantom.infection_rate(cohort, case, seed) for case in range(20)]
    assert np.mean(rates) == pytest.approx(RATES[cohort], rel=1e-6)
    assert 0.4 < np.std(rates) / np.mean(rates) < 1.5
    assert min(rates) > 0.05 and max(rates) < 50


@pytest.mark.parametrize("cohort", RATES)
def test_the_mask_fills_the_drawn_share_of_the_lungs(cohort):
    case = phantom.generate(cohort, 1, 0, SMALL)
    infection, lungs = case.infection.array > 0, case.lungs.array > 0
    assert not (infection & ~lungs).any()
    assert infection.sum() / lungs.sum() == pytest.approx(phantom.infection_rate(cohort, 1, 0) / 100, rel=0.02,
                                                          abs=2 / lungs.sum())
    assert np.array_equal(case.lesion_classes.array > 0, infection)


def test_the_healthy_cohort_has_no_lesion():
    case = phantom.generate("healthy", 0, 0, SMALL)
    assert case.infection.array.sum() == 0 and case.rate == 0
    assert np.array_equal(case.ct.array, case.healthy.array)


def test_the_healthy_twin_differs_only_near_the_lesions():
    case = phantom.generate("radiopaedia-like", 2, 0, SMALL)
    changed = case.ct.array != case.healthy.array
    infected = case.infection.array > 0
    assert changed[infected].mean() > 0.9
    assert changed[~infected & (case.lungs.array == 0)].mean() < 0.05
    assert (case.ct.array - case.healthy.array)[infected].mean() > 100
