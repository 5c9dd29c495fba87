"""Which slices count as highly and as little infected, by the sums of their pseudo-masks (paper 001, 3.3; F16)."""

__all__ = ["SliceGroups", "group_slices"]

import dataclasses

import numpy as np

from covid3dgan.errors import InputError

# One third of the slices that hold any lung at each end: "sorting" in the text, without a number.
SORTED_SHARE = 1 / 3


@dataclasses.dataclass(frozen=True)
class SliceGroups:
    """Indices into the slices in scanning order; of healthy slices where ``pairs`` asks for them.

    ``positive`` and ``negative`` are the two classes of the contrastive loss, ``positive_source`` and
    ``negative_source`` say whether they index the COVID ("covid") or the healthy ("healthy") slices.
    """

    positive: np.ndarray
    negative: np.ndarray
    positive_source: str
    negative_source: str
    high: np.ndarray
    low: np.ndarray
    rule: str


def group_slices(sums, contrastive, lung_pixels=None, healthy_lung_pixels=None):
    """High and low slices, and from them the two classes of the contrastive loss (Table 4).

    Args:
        sums: (S,) sum of each COVID slice's pseudo-mask; signed sums stay signed.
        contrastive: presets.stages.Contrastive.
        lung_pixels: (S,) lung pixels of each slice; slices without lung are left out of sorting and quartiles.
        healthy_lung_pixels: (H,) the same for the healthy slices, needed by the pairs with healthy slices.

    Returns:
        SliceGroups. Published sums cut the larger group to the size of the smaller one; so does every rule here.
    """
    sums = np.asarray(sums, np.float64)
    with_lung = np.ones(len(sums), bool) if lung_pixels is None else np.asarray(lung_pixels) > 0
    high, low, rule = _RULES[contrastive.grouping](sums, with_lung, contrastive)
    for name, group in (("high", high), ("low", low)):
        if not group.any():
            quantiles = ", ".join(f"{q} %: {v:.4g}" for q, v in zip((0, 25, 50, 75, 100), _quantiles(sums)))
            raise InputError(f"contrastive.grouping={contrastive.grouping}", f"slices in the group {name!r} ({rule})",
                             f"none among {len(sums)} (quantiles of the sums: {quantiles})",
                             "choose contrastive.grouping=quartiles or change contrastive.high_above and low_between")
    high, low = np.flatnonzero(high), np.flatnonzero(low)
    size = min(len(high), len(low))
    healthy = None if healthy_lung_pixels is None else np.flatnonzero(np.asarray(healthy_lung_pixels) > 0)
    if contrastive.pairs != "low-high" and (healthy is None or not len(healthy)):
        raise InputError(f"contrastive.pairs={contrastive.pairs}", "healthy slices with lung", "none",
                         "pass healthy cases or choose contrastive.pairs=low-high")
    classes = {"low-high": (high[:size], low[:size], "covid", "covid"),
               "healthy-high": (high, healthy, "covid", "healthy"),
               "healthy-low": (low, healthy, "covid", "healthy")}[contrastive.pairs]
    return SliceGroups(*classes, high=high, low=low, rule=rule)


def _by_sums(sums, with_lung, contrastive):
    """As published: fixed sums, for 128x128 slices of volumes scaled by their own extremes."""
    low_from, low_to = contrastive.low_between
    return (sums > contrastive.high_above, (sums > low_from) & (sums < low_to),
            f"high: sum > {contrastive.high_above:g}; low: {low_from:g} < sum < {low_to:g}")


def _by_sorting(sums, with_lung, contrastive):
    """As the text says: sorted by the sum; the top and the bottom third of the slices with lung."""
    order = np.flatnonzero(with_lung)[np.argsort(sums[with_lung], kind="stable")]
    size = int(len(order) * SORTED_SHARE)
    high, low = np.zeros(len(sums), bool), np.zeros(len(sums), bool)
    if size:
        high[order[-size:]] = True
        low[order[:size]] = True
    return high, low, "high: top third; low: bottom third of the slices with lung, by sum"


def _by_quartiles(sums, with_lung, contrastive):
    """Paper 002's box plot: above the third quartile is high; low lies between the first quartile and the median as
    its text says, or the third quartile as its code has it (K17)."""
    first, median, third = np.percentile(sums[with_lung], (25, 50, 75)) if with_lung.any() else (0, 0, 0)
    name, upper = ("Q3", third) if contrastive.grouping == "quartiles-coded" else ("median", median)
    return (with_lung & (sums > third), with_lung & (sums > first) & (sums <= upper),
            f"high: sum > Q3 = {third:.4g}; low: Q1 = {first:.4g} < sum <= {name} = {upper:.4g}")


_RULES = {"sums": _by_sums, "sorted": _by_sorting, "quartiles": _by_quartiles, "quartiles-coded": _by_quartiles}


def _quantiles(sums):
    return np.percentile(sums, (0, 25, 50, 75, 100)) if len(sums) else [float("nan")] * 5
