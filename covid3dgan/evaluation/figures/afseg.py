"""Figures 4, 5 and 6 of paper 003: backgrounds, synthetic images, segmentations."""

__all__ = ["background_figure", "segmentation_figure", "synthesis_figure"]

import numpy as np

from covid3dgan.evaluation.figures.style import bare, heading, new_figure, styled

CELL = 1.7  # inches per picture


def background_figure(originals, holes, backgrounds):
    """Figure 4, with the masked-out region added: one row per image.

    Args:
        originals, backgrounds: (N, H, W) in [0, 1].
        holes: (N, H, W) bool.
    """
    return _rows([originals, holes, backgrounds], ["image", "masked out (DSP)", "clean background"])


def synthesis_figure(originals, weak, generated):
    """Figure 5: original, coarse label, synthetic image.

    Args:
        originals, generated: (N, H, W) in [0, 1].
        weak: (N, H, W) bool.
    """
    return _rows([originals, weak, generated], ["image", "coarse label", "synthetic image"])


def segmentation_figure(originals, columns, dice):
    """Figure 6: original, one column of masks per method, the truth last.

    Args:
        originals: (N, H, W) in [0, 1].
        columns: name -> (N, H, W) bool, in the order of the columns.
        dice: name -> N numbers, printed under the masks; a name without them gets no numbers.
    """
    figure_rows = [originals, *columns.values()]
    labels = [None] + [dice.get(name) for name in columns]
    return _rows(figure_rows, ["image", *columns], labels)


@styled
def _rows(stacks, titles, numbers=None):
    count = len(stacks[0])
    figure = new_figure(CELL * len(stacks), (CELL + 0.1) * count + 0.3)
    grid = figure.subplots(count, len(stacks), squeeze=False)
    for row in range(count):
        for column, stack in enumerate(stacks):
            axes = grid[row, column]
            axes.imshow(np.clip(np.asarray(stack[row], np.float32), 0, 1), cmap="gray", vmin=0, vmax=1,
                        interpolation="nearest")
            bare(axes)
            if row == 0:
                heading(axes, titles[column], CELL)
            if numbers and numbers[column] is not None:
                axes.set_xlabel(f"Dice {numbers[column][row]:.3f}", labelpad=2)
    return figure
