"""A contact sheet of prepared cases: are these lungs, the right way up, and do the masks lie on them?"""

__all__ = ["contact_sheet"]

import numpy as np

from covid3dgan.evaluation.figures.style import BLUE, RED, bare, hounsfield, new_figure, row_label, show_ct, styled


@styled
def contact_sheet(cases, columns=6):
    """A row per case, evenly spaced slices, lungs outlined in blue and infection in red.

    Args:
        cases: data.preprocess.prepared_case.PreparedCase of each.
    """
    figure = new_figure(1.4 * columns, 1.45 * len(cases) + 0.7)
    grid = figure.subplots(len(cases), columns, squeeze=False)
    for axes, case in zip(grid, cases):
        for panel, s in zip(axes, np.linspace(0, case.shape[0] - 1, columns + 2).round().astype(int)[1:-1]):
            drawn = show_ct(panel, hounsfield(case.base[s]))
            bare(panel)
            for mask, colour in ((case.lung_mask, BLUE), (case.infection, RED)):
                if mask is not None and (mask[s] > 0.5).any():
                    panel.contour(mask[s] > 0.5, [0.5], colors=[colour], linewidths=0.6)
            panel.set_title(f"slice {s}", fontsize=6, pad=2)
        row_label(axes[0], case.id, 1.3)
    figure.colorbar(drawn, ax=grid, label="HU", orientation="horizontal", shrink=0.4, pad=0.02)
    return figure
