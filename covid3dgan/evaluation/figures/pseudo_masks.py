"""CT, pseudo-healthy CT and their difference side by side."""

__all__ = ["draw", "gan_panel"]

import numpy as np

from covid3dgan.evaluation.figures.style import RED, bare, hounsfield, new_figure, row_label, show_ct, styled
from covid3dgan.presets.preprocessing import HU_SPAN


@styled
def draw(lungs, masks, names):
    """One row per case: the slice with the largest pseudo-mask.

    Args:
        lungs: (N, D, H, W) prepared lung images in [0, 1].
        masks: inference.pseudo_masks.PseudoMasks of at least these cases.
        names: the cases' ids.
    """
    figure = new_figure(7.0, 1.7 * len(names) + 0.6)
    grid = figure.subplots(len(names), 4, squeeze=False)
    limit = max(float(np.abs(masks.difference[:len(names)]).max()) * HU_SPAN, 1.0)
    for i, (axes, name) in enumerate(zip(grid, names)):
        s = int(np.argmax(masks.sums[i]))
        ct = show_ct(axes[0], hounsfield(lungs[i, s]))
        show_ct(axes[1], hounsfield(masks.healthy[i, s]))
        change = axes[2].imshow(masks.difference[i, s] * HU_SPAN, cmap="RdBu_r", vmin=-limit, vmax=limit)
        spread = axes[3].imshow(masks.spread[i, s] * HU_SPAN, cmap="viridis", vmin=0, vmax=max(limit / 10, 1.0))
        for panel in axes:
            bare(panel)
        row_label(axes[0], f"{name}\nslice {s}", 1.4)
    for panel, text in zip(grid[0], ("CT (lungs)", "pseudo-healthy", "difference", "spread over z")):
        panel.set_title(text)
    figure.colorbar(ct, ax=grid[:, :2], label="HU", shrink=0.8, orientation="horizontal", pad=0.03)
    figure.colorbar(change, ax=grid[:, 2], label="HU", shrink=0.9, orientation="horizontal", pad=0.03)
    figure.colorbar(spread, ax=grid[:, 3], label="HU", shrink=0.9, orientation="horizontal", pad=0.03)
    return figure


@styled
def gan_panel(rows, truth="true lesion"):
    """CT, what the generator makes of it, their difference and, where there is one, the mask at a threshold: a slice
    per row, true lesions outlined in red (Figs. 6 to 8 of paper 000, Fig. 3 of paper 002).

    Args:
        rows: dictionaries with ``label``, ``image``, ``healthy`` and ``difference`` (rows, columns) in HU, ``true``
            (a mask) and, in all or none, ``mask`` with its ``dice`` in percent.
        truth: what the outline is, for the caption below.
    """
    masks = "mask" in rows[0]
    titles = ("CT", "generated healthy", "difference", *(["mask at the threshold"] if masks else []))
    figure = new_figure(1.75 * len(titles) + 0.4, 1.75 * len(rows) + 0.9)
    grid = figure.subplots(len(rows), len(titles), squeeze=False)
    limit = max(float(np.abs(row["difference"]).max()) for row in rows) or 1.0
    for axes, row in zip(grid, rows):
        ct = show_ct(axes[0], row["image"])
        show_ct(axes[1], row["healthy"])
        change = axes[2].imshow(row["difference"], cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        if masks:
            axes[3].imshow(row["mask"], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes[3].set_xlabel(f"Dice {row['dice']:.1f} %", labelpad=2)
        for panel in axes:
            bare(panel)
        for panel in (axes[0], *axes[2:]):
            if row["true"].any():
                panel.contour(row["true"], [0.5], colors=[RED], linewidths=0.8)
        row_label(axes[0], row["label"], 1.5)
    for panel, title in zip(grid[0], titles):
        panel.set_title(title)
    bar = figure.colorbar(ct, ax=grid[:, :2], label="HU", shrink=0.7, orientation="horizontal", pad=0.02)
    bar.set_ticks([-1000, -300, 400])
    figure.colorbar(change, ax=grid[:, 2:], label=f"CT - generated (HU)\nred outline: {truth}", shrink=0.7,
                    orientation="horizontal", pad=0.02)
    return figure
