"""CT, pseudo-healthy CT and their difference side by side."""

__all__ = ["draw"]

import numpy as np

from covid3dgan.evaluation.figures.style import bare, hounsfield, new_figure, show_ct, styled
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
        axes[0].set_ylabel(f"{name}\nslice {s}", fontsize=6)
    for panel, text in zip(grid[0], ("CT (lungs)", "pseudo-healthy", "difference", "spread over z")):
        panel.set_title(text)
    figure.colorbar(ct, ax=grid[:, :2], label="HU", shrink=0.8, orientation="horizontal", pad=0.03)
    figure.colorbar(change, ax=grid[:, 2], label="HU", shrink=0.9, orientation="horizontal", pad=0.03)
    figure.colorbar(spread, ax=grid[:, 3], label="HU", shrink=0.9, orientation="horizontal", pad=0.03)
    return figure
