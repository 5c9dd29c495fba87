"""Figures 4 to 12 of paper 000's report."""

__all__ = ["figures", "main_slice"]

import dataclasses

import numpy as np

from covid3dgan.data.datasets.opening import read_case
from covid3dgan.data.preprocess.network_grid import NetworkGrid
from covid3dgan.evaluation import report
from covid3dgan.evaluation.figures.charts import grouped_bars
from covid3dgan.evaluation.figures.panels import segmentation_panel
from covid3dgan.evaluation.figures.preparation import preparation_panel
from covid3dgan.evaluation.figures.pseudo_masks import gan_panel
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.presets.preprocessing import HU_SPAN
from covid3dgan.systems.elmourabit.scores import GAN, METHOD
from covid3dgan.systems.slices_shown import most_infected, through_the_lungs

METRICS = {"dice": "Dice", "sensitivity": "sensitivity", "specificity": "specificity"}
STEPS, SHOWN = 4, 2  # slices in Figs. 4 and 5, and of each data set in Figs. 6 to 11


def figures(found, summaries, case, preset):
    """The report's pictures, in the paper's order.

    Args:
        found: data set -> scores.DataSet.
        summaries: method -> data set -> metric -> summary entry.
        case: data.datasets.cases.Case of the first data set's first case: its CT is shown before the crop.
        preset: the preset that ran.
    """
    yield from _preparation(next(iter(found.values())).cases.cases[0], case, preset)
    for number, (name, data) in enumerate(found.items(), 6):
        rows = list(_rows(data, GAN))
        if rows:
            yield report.Picture(gan_panel(rows), f"Figure {number}: {name}, segmented by the GAN alone. The paper "
                                 "circles what is infected; here the true lesions are outlined.", f"figure{number}")
    for number, (name, data) in enumerate(found.items(), 9):
        rows = list(_rows(data, METHOD))
        if rows:
            yield report.Picture(segmentation_panel(rows), f"Figure {number}: {name}, segmented by GAN + U-Net; the "
                                 "output and the true mask are ours to show.", f"figure{number}")
    bars = {label: {name: (s[metric]["mean"], s[metric]["std"]) for name, s in summaries[METHOD].items()}
            for metric, label in METRICS.items()}
    yield report.Picture(grouped_bars(bars, "mean and standard deviation (%)", ylim=(0, 125)),
                         "Figure 12: results of GAN + U-Net.", "figure12")


def main_slice(found):
    """One slice through the whole pipeline, as first_screen takes it: the first data set's first case with infection,
    where it has most; None where no case has any.

    Args:
        found: data set -> scores.DataSet.
    """
    for name, data in found.items():
        for case, index in most_infected(data.cases.array("infection"), 1):
            true, mask = data.cases.array("infection")[case, index] > 0.5, data.masks[METHOD][case, index]
            steps = (("CT", hounsfield(data.cases.array("base")[case, index]), "hu"),
                     ("lungs as if healthy", hounsfield(data.healthy[case, index]), "hu"),
                     ("difference", data.maps[GAN][case, index] * HU_SPAN, "difference"))
            return f"{name}, case {data.cases.ids[case]}, its most infected slice ({index})", steps, mask, true
    return None


def _preparation(prepared, case, preset):
    """Figures 4 and 5: slices at the preset's spacing in the HU window, and what the networks get."""
    ct = read_case(case).ct
    grid = NetworkGrid(ct, dataclasses.replace(preset.preprocess, resize_before_crop=False))
    spacing = "x".join(f"{side:.3g}" for side in grid.spacing)
    spaced = grid.sample(ct.array)
    spaced = [spaced[index] for index in through_the_lungs(len(spaced), STEPS)]
    yield report.Picture(preparation_panel([{"label": prepared.id, "pictures": spaced}]),
                         f"Figure 4: four slices after reading, spacing ({spacing} mm: slice, row, column) and HU "
                         "normalisation.", "figure4")
    shown = [hounsfield(prepared.lung[index]) for index in through_the_lungs(prepared.shape[0], STEPS)]
    yield report.Picture(preparation_panel([{"label": prepared.id, "pictures": shown}]),
                         f"Figure 5: the same CT after complete preprocessing, {'x'.join(map(str, prepared.shape))} "
                         "(slices, rows, columns), as the networks get it.", "figure5")


def _rows(data, method):
    """The most infected slice of some cases, as segmentation_panel and gan_panel take them."""
    truth, volumes = data.cases.array("infection"), data.cases.array("lung")
    for case, index in most_infected(truth, SHOWN):
        true, mask = truth[case, index] > 0.5, data.masks[method][case, index]
        image, output = volumes[case, index], data.maps[method][case, index]
        overlap = 200.0 * np.count_nonzero(mask & true) / max(1, np.count_nonzero(mask) + np.count_nonzero(true))
        label = f"{data.cases.ids[case].replace('_', chr(10), 1)}\nslice {index}"
        yield {"label": label, "image": hounsfield(image), "true": true, "dice": overlap,
               "healthy": hounsfield(data.healthy[case, index]), "difference": output * HU_SPAN, "mask": mask,
               "output": output, "predicted": mask}
