"""One look for every figure: fonts and sizes for print, colours that the colour-blind tell apart, one grey window."""

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "RED", "SERIES", "described", "hounsfield", "new_figure",
           "heading", "legend_below", "named_points", "places", "png", "row_label", "save", "short", "show_ct",
           "styled", "wrapped"]

import functools
import io
import textwrap

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from covid3dgan.files import atomic_path
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

# Okabe and Ito's palette.
BLUE, GREEN, RED, ORANGE, PURPLE, GREY = "#0072B2", "#009E73", "#D55E00", "#E69F00", "#CC79A7", "#6B6B6B"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, "#56B4E9")

_TITLE_LETTERS, _LETTERS = 11, 13  # that take an inch: bold at 9 points, plain at 8

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


def described(figure, most=24):
    """What a figure shows, in words, for those who do not see it: its panels' headings, axes, series and labels.

    Args:
        most: so many words of text inside the panels (numbers at bars, Dice under pictures) are named at most.
    """
    parts, inside = [], []
    if figure._suptitle is not None:
        parts.append(" ".join(figure._suptitle.get_text().split()))
    pictures = [axes for axes in figure.axes if axes.images and axes.get_label() != "<colorbar>"]
    if pictures:
        headings = _texts(axes.get_title() for axes in pictures)
        rows = _texts(axes.get_ylabel() for axes in pictures)
        parts.append(f"Pictures: {', '.join(headings)}" if headings else "Pictures")
        parts += [f"rows: {'; '.join(rows)}"] if rows else []
        inside += _texts(axes.get_xlabel() for axes in pictures)
    for axes in figure.axes:
        if axes in pictures or axes.get_label() == "<colorbar>" or not (axes.lines or axes.collections or axes.patches):
            continue
        heading = f"Chart{f' {axes.get_title()}' if axes.get_title() else ''}: {axes.get_ylabel()}"
        across = axes.get_xlabel() or ", ".join(_texts(tick.get_text() for tick in axes.get_xticklabels()))
        series = _texts(axes.get_legend_handles_labels()[1])
        parts.append(" ".join(heading.split()) + (f" over {' '.join(across.split())}" if across else "")
                     + (f"; {', '.join(series)}" if series else ""))
        inside += _texts(text.get_text() for text in axes.texts)
    if inside:
        parts.append(f"labels: {', '.join(inside[:most])}{' ...' if len(inside) > most else ''}")
    return ". ".join(part[:1].upper() + part[1:] for part in parts if part) + "."


def _texts(texts):
    """The texts that are not empty, each once, on one line."""
    return list(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))


def wrapped(text, letters, lines=3):
    """A label broken into ``lines`` of at most so many letters, its own line breaks kept; what is longer loses the
    middle of its longest line."""
    parts = [" ".join(part.split()) for part in str(text).split("\n")]

    def broken():
        return [line for part in parts for line in textwrap.wrap(part, letters) or [""]]

    while len(broken()) > lines and max(map(len, parts)) > letters:
        longest = max(range(len(parts)), key=lambda at: len(parts[at]))
        parts[longest] = short(parts[longest], max(letters, len(parts[longest]) - 4))
    return "\n".join(broken()[:lines])


def heading(panel, text, inches, lines=3):
    """A panel's title, broken to its width."""
    panel.set_title(wrapped(text, int(inches * _TITLE_LETTERS), lines))


def row_label(panel, text, inches, lines=3):
    """What stands left of a row of pictures, upright, broken to the row's height."""
    panel.set_ylabel(wrapped(text, int(inches * _LETTERS), lines), fontsize=8)


def places(axes, names, inches, first=0):
    """Names at 0, 1, ... (from ``first``) of an x axis so many inches wide: broken, or upright where many are long."""
    letters = int(inches / max(len(names), 1) * _LETTERS) - 1
    upright = letters < 9 and max(map(len, names)) > letters
    shown = [short(name.replace("\n", " "), 30) if upright else wrapped(name, max(letters, 4)) for name in names]
    axes.set_xticks(range(first, first + len(names)), shown, rotation=90 if upright else 0)


def named_points(figure, axes, points, names, size=7):
    """Writes names beside points; one that would cover another one, or leave the axes, is left out.

    Args:
        points: (x, y) of each in data units.
    """
    figure.draw_without_rendering()
    renderer, taken = figure._get_renderer(), []
    inside = axes.get_window_extent(renderer)
    for point, name in zip(points, names):
        for offset, side in (((4, 3), "left"), ((-4, 3), "right"), ((4, -9), "left"), ((-4, -9), "right")):
            text = axes.annotate(short(str(name), 28), point, offset, textcoords="offset points", fontsize=size,
                                 ha=side)
            text.set_in_layout(False)
            box = text.get_window_extent(renderer)
            if not any(box.overlaps(other) for other in taken) and inside.x0 <= box.x0 and box.x1 <= inside.x1 and (
                    inside.y0 <= box.y0 and box.y1 <= inside.y1):
                taken.append(box)
                break
            text.remove()


def short(text, letters):
    """A name without its middle where it is longer than so many letters."""
    if len(text) <= letters:
        return text
    kept = max(letters - 1, 2)
    return f"{text[:kept - kept // 2]}\u2026{text[len(text) - kept // 2:]}"


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


def legend_below(figure, axes):
    """A legend under the axes with as many columns as the figure's width takes, in rows of like length."""
    handles, labels = axes.get_legend_handles_labels()
    # At 8 points about 14 letters take an inch; an entry's patch and gaps take as much as 7.
    room = figure.get_figwidth() * 14
    labels = [short(label, int(room) - 8) for label in labels]
    lengths = [len(label) + 7 for label in labels]
    for rows in range(1, len(labels) + 1):
        columns = -(-len(labels) // rows)
        if sum(max(column) for column in np.array_split(lengths, columns)) <= room:
            break
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
