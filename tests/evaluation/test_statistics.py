"""Spread, intervals and tests against hand-worked values and SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from covid3dgan.errors import InputError
from covid3dgan.evaluation import statistics

NAN = math.nan


def test_mean_std_drops_nans_and_takes_the_population():
    assert statistics.mean_std([1.0, NAN, 3.0]) == (2.0, 1.0, 2)
    mean, std, number = statistics.mean_std([NAN])
    assert math.isnan(mean) and math.isnan(std) and number == 0


def test_standard_error_counts_what_is_left():
    assert statistics.standard_error_196([1.0, NAN, 3.0]) == pytest.approx(1.96 * 1.0 / math.sqrt(2))
    assert math.isnan(statistics.standard_error_196([]))


def test_bootstrap_draws_cases_not_slices():
    # Two cases that disagree: a resample is case a twice, b twice or one of each, so the interval reaches both means.
    values, cases = [0.0] * 50 + [1.0] * 50, ["a"] * 50 + ["b"] * 50
    assert statistics.bootstrap_interval(values, cases) == (0.0, 1.0)
    narrow = statistics.bootstrap_interval(values, [str(i) for i in range(100)])
    assert 0.3 < narrow[0] < 0.5 < narrow[1] < 0.7


def test_bootstrap_weighs_a_case_by_its_slices():
    # One slice of 0 in a, three of 1 in b: a resample is a a (mean 0), one of each (3/4, half of all) or b b (1).
    assert statistics.bootstrap_interval([0, 1, 1, 1], ["a", "b", "b", "b"], level=0.4) == (0.75, 0.75)


def test_bootstrap_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        sample = rng.normal(5.0, 2.0, 40)
        low, high = statistics.bootstrap_interval(sample, range(40), repeats=500, seed=trial)
        hits += low <= 5.0 <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_bootstrap_is_reproducible_and_needs_two_cases():
    values, cases = np.arange(12.0), np.repeat(["a", "b", "c"], 4)
    assert statistics.bootstrap_interval(values, cases, seed=5) == statistics.bootstrap_interval(values, cases, seed=5)
    assert all(math.isnan(v) for v in statistics.bootstrap_interval([1.0, 2.0, NAN], ["a", "a", "b"]))


def test_half_mann_whitney_is_half_of_the_two_sided_test():
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 8, 30) / 8, rng.integers(2, 10, 25) / 8  # with many ties
    full = stats.mannwhitneyu(first, second, alternative="two-sided", method="asymptotic", use_continuity=True).pvalue
    assert statistics.half_mann_whitney(first, second) == pytest.approx(full / 2, rel=1e-12)
    assert statistics.half_mann_whitney(second, first) == pytest.approx(full / 2, rel=1e-12)


def test_compare_holds_the_coded_and_the_proper_tests():
    rng = np.random.default_rng(2)
    first = rng.normal(0.4, 0.2, 20)
    second = first + rng.normal(0.05, 0.05, 20)
    first[3], second[7] = NAN, NAN
    p = statistics.compare(first, second)
    a, b = np.delete(first, 3), np.delete(second, 7)
    c, d = np.delete(first, [3, 7]), np.delete(second, [3, 7])
    assert p["welch_t"] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
    assert p["half_mann_whitney"] == pytest.approx(
        stats.mannwhitneyu(a, b, alternative="two-sided", method="asymptotic").pvalue / 2)
    assert p["paired_t"] == pytest.approx(stats.ttest_rel(c, d).pvalue)
    assert p["wilcoxon_signed_rank"] == pytest.approx(stats.wilcoxon(d - c).pvalue)
    assert p["pairs"] == 18 and p["mean_difference"] == pytest.approx((d - c).mean())
    # The same samples: pairing sees what the unpaired tests of the code cannot.
    assert p["paired_t"] < 0.01 < p["welch_t"]


def test_compare_of_equal_samples_has_no_p():
    p = statistics.compare([0.5, 0.5], [0.5, 0.5])
    assert math.isnan(p["paired_t"]) and math.isnan(p["half_mann_whitney"]) and p["mean_difference"] == 0


def test_compare_refuses_samples_that_cannot_be_paired():
    with pytest.raises(InputError, match="score both methods on the same samples"):
        statistics.compare([0.1, 0.2], [0.1])


def test_holm_by_hand():
    """0.01 x 3, then max(0.03, 0.02 x 2), then max(0.04, 0.9); NaN is no test."""
    np.testing.assert_allclose(statistics.holm([0.02, math.nan, 0.9, 0.01]), [0.04, math.nan, 0.9, 0.03])
    np.testing.assert_allclose(statistics.holm([0.5, 0.6]), [1.0, 1.0])


def test_signed_ranks_of_few_pairs_are_exact_also_beside_equal_ones(recwarn):
    """Five gains and no loss: two of the 2^5 signs are as extreme; two equal pairs change nothing."""
    first = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    second = first + np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.0, 0.0])
    assert statistics.compare(first, second)["wilcoxon_signed_rank"] == pytest.approx(2 / 2**5)
    assert not recwarn.list
