"""What the preparation makes of a CT, step by step (Figs. 4 and 5 of paper 000, Fig. 2 of paper 002)."""

__all__ = ["preparation_panel"]

import numpy as np

from covid3dgan.evaluation.figures.style import bare, heading, new_figure, row_label, show_ct, styled


@styled
def preparation_panel(rows, titles=None):
    """Pictures beside each other, a step or a case per row.

    Args:
        rows: dictionaries with ``label`` and ``pictures``: slices in HU, or bool masks; as many in each row.
        titles: of the columns; None: none.
    """
    columns = len(rows[0]["pictures"])
    figure = new_figure(1.5 * columns + 0.6, 1.5 * len(rows) + 0.7)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, row in zip(grid, rows):
        for panel, picture in zip(axes, row["pictures"]):
            if np.asarray(picture).dtype == bool:
                panel.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                bare(panel)
            else:
                ct = show_ct(panel, picture)
        row_label(axes[0], row["label"], 1.4)
    for panel, title in zip(grid[0], titles or ()):
        heading(panel, title, 1.5)
    bar = figure.colorbar(ct, ax=grid, label="HU", orientation="horizontal", shrink=0.5, aspect=30, pad=0.02)
    bar.set_ticks([-1000, -300, 400])
    return figure
