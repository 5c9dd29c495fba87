"""Means with their spread, bootstrap confidence intervals over cases, and tests between two methods."""

__all__ = ["bootstrap_interval", "compare", "half_mann_whitney", "holm", "mean_std", "standard_error_196",
           "welch_from_summary"]

import math

import numpy as np
from scipy import stats

from covid3dgan.errors import InputError


def mean_std(values):
    """(mean, population standard deviation, number) of ``values`` without their NaNs; NaN where none is left."""
    values = _finite(values)
    if not values.size:
        return math.nan, math.nan, 0
    return float(values.mean()), float(values.std()), int(values.size)


def standard_error_196(values):
    """1.96 population standard deviations over the root of n, NaNs dropped (paper 004, Eq. 13)."""
    _, std, number = mean_std(values)
    return 1.96 * std / math.sqrt(number) if number else math.nan


def bootstrap_interval(values, cases, level=0.95, repeats=2000, seed=0):
    """Percentile interval of the mean of ``values`` when the cases, not the values, are drawn anew.

    Slices of one patient resemble each other, so slices drawn on their own would promise too narrow an interval.

    Args:
        values: one number per slice, image or volume; NaNs are dropped.
        cases: of the same length, the case that each value belongs to.
        level, repeats, seed: the interval's level, the number of draws, and what makes the draws reproducible.

    Returns:
        (low, high); NaNs where fewer than two cases have a value, since nothing is known of the spread then.
    """
    values, cases = np.asarray(values, float), np.asarray(cases)
    known = ~np.isnan(values)
    names, index = np.unique(cases[known], return_inverse=True)
    if len(names) < 2:
        return math.nan, math.nan
    sums = np.bincount(index, weights=values[known])
    numbers = np.bincount(index)
    drawn = np.random.default_rng([seed, len(names)]).integers(0, len(names), (repeats, len(names)))
    means = sums[drawn].sum(axis=1) / numbers[drawn].sum(axis=1)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def welch_from_summary(first, second):
    """Two-sided p of Welch's t-test from (mean, variance with n - 1, n) of each sample.

    The code of paper 004 prints those variances and holds no test, so its t-test was made from them.
    """
    (mean_1, variance_1, n_1), (mean_2, variance_2, n_2) = first, second
    return float(stats.ttest_ind_from_stats(mean_1, math.sqrt(variance_1), n_1, mean_2, math.sqrt(variance_2), n_2,
                                            equal_var=False).pvalue)


def half_mann_whitney(first, second):
    """p of the Mann-Whitney test as the code of paper 004 got it: half of the two-sided one.

    SciPy 1.2's default took the normal approximation with ties and continuity corrected and one tail of it. The
    paper calls the result a Wilcoxon test.
    """
    first, second = _finite(first), _finite(second)
    n_1, n_2 = len(first), len(second)
    ranks = stats.rankdata(np.concatenate([first, second]))
    u = n_1 * n_2 + n_1 * (n_1 + 1) / 2 - ranks[:n_1].sum()
    deviation = math.sqrt(stats.tiecorrect(ranks) * n_1 * n_2 * (n_1 + n_2 + 1) / 12)
    if deviation == 0:
        return math.nan
    z = (max(u, n_1 * n_2 - u) - n_1 * n_2 / 2 - 0.5) / deviation
    return float(stats.norm.sf(abs(z)))


def holm(p_values):
    """p-values adjusted for their number (Holm): NaNs stay and do not count.

    The smallest is multiplied by their number, the next by one less, and so on; none becomes smaller than the one
    before it or larger than 1.
    """
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(p_values.shape, math.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)))
    return adjusted


def compare(first, second):
    """p-values for two methods scored on the same samples: as paper 004's code had them, and as they should be.

    Args:
        first, second: one value per sample in the same order; NaN where a sample does not count.

    Returns:
        dict: ``welch_t`` and ``half_mann_whitney`` (as coded: unpaired, NaNs dropped from each on its own),
        ``paired_t`` and ``wilcoxon_signed_rank`` (two-sided, over the ``pairs`` samples that count for both),
        and ``mean_difference`` over those pairs (second minus first). NaN where a test is undefined.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape:
        raise InputError("second", f"one value per sample of the first ({first.size})", f"{second.size} values",
                         "score both methods on the same samples")
    both = ~np.isnan(first) & ~np.isnan(second)
    difference = second[both] - first[both]
    alone = _finite(first), _finite(second)
    testable = min(len(alone[0]), len(alone[1])) > 1 and any(a.var() > 0 for a in alone)
    varied = difference.size > 1 and difference.std() > 0
    return {
        "welch_t": welch_from_summary(*((a.mean(), a.var(ddof=1), a.size) for a in alone)) if testable else math.nan,
        "half_mann_whitney": half_mann_whitney(*alone) if testable else math.nan,
        "paired_t": float(stats.ttest_1samp(difference, 0.0).pvalue) if varied else math.nan,
        # Equal pairs say nothing here; beside them scipy would take the normal approximation, bad for few pairs.
        "wilcoxon_signed_rank": float(stats.wilcoxon(difference[difference != 0]).pvalue) if varied else math.nan,
        "mean_difference": float(difference.mean()) if difference.size else math.nan,
        "pairs": int(difference.size),
    }


def _finite(values):
    values = np.asarray(values, float).ravel()
    return values[~np.isnan(values)]
