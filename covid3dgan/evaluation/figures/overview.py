"""One picture of what a system does: a slice, what was made of it step by step, the mask, and the truth."""

__all__ = ["overview"]

import numpy as np

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures.panels import marks_legend, overlay
from covid3dgan.evaluation.figures.style import bare, new_figure, show_ct, styled, wrapped

_CELL = 1.9  # inches per picture
_TITLE = 24  # letters in a line above a picture


@styled
def overview(steps, predicted, true, columns=3):
    """The steps, then predicted and true mask, and both over the first step.

    Args:
        steps: (heading, picture, kind) of each, pictures (rows, columns); the first is the slice. Kinds: "hu" (in HU),
            "difference" (in HU, blue below and red above 0), "score" (from 0 up) and "mask".
        predicted, true: masks.
        columns: pictures beside each other.

    Returns:
        The Figure; of its colours the report's caption speaks.
    """
    if not steps or steps[0][2] != "hu":
        raise InputError("steps", "a slice in HU as the first step", "none", "give it")
    shown = [*steps, ("mask", predicted, "mask"), ("true mask", true, "mask"), ("agreement", None, "agreement")]
    rows = -(-len(shown) // columns)
    figure = new_figure(_CELL * columns, (_CELL + 0.28) * rows + 0.25)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (heading, picture, kind) in zip(grid, shown):
        _draw(axes, picture, kind, steps[0][1], predicted, true)
        axes.set_title(wrapped(heading, _TITLE, 2))
        bare(axes)
    for axes in grid[len(shown):]:
        axes.set_axis_off()
    marks_legend(figure)
    return figure


def _draw(axes, picture, kind, image, predicted, true):
    if kind == "agreement":
        overlay(axes, image, predicted, true)
    elif kind == "hu":
        show_ct(axes, picture)
    elif kind == "difference":
        limit = float(np.abs(picture).max()) or 1.0
        axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    elif kind == "score":
        axes.imshow(picture, cmap="inferno", vmin=0, vmax=float(np.max(picture)) or 1.0, interpolation="nearest")
    else:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
