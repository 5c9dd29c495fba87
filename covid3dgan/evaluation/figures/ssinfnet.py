"""Paper 004's figures: ROC curves (6), infection maps (5), classes (7), and what inpainting painted."""

__all__ = ["class_figure", "infection_figure", "painting_figure", "prediction_figure", "roc_curve", "roc_figure"]

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from covid3dgan.evaluation import metrics
from covid3dgan.evaluation.figures.style import (
    GREY,
    SERIES,
    bare,
    heading,
    hounsfield,
    legend_below,
    new_figure,
    show_ct,
    styled,
    wrapped,
)

_CELL = 1.3  # inches per picture
# The paper's red and green, as tones that the colour-blind tell apart.
CLASS_COLOURS = {"GGO": "#D55E00", "consolidation": "#56B4E9"}


def roc_curve(scores, labels):
    """(false positive rate, true positive rate) at every distinct score, from (0, 0) to (1, 1).

    Args:
        scores: any shape.
        labels: of the same shape, above 0.5 is positive.
    """
    scores, labels = np.ravel(scores), np.ravel(labels) > 0.5
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    true = np.cumsum(labels[order])[last]
    false = last + 1 - true
    return np.r_[0, false / max(1, false[-1])], np.r_[0, true / max(1, true[-1])]


@styled
def roc_figure(probabilities, labels, title=None):
    """ROC over all test pixels (Figure 6).

    Args:
        probabilities: method -> (N, S, S).
        labels: (N, S, S), above 0 is infection.
    """
    figure = new_figure(4.2, 3.8)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for index, (method, scores) in enumerate(probabilities.items()):
        area = metrics.area_under_roc(scores, labels > 0)
        axes.plot(*roc_curve(scores, labels > 0), color=SERIES[index % len(SERIES)], label=f"{method} (AUC {area:.4f})")
    axes.set_xlabel("false positive rate (1 - specificity)")
    axes.set_ylabel("true positive rate (recall)")
    axes.set_aspect("equal")
    axes.grid()
    legend_below(figure, axes)
    if title:
        axes.set_title(title)
    return figure


@styled
def infection_figure(images, truth, probabilities):
    """CT, truth and each method's infection map, a slice per row (Figure 5).

    Args:
        images: (n, S, S) in [0, 1].
        truth: (n, S, S) of 0 and 1.
        probabilities: method -> (n, S, S).
    """
    columns = {"truth": truth, **probabilities}
    figure, grid = _grid(images, columns)
    for row, axes in enumerate(grid):
        for panel, values in zip(axes[1:], columns.values()):
            drawn = panel.imshow(values[row], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(drawn, ax=grid, shrink=0.5, label="probability of infection")
    return figure


@styled
def class_figure(images, truth, predicted):
    """CT with the classes drawn over it: truth and each method, a slice per row (Figure 7).

    Args:
        images: (n, S, S) in [0, 1].
        truth: (n, S, S) labels.
        predicted: method -> (n, S, S) labels.
    """
    columns = {"truth": truth, **predicted}
    figure, grid = _grid(images, columns)
    for row, axes in enumerate(grid):
        for panel, labels in zip(axes[1:], columns.values()):
            show_ct(panel, hounsfield(images[row]))
            _draw_classes(panel, labels[row], list(CLASS_COLOURS.values()))
    figure.legend(handles=[Patch(color=colour, label=name) for name, colour in CLASS_COLOURS.items()],
                  loc="outside lower center", ncols=2)
    return figure


@styled
def prediction_figure(images_hu, labels, kinds, name, most=6):
    """The slices with most infection, each beside what was found in it.

    Args:
        images_hu: (Z, R, C) in HU, anterior up.
        labels: (Z, R, C): 0, then 1, 2 ... for ``kinds``.
        name: the title.
        most: slices at most; more than one of them only where something was found.
    """
    sizes = (labels > 0).sum((1, 2))
    chosen = np.sort(np.argsort(-sizes, kind="stable")[:min(most, max(1, np.count_nonzero(sizes)))])
    pairs = min(2, len(chosen))
    rows = -(-len(chosen) // pairs)
    figure = new_figure(2 * pairs * _CELL, rows * _CELL + 0.9)
    grid = figure.subplots(rows, 2 * pairs, squeeze=False)
    for panel in grid.ravel():
        bare(panel)
    colours = list(CLASS_COLOURS.values())[:len(kinds)]
    for index, z in enumerate(chosen):
        row, pair = divmod(index, pairs)
        plain, coloured = grid[row, 2 * pair:2 * pair + 2]
        plain.set_title(f"slice {z + 1}" if len(images_hu) > 1 else "image")
        coloured.set_title("found")
        show_ct(plain, images_hu[z])
        show_ct(coloured, images_hu[z])
        _draw_classes(coloured, labels[z], colours)
    figure.legend(handles=[Patch(color=colour, label=kind) for kind, colour in zip(kinds, colours)],
                  loc="outside lower center", ncols=len(kinds))
    figure.suptitle(wrapped(name, int(2 * pairs * _CELL * 10)))
    return figure


def _draw_classes(panel, labels, colours):
    panel.imshow(np.ma.masked_equal(labels, 0), cmap=ListedColormap(colours), vmin=0.5, vmax=len(colours) + 0.5,
                 alpha=0.75, interpolation="nearest")


@styled
def painting_figure(images, masks, paintings):
    """Image, what the coach left of it, and what the network painted, a slice per row.

    Args:
        images, paintings: (n, S, S) in [0, 1].
        masks: (n, S, S), 1 kept and 0 erased.
    """
    figure = new_figure(3 * _CELL, len(images) * _CELL + 0.4)
    grid = figure.subplots(len(images), 3, squeeze=False)
    for axes, image, mask, painting in zip(grid, images, masks, paintings):
        for panel, values in zip(axes, (image, np.where(mask > 0.5, image, np.nan), painting)):
            panel.set_facecolor("#B3CDE3")  # erased: a colour that no CT has
            show_ct(panel, hounsfield(values))
    for panel, text in zip(grid[0], ("CT", "erased", "painted")):
        panel.set_title(text)
    return figure


def _grid(images, columns):
    figure = new_figure((1 + len(columns)) * _CELL + 0.5, len(images) * _CELL + 0.6)
    grid = figure.subplots(len(images), 1 + len(columns), squeeze=False)
    for axes, image in zip(grid, images):
        show_ct(axes[0], hounsfield(image))
        for panel in axes:
            bare(panel)
    for panel, text in zip(grid[0], ("CT", *columns)):
        heading(panel, text, _CELL)
    return figure, grid
