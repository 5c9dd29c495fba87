"""One look for every figure: fonts and sizes for print, colours that the colour-blind tell apart, one grey window."""

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "RED", "SERIES", "hounsfield", "new_figure",
           "png", "save", "show_ct", "styled"]

import functools
import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from covid3dgan.files import atomic_path
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

# Okabe and Ito's palette.
BLUE, GREEN, RED, ORANGE, PURPLE, GREY = "#0072B2", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#6B6B6B"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, "#56B4E9")

_RC = {
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "legend.fontsize": 8, "figure.titlesize": 10, "font.family": "DejaVu Sans", "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 0.8, "axes.titleweight": "bold", "legend.frameon": False,
    "axes.grid": False, "grid.color": "#D9D9D9", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "errorbar.capsize": 3, "figure.facecolor": "white", "savefig.facecolor": "white",
}


def styled(draw):
    """Decorator: ``draw`` runs under the house style, whatever the caller's matplotlib settings are."""
    @functools.wraps(draw)
    def wrapper(*args, **named):
        with matplotlib.rc_context(_RC):
            return draw(*args, **named)
    return wrapper


def new_figure(width, height):
    """An empty figure of ``width`` x ``height`` inches that lays itself out and needs no display."""
    return Figure(figsize=(width, height), layout="constrained")


def hounsfield(normalised):
    """HU of an image that was scaled so that 0 is -1000 HU and 1 is 400 HU."""
    return np.asarray(normalised, np.float32) * HU_SPAN + HU_RANGE[0]


def show_ct(axes, image_hu):
    """Draws one slice in HU in the grey window that all CT panels share; returns the drawn image."""
    drawn = axes.imshow(image_hu, cmap="gray", vmin=HU_RANGE[0], vmax=HU_RANGE[1], interpolation="nearest")
    bare(axes)
    return drawn


def bare(axes):
    """Takes ticks and frame off an image panel."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def png(figure, dpi=200):
    """The figure as PNG bytes; equal figures give equal bytes (no date, no version inside)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def save(figure, path, dpi=200):
    """Writes the figure as PNG, whole or not at all; returns the path."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(png(figure, dpi))
    return path
