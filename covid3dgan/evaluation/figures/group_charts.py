"""Groups of images, COVID-19, healthy and synthesised healthy, beside one another (paper 001, Fig. 2)."""

__all__ = ["group_distances", "pca_scatter"]

import numpy as np

from covid3dgan.evaluation import image_groups
from covid3dgan.evaluation.figures.style import (
    BLUE,
    GREEN,
    RED,
    SERIES,
    heading,
    legend_below,
    new_figure,
    places,
    styled,
)

# The colours of paper 001's Fig. 2, as colour-blind safe tones, with a marker each for print without colour.
_GROUP_LOOK = {"COVID-19": (RED, "o"), "healthy": (GREEN, "s"), "synthesised healthy": (BLUE, "^")}


@styled
def pca_scatter(sets, title=None):
    """Images of each group on their first two principal components, a panel per data set (paper 001, Fig. 2a).

    Args:
        sets: data set -> {group: array (images, ...)}; "COVID-19", "healthy" and "synthesised healthy" get the paper's
            colours.
    """
    figure = new_figure(0.6 + 2.7 * len(sets), 3.4)
    panels = figure.subplots(1, len(sets), squeeze=False)[0]
    for axes, (data_set, groups) in zip(panels, sets.items()):
        points, share = image_groups.principal_components(groups)
        for index, (name, xy) in enumerate(points.items()):
            colour, marker = _GROUP_LOOK.get(name, (SERIES[index % len(SERIES)], "oDvP*X"[index % 6]))
            axes.scatter(xy[:, 0], xy[:, 1], s=22, c=colour, marker=marker, alpha=0.75, linewidths=0.4,
                         edgecolors="white", label=name)
        axes.set_xlabel(f"1st component ({100 * share[0]:.0f} % of variance)")
        axes.set_ylabel(f"2nd component ({100 * share[1]:.0f} %)", labelpad=1)
        heading(axes, f"{data_set} (n = {', '.join(str(len(xy)) for xy in points.values())})", 2.4)
    legend_below(figure, panels[0])
    if title:
        figure.suptitle(title)
    return figure


@styled
def group_distances(distances, title=None):
    """Mean distance between groups of images per data set, with bootstrap deviations (paper 001, Fig. 2b).

    Args:
        distances: data set -> what ``image_groups.bootstrapped_distances`` returned for it.
    """
    pairs = list(next(iter(distances.values())))
    figure = new_figure(max(3.6, 1.4 + 1.1 * len(distances)), 3.2)
    axes = figure.subplots()
    for index, pair in enumerate(pairs):
        x = np.arange(len(distances)) + (index - (len(pairs) - 1) / 2) * 0.18
        mean, deviation = np.array([found[pair] for found in distances.values()]).T
        axes.errorbar(x, mean, deviation, fmt="os^Dv"[index % 5], color=SERIES[index % len(SERIES)], markersize=6,
                      elinewidth=1.2, label=" to ".join(pair))
    places(axes, list(distances), figure.get_figwidth() - 0.8)
    axes.set_xlim(-0.5, len(distances) - 0.5)
    axes.set_ylabel("mean Euclidean distance\n(normalised intensity)")
    axes.grid(axis="y")
    legend_below(figure, axes)
    if title:
        axes.set_title(title)
    return figure
