"""A contact sheet of one predicted CT: evenly spaced axial slices with the lesions' outlines."""

__all__ = ["contact_sheet"]

import numpy as np

from covid3dgan.data.files.geometry import axial
from covid3dgan.evaluation.figures.style import RED, bare, new_figure, show_ct, styled


@styled
def contact_sheet(ct, prediction, name, count=12, columns=4):
    """Slices in the radiological view (patient's right on the left, front up).

    Args:
        ct: data.volumes.Volume in HU.
        prediction: inference.lesions.Prediction.
        name: the title.
    """
    image, mask, lungs = (ct.like(a).canonical().array for a in (ct.array, prediction.mask, prediction.lungs))
    inside = np.flatnonzero((lungs > 0).any((0, 1)))
    chosen = np.unique(np.linspace(inside[0], inside[-1], count).round().astype(int))[::-1]
    rows = -(-len(chosen) // columns)
    figure = new_figure(1.7 * columns, 1.7 * rows + 0.7)
    grid = figure.subplots(rows, columns, squeeze=False)
    aspect = ct.canonical().spacing[1] / ct.canonical().spacing[0]
    for axes in grid.ravel():
        bare(axes)
    for axes, z in zip(grid.ravel(), chosen):
        drawn = show_ct(axes, axial(image)[z])
        axes.set_aspect(aspect)
        if mask[:, :, z].any():
            axes.contour(axial(mask)[z], [0.5], colors=[RED], linewidths=0.7)
        axes.set_title(f"slice {z + 1}", fontsize=6, pad=2)
    figure.colorbar(drawn, ax=grid, label="HU", orientation="horizontal", shrink=0.5, pad=0.02)
    facts = prediction.facts
    figure.suptitle(f"{name}: {facts['infection_ml']:.0f} ml of lesions, "
                    f"{facts['infection_rate_percent']:.1f} % of the lung", fontsize=8)
    return figure
