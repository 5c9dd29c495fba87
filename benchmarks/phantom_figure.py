"""The figure of the phantoms: slices, HU histograms, infection rates and the best threshold, cohort by cohort.

    python -m benchmarks.phantom_figure docs/phantoms.png
"""

__all__ = ["draw", "main"]

import argparse
import itertools
import sys

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.phantom_statistics import BIN_EDGES, hu_statistics
from covid3dgan import files, progress
from covid3dgan.data.phantoms import chest_ct

COLOURS = {"lung": "#4477aa", "vessel": "#ee6677", "lesion": "#228833"}
WINDOW = (-1000, 300)


def draw(cohorts, cases=20, seed=0, size=chest_ct.SIZE):
    """A matplotlib Figure with one row per cohort.

    Args:
        cohorts: names in ``phantom.COHORTS``.
        cases, seed, size: as in ``phantom.generate``.
    """
    figure = Figure(figsize=(14, 2.75 * len(cohorts)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(cohorts), 5, squeeze=False, width_ratios=(1, 1, 1, 1.7, 1.3))
    for row, cohort in zip(axes, cohorts):
        numbers = progress.bar(range(cases), description=cohort, unit="case")
        generated = (chest_ct.generate(cohort, number, seed, size) for number in numbers)
        first = list(itertools.islice(generated, 3))
        statistics = hu_statistics(itertools.chain(first, generated))
        for axis, case in zip(row, first):
            _slice(axis, case)
        row[0].set_title(f"{cohort}, cases 0 to {len(first) - 1}", loc="left", fontsize=9)
        _histograms(row[3], statistics)
        _rates(row[4], cohort, statistics)
    figure.suptitle(f"Phantoms, not patients: {cases} cases per cohort, {' x '.join(map(str, size))} voxels, "
                    f"seed {seed}; lesions outlined", fontsize=10)
    return figure


def _slice(axis, case):
    """The slice with most lesion (or most lung), as radiologists look at it: from the feet, front up."""
    ct, mask, lungs = (v.canonical().array[::-1, ::-1] for v in (case.ct, case.infection, case.lungs))
    level = int(np.argmax((mask if mask.any() else lungs).sum(axis=(0, 1))))
    axis.imshow(ct[:, :, level].T, cmap="gray", vmin=WINDOW[0], vmax=WINDOW[1], interpolation="bilinear")
    if mask[:, :, level].any():
        axis.contour(mask[:, :, level].T, [0.5], colors="red", linewidths=0.6)
    axis.set_axis_off()


def _histograms(axis, statistics):
    middles = 0.5 * (BIN_EDGES[1:] + BIN_EDGES[:-1])
    for tissue, colour in COLOURS.items():
        if statistics.histograms[tissue].any():
            axis.plot(middles, statistics.density(tissue), color=colour, label=tissue)
    axis.set_xlim(-1024, 300)
    axis.set_yticks([])
    axis.set_xlabel("HU inside the true lung")
    axis.legend(fontsize=8, frameon=False)
    if statistics.threshold_dice > 0:
        axis.axvline(statistics.threshold, color="black", linewidth=0.8, linestyle=":")
        axis.set_title(f"best threshold {statistics.threshold:.0f} HU: Dice {statistics.threshold_dice:.2f}",
                       fontsize=9)


def _rates(axis, cohort, statistics):
    mean, paper = statistics.infection_rates.mean(), chest_ct.COHORTS[cohort].infection_rate
    if paper is None:
        axis.set_title("no lesions", fontsize=9)
        axis.set_axis_off()
        return
    axis.set_title(f"infection rate {mean:.2f} % (paper: {paper:.2f} %)", fontsize=9)
    axis.plot(np.sort(statistics.infection_rates), "o", markersize=3, color=COLOURS["lesion"])
    axis.set_xlabel("cases, sorted")
    axis.set_ylabel("% of the lung")


def main(argv=None):
    """Draws the figure into the file that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.phantom_figure", description=main.__doc__)
    parser.add_argument("out", help="the .png to write")
    parser.add_argument("--cases", type=int, default=20, help="how many cases per cohort")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    figure = draw(list(chest_ct.COHORTS), args.cases, args.seed)
    with files.atomic_path(args.out) as temporary:
        figure.savefig(temporary, dpi=100, metadata={"Software": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
