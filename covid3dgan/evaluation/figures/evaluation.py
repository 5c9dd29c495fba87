"""The figures of an evaluation: Dice by infection, Bland-Altman of the volumes, worst and best slices."""

__all__ = ["figures_of"]

import math

import numpy as np

from covid3dgan.evaluation.figures import charts, panels, style
from covid3dgan.evaluation.figures.overview import overview
from covid3dgan.evaluation.metrics import METRICS
from covid3dgan.evaluation.pairs import read_pair

_SHOWN = 4  # worst and as many best slices


def figures_of(evaluated):
    """(name -> (Figure, caption), sentences about figures that could not be drawn)."""
    drawn, missing = {}, []
    measure = "dice" if "dice" in evaluated.scores.metrics else "f1"
    label = METRICS[measure].label
    rows = evaluated.slices if evaluated.scores.level != "volume" else evaluated.scores.rows
    if all("infection_percent" in row for row in rows):
        drawn["dice_by_infection"] = charts.dice_by_infection(
            [row["infection_percent"] for row in rows], [100 * row[measure] for row in rows],
            [row["counted"] for row in rows]), f"Dice of each {evaluated.scores.level} by its share of infected lung."
    else:
        missing.append("No figure of Dice by infection: it needs the lung masks (--lungs).")
    if len(evaluated.volumes) > 1:
        drawn["volumes"] = charts.bland_altman(
            [case["true"] for case in evaluated.volumes], [case["predicted"] for case in evaluated.volumes],
            [case["case"] for case in evaluated.volumes], evaluated.volume_unit), \
            f"Bland-Altman: infected {'area' if evaluated.volume_unit == 'pixels' else 'volume'} per case."
    else:
        missing.append("No Bland-Altman figure: it needs two cases or more.")
    ranked = sorted((row for row in evaluated.slices if row["counted"] and row["true_pixels"]
                     and not math.isnan(row[measure])), key=lambda row: row[measure])
    if ranked:
        shown = max(min(len(ranked) // 2, _SHOWN), 1)
        [middle] = _with_pictures(evaluated, ranked[(len(ranked) - 1) // 2:][:1], measure)
        drawn["overview"] = (
            overview((("CT" if evaluated.volume_unit == "ml" else "picture", middle["image"], "hu"),),
                     middle["predicted"], middle["true"], columns=2),
            f"The counted slice of median {label}, {middle['dice']:.1f} %: {' '.join(middle['label'].split())}.")
        for which, part in (("worst", ranked[:shown]), ("best", ranked[::-1][:shown])):
            drawn[f"{which}_slices"] = (
                panels.slice_gallery(_with_pictures(evaluated, part, measure)),
                f"The {which} counted slices by {label}: found, missed and falsely marked pixels. Slices are numbered "
                "from the feet, starting at 0.")
    else:
        missing.append("No figure of the worst and best slices: no slice with infection counts.")
    return drawn, missing


def _with_pictures(evaluated, rows, measure):
    """The rows with their pictures, each file read once."""
    read, result = {}, []
    for row in rows:
        pair = evaluated.pairs[row["case"]]
        if pair.case not in read:
            arrays = read_pair(pair, with_image=True)
            read[pair.case] = arrays, evaluated.predicted_mask(arrays.prediction)
        arrays, predicted = read[pair.case]
        index = row["slice"]
        result.append({"image": _background(arrays, index), "predicted": predicted[index], "dice": 100 * row[measure],
                       "true": arrays.reference[index], "label": f"{style.short(row['case'], 24)}\nslice {index}"})
    return result


def _background(arrays, index):
    """The CT slice in HU where there is one; else the lungs, or nothing, in HU that show as dark greys."""
    if arrays.image is not None:
        picture = arrays.image[index]
        return picture if arrays.spacing is not None else style.hounsfield(picture)
    lungs = np.zeros(arrays.reference[index].shape, bool) if arrays.lungs is None else arrays.lungs[index]
    return np.where(lungs, -700.0, -1000.0)
