"""Contact sheets of predicted CTs: axial slices with the outlines of lungs and lesions."""

__all__ = ["contact_sheet", "sheet_of_slices"]

import numpy as np

from covid3dgan.data.files.geometry import axial
from covid3dgan.evaluation.figures.style import BLUE, RED, bare, new_figure, show_ct, styled, wrapped


def contact_sheet(ct, prediction, name, count=12, columns=4):
    """Evenly spaced slices of one CT, from the head down.

    Args:
        ct: data.volumes.Volume in HU.
        prediction: inference.lesions.Prediction.
        name: the title.
    """
    canonical = ct.canonical()
    mask, lungs = (ct.like(a).canonical().array for a in (prediction.mask, prediction.lungs))
    inside = np.flatnonzero((lungs > 0).any((0, 1)))
    chosen = np.unique(np.linspace(inside[0], inside[-1], count).round().astype(int))[::-1]
    facts = prediction.facts
    return sheet_of_slices(
        [(f"slice {z + 1}", *(axial(array)[z] for array in (canonical.array, mask, lungs))) for z in chosen],
        f"{name}: {facts['infection_ml']:.0f} ml of lesions, {facts['infection_rate_percent']:.1f} % of the lung",
        columns, canonical.spacing[1] / canonical.spacing[0])


@styled
def sheet_of_slices(slices, title, columns=4, aspect=1.0):
    """Slices side by side in the radiological view (patient's right on the left, front up).

    Args:
        slices: (title, HU, lesions, lungs) of each; rows from the front, columns from the patient's right.
        aspect: a row's height over a column's width.
    """
    rows = -(-len(slices) // columns)
    figure = new_figure(1.7 * columns, 1.7 * rows + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        bare(axes)
    for axes, (name, image, mask, lungs) in zip(grid.ravel(), slices):
        drawn = show_ct(axes, image)
        axes.set_aspect(aspect)
        for array, colour, width in ((lungs, BLUE, 0.4), (mask, RED, 0.7)):
            if array.any():
                axes.contour(array, [0.5], colors=[colour], linewidths=width)
        axes.set_title(wrapped(name, 28, 2), fontsize=6, pad=2)
    figure.colorbar(drawn, ax=grid, label="HU", orientation="horizontal", shrink=0.5, pad=0.02)
    figure.suptitle(wrapped(title, int(1.7 * columns * 12), 6), fontsize=8)
    return figure
