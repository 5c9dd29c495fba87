"""Picture panels of CT slices with heat maps and masks; every CT is shown in the same grey window."""

__all__ = ["ablation_panel", "marks_legend", "overlay", "segmentation_panel", "slice_gallery"]

import numpy as np
from matplotlib.patches import Patch

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.style import (
    BLUE,
    GREEN,
    RED,
    bare,
    heading,
    new_figure,
    row_label,
    show_ct,
    styled,
    wrapped,
)

_CELL = 1.35  # inches per picture
_MARKS = (("found", GREEN), ("missed", BLUE), ("false alarm", RED))


@styled
def segmentation_panel(rows, title=None):
    """CT slice, output heat map, thresholded mask, true mask and Dice, a slice per row (paper 001, Fig. 3).

    Args:
        rows: dictionaries with ``image`` (rows, columns) in HU, ``output`` (the network's map), ``predicted`` and
            ``true`` (masks), ``dice`` in percent, and optionally ``label``.
    """
    figure, grid, below = _grid(rows, 4, title, extra=0.9)
    limit = max(float(np.max(row["output"])) for row in rows) or 1.0
    for axes, row in zip(grid, rows):
        ct = show_ct(axes[0], row["image"])
        heat = axes[1].imshow(row["output"], cmap="inferno", vmin=0, vmax=limit, interpolation="nearest")
        for panel, mask in zip(axes[2:], (row["predicted"], row["true"])):
            panel.imshow(mask, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        for panel in axes:
            bare(panel)
        _row_label(axes[0], row)
        axes[3].annotate(f"Dice\n{row['dice']:.1f} %", (1, 0.5), (8, 0), xycoords="axes fraction",
                         textcoords="offset points", va="center", ha="left")
    for panel, text in zip(grid[0], ("CT", "output", "predicted mask", "true mask")):
        panel.set_title(text)
    _bar(figure, ct, "HU", cax=figure.add_subplot(below[0]), orientation="horizontal")
    _bar(figure, heat, "output", cax=figure.add_subplot(below[1]), orientation="horizontal")
    return figure


@styled
def ablation_panel(rows, stages, title=None):
    """CT slice, the mask of each stage of the pipeline with its Dice, and the true mask (paper 001, Fig. 5).

    Args:
        rows: dictionaries with ``image`` in HU, ``true``, ``masks`` (one per stage), ``dice`` (percent, one per
            stage), and optionally ``label``.
        stages: names of the stages, in the order of ``masks``.
    """
    figure, grid, below = _grid(rows, len(stages) + 2, title, extra=0.2)
    for axes, row in zip(grid, rows):
        ct = show_ct(axes[0], row["image"])
        _row_label(axes[0], row)
        for panel, mask, dice in zip(axes[1:-1], row["masks"], row["dice"]):
            overlay(panel, row["image"], mask, row["true"])
            panel.set_xlabel(f"Dice {dice:.1f} %", labelpad=2)
        axes[-1].imshow(row["true"], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        bare(axes[-1])
    for panel, text in zip(grid[0], ("CT", *stages, "true mask")):
        heading(panel, text, _CELL)
    _bar(figure, ct, "HU", cax=figure.add_subplot(below[0]), orientation="horizontal")
    marks_legend(figure)
    return figure


@styled
def slice_gallery(rows, columns=4, title=None):
    """CT slices with found, missed and falsely marked lesions, ``label`` and ``dice`` above each.

    Args:
        rows: dictionaries with ``image`` in HU, ``predicted``, ``true``, ``dice`` in percent and ``label``.
        columns: pictures beside each other.
    """
    if not rows:
        raise InputError("rows", "at least one slice", "none", "give slices")
    columns = min(columns, len(rows))
    lines = -(-len(rows) // columns)
    above = 0.13 * (2 + max(wrapped(row["label"], 23).count("\n") for row in rows))
    figure = new_figure(1.75 * columns + 0.5, (1.75 + above) * lines + (0.7 if title else 0.4))
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes, row in zip(grid.flat, rows):
        ct = overlay(axes, row["image"], row["predicted"], row["true"])
        axes.set_title(f"{wrapped(row['label'], 23)}\nDice {row['dice']:.1f} %", fontweight="normal", fontsize=7.5)
    for axes in grid.flat[len(rows):]:
        axes.set_axis_off()
    _bar(figure, ct, "HU", ax=grid.ravel().tolist(), location="right", shrink=0.7, aspect=25, pad=0.02)
    marks_legend(figure)
    if title:
        figure.suptitle(title, fontweight="bold")
    return figure


def overlay(axes, image_hu, predicted, true):
    """One CT slice with agreement and both kinds of error in colour; returns the drawn CT."""
    ct = show_ct(axes, image_hu)
    predicted, true = np.asarray(predicted, bool), np.asarray(true, bool)
    colours = np.zeros((*true.shape, 4))
    for region, (_, colour) in zip((predicted & true, ~predicted & true, predicted & ~true), _MARKS):
        colours[region] = (*(int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)), 0.62)
    axes.imshow(colours, interpolation="nearest")
    return ct


def _grid(rows, columns, title, extra):
    """A figure with a grid of pictures, and below each column a cell for a colour bar."""
    if not rows:
        raise InputError("rows", "at least one slice", "none", "give slices")
    figure = new_figure(_CELL * columns + extra, (_CELL - 0.08) * len(rows) + 0.95 + (0.25 if title else 0))
    if title:
        figure.suptitle(title, fontweight="bold")
    cells = figure.add_gridspec(len(rows) + 1, columns, height_ratios=[1] * len(rows) + [0.05])
    grid = [[figure.add_subplot(cells[line, column]) for column in range(columns)] for line in range(len(rows))]
    return figure, np.array(grid), [cells[len(rows), column] for column in range(columns)]


def _row_label(axes, row):
    if row.get("label"):
        row_label(axes, row["label"], _CELL - 0.1)


def _bar(figure, drawn, label, **place):
    bar = figure.colorbar(drawn, **place)
    bar.set_label(label, labelpad=1)
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(labelsize=7)
    if label == "HU":
        bar.set_ticks([-1000, -300, 400])


def marks_legend(figure):
    """What the colours of :func:`overlay` mean, below the figure."""
    figure.legend(handles=[Patch(color=colour, label=name) for name, colour in _MARKS], loc="outside lower center",
                  ncols=3)
