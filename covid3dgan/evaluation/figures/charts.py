"""Charts of scores and of slice sums: each function takes arrays and returns a matplotlib Figure."""

__all__ = ["bland_altman", "dice_by_infection", "grouped_bars", "slice_sum_box", "threshold_curve"]

import math

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    RED,
    SERIES,
    legend_below,
    named_points,
    new_figure,
    places,
    styled,
)

_MOST_TICKS = 8


@styled
def grouped_bars(series, ylabel, title=None, ylim=None, digits=1):
    """Bars with error bars: paper 000's Fig. 12, and Tables 3 and 4 of paper 001 as charts.

    Args:
        series: legend entry -> {position on the x axis -> (height, error)}; a missing or NaN entry leaves a gap.
        ylabel: with its unit.
        digits: decimals of the number over each bar; None prints none.
    """
    positions = list(dict.fromkeys(place for bars in series.values() for place in bars))
    if not positions:
        raise InputError("series", "at least one bar", "none", "give heights")
    figure = new_figure(max(3.6, 0.9 + 0.42 * len(positions) * (len(series) + 0.6)), 3.2)
    axes = figure.subplots()
    width = 0.8 / len(series)
    top = 0.0
    for index, (name, bars) in enumerate(series.items()):
        x = np.arange(len(positions)) + (index - (len(series) - 1) / 2) * width
        height, error = np.array([bars.get(place, (math.nan, math.nan)) for place in positions], float).T
        error = np.nan_to_num(error)
        axes.bar(x, height, width * 0.92, yerr=error, color=SERIES[index % len(SERIES)], label=name,
                 error_kw={"elinewidth": 0.9, "ecolor": "#303030"})
        for at, value, spread in zip(x, height, error):
            if not math.isnan(value):
                top = max(top, value + spread)
                if digits is not None:
                    axes.annotate(f"{value:.{digits}f}", (at, value + spread), (0, 2), textcoords="offset points",
                                  ha="center", va="bottom", fontsize=7)
    places(axes, positions, figure.get_figwidth() - 0.7)
    axes.set_ylabel(ylabel)
    axes.grid(axis="y")
    axes.set_xlim(-0.55, len(positions) - 0.45)
    axes.set_ylim(*(ylim or (0, 1.12 * top or 1)))
    legend_below(figure, axes)
    if title:
        axes.set_title(title)
    return figure


@styled
def threshold_curve(thresholds, dice, interval=None, chosen=None, paper=None, relative=True, title=None):
    """Dice against the threshold (paper 001, Table 5).

    Args:
        thresholds, dice: of one length, Dice in percent.
        interval: (low, high) arrays around ``dice``, drawn as a band.
        chosen: the threshold in use, marked.
        paper: threshold -> Dice in percent as printed, drawn beside ours.
        relative: whether thresholds are shares of each slice's maximum (F23).
    """
    figure = new_figure(4.4, 3.2)
    axes = figure.subplots()
    if interval is not None:
        axes.fill_between(thresholds, *interval, color=BLUE, alpha=0.18, linewidth=0, label="95 % interval")
    axes.plot(thresholds, dice, "-o", color=BLUE, markersize=4, label="ours")
    if paper:
        axes.plot(list(paper), list(paper.values()), "--s", color=ORANGE, markersize=4, label="paper")
    if chosen is not None:
        axes.axvline(chosen, color=GREY, linestyle=":", linewidth=1)
        # Above the axes: the curve has its maximum there.
        axes.annotate(f"chosen: {chosen:g}", (chosen, 1), (0, 2), xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="center", va="bottom", fontsize=8, color=GREY)
    if len(thresholds) <= _MOST_TICKS:  # the labels of a finer grid would cover each other
        axes.set_xticks(thresholds, [f"{value:g}" for value in thresholds])
    axes.set_xlabel("threshold (share of each slice's maximum)" if relative else "threshold")
    axes.set_ylabel("Dice (%)")
    axes.grid()
    legend_below(figure, axes)
    if title:
        axes.set_title(title, pad=18)
    return figure


@styled
def slice_sum_box(sums, cuts=None, title=None):
    """Box plot of the pseudo-mask's sum per slice, with the cuts that make the groups (paper 002, Fig. 4).

    Args:
        sums: label -> array of slice sums.
        cuts: name -> value, drawn as lines ("high above", ...).
    """
    figure = new_figure(max(3.2, 1.2 + 0.9 * len(sums)), 3.6)
    axes = figure.subplots()
    axes.boxplot(list(sums.values()), widths=0.5, patch_artist=True, flierprops={
        "marker": "o", "markersize": 2.5, "markerfacecolor": GREY, "markeredgewidth": 0, "alpha": 0.5},
                 medianprops={"color": "black", "linewidth": 1.4}, boxprops={"facecolor": "#C7DDEE", "edgecolor": BLUE},
                 whiskerprops={"color": BLUE}, capprops={"color": BLUE})
    places(axes, [f"{name}\n(n = {len(values)})" for name, values in sums.items()], figure.get_figwidth() - 0.8, 1)
    for index, (name, value) in enumerate((cuts or {}).items()):
        axes.axhline(value, color=SERIES[(index + 4) % len(SERIES)], linestyle="--", linewidth=1,
                     label=f"{name}: {value:.1f}")
    axes.set_ylabel("sum of the pseudo-mask\nover a slice (normalised\nintensity x pixels)")
    axes.grid(axis="y")
    if cuts:
        legend_below(figure, axes)
    if title:
        figure.suptitle(title)
    return figure


@styled
def dice_by_infection(infection_percent, dice, counted=None, title=None):
    """Dice of each slice (or case) against its share of infected lung, with the median of six equal groups.

    Args:
        infection_percent, dice: of one length, Dice in percent; NaNs are left out.
        counted: of the same length, False for what the protocol's mean leaves out (drawn hollow).
    """
    infection_percent, dice = np.asarray(infection_percent, float), np.asarray(dice, float)
    counted = np.ones(len(dice), bool) if counted is None else np.asarray(counted, bool)
    shown = np.isfinite(infection_percent) & np.isfinite(dice) & (infection_percent > 0) & (infection_percent <= 100)
    figure = new_figure(4.6, 3.4)
    axes = figure.subplots()
    left_out, kept = shown & ~counted, shown & counted
    if left_out.any():
        axes.scatter(infection_percent[left_out], dice[left_out], s=12, facecolors="none", edgecolors=GREY,
                     linewidths=0.6, alpha=0.7, label=f"not counted (n = {left_out.sum()})")
    axes.scatter(infection_percent[kept], dice[kept], s=14, color=BLUE, alpha=0.55, linewidths=0,
                 label=f"counted (n = {kept.sum()})")
    order = np.flatnonzero(kept)[np.argsort(infection_percent[kept], kind="stable")]
    if len(order) >= 12:
        groups = np.array_split(order, 6)
        axes.plot([np.median(infection_percent[g]) for g in groups], [np.median(dice[g]) for g in groups], "-D",
                  color=RED, markersize=4, linewidth=1.4, label="median of six equal groups")
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 300 else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("infected share of the lung (%, logarithmic)")
    axes.set_ylabel("Dice (%)")
    axes.set_ylim(-3, 103)
    axes.grid()
    legend_below(figure, axes)
    if title:
        axes.set_title(title)
    return figure


@styled
def bland_altman(true_ml, predicted_ml, names=None, unit="ml", title=None):
    """Difference against mean of two volume measurements, with the bias and its limits of agreement (1.96 s).

    Args:
        true_ml, predicted_ml: volumes in ml, one pair per case.
        names: the cases' names; those outside the limits are written beside their points.
        unit: "ml", or "pixels" for areas of pictures.
    """
    true_ml, predicted_ml = np.asarray(true_ml, float), np.asarray(predicted_ml, float)
    what = "area" if unit == "pixels" else "volume"
    middle, difference = (true_ml + predicted_ml) / 2, predicted_ml - true_ml
    figure = new_figure(4.6, 3.4)
    axes = figure.subplots()
    axes.scatter(middle, difference, s=18, color=BLUE, alpha=0.7, linewidths=0)
    axes.axhline(0, color="black", linewidth=0.7)
    if len(difference) > 1:
        bias, spread = difference.mean(), 1.96 * difference.std(ddof=1)
        limits = ((bias + spread, "--", "upper limit"), (bias, "-", "bias"), (bias - spread, "--", "lower limit"))
        for value, line, _ in (limits[1], limits[2], limits[0]):
            axes.axhline(value, color=RED, linestyle=line, linewidth=1)
        low, high = axes.get_ylim()
        gap = max((high - low) * 0.11, spread)  # of the axes' height: two lines of text are that high
        for (value, _, text), at in zip(limits, (bias + gap, bias, bias - gap)):
            axes.annotate(f"{text}\n{value:+.1f} {unit}", (1, at), (3, 0), xycoords=("axes fraction", "data"),
                          textcoords="offset points", va="center", fontsize=7.5, color=RED, annotation_clip=False)
        axes.set_ylim(low, high)
    axes.set_xlabel(f"mean of predicted and true {what} ({unit})")
    axes.set_ylabel(f"predicted minus true {what} ({unit})")
    axes.grid()
    if title:
        axes.set_title(title)
    if names is not None and len(difference) > 1:
        outside = sorted(np.flatnonzero(np.abs(difference - bias) > spread), key=lambda at: -abs(difference[at] - bias))
        named_points(figure, axes, [(middle[at], difference[at]) for at in outside], [names[at] for at in outside])
    return figure
