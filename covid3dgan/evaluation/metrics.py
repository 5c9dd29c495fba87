"""Overlap, surface and volume measures of two binary masks, each defined on empty masks too.

What an empty mask gives (``-`` is NaN: the ratio has no denominator and the value is left out of every mean):

=============================  ====  ===  ===========  =========  ===========  ========
reference / prediction         Dice  IoU  sensitivity  precision  specificity  HD95
=============================  ====  ===  ===========  =========  ===========  ========
both empty                     1     1    -            -          1            0
only the reference is empty    0     0    -            0          < 1          diagonal
only the prediction is empty   0     0    0            -          1            diagonal
=============================  ====  ===  ===========  =========  ===========  ========

A lesion that is missed altogether costs the diagonal of the image, the largest distance there can be: left out of
the mean, it would make a worse method look better.
"""

__all__ = ["Counts", "METRICS", "Metric", "area_under_roc", "continuous_dice", "counts", "hd95", "sizes", "volume_ml"]

import dataclasses
import math
from typing import Optional

import numpy as np
from scipy import ndimage, stats
from scipy.spatial import cKDTree

from covid3dgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a metric is printed: its name, its unit (None: a ratio), and whether more of it is better."""

    label: str
    unit: Optional[str] = None
    higher_is_better: bool = True


METRICS = {
    "dice": Metric("Dice"),
    "continuous_dice": Metric("Continuous Dice"),
    "iou": Metric("IoU"),
    "sensitivity": Metric("Sensitivity"),
    "specificity": Metric("Specificity"),
    "lung_specificity": Metric("Specificity in the lungs"),
    "precision": Metric("Precision"),
    "accuracy": Metric("Accuracy"),
    "f1": Metric("F1"),
    "recall": Metric("Recall"),
    "auc": Metric("AUC"),
    "hd95_mm": Metric("HD95", "mm", False),
    "volume_error_ml": Metric("Volume error", "ml", False),
}


@dataclasses.dataclass(frozen=True)
class Counts:
    """True and false positives and negatives of one pair of masks."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def empty(self):
        """'both', 'reference' or 'prediction' where that mask holds nothing, else ''."""
        no_reference, no_prediction = self.tp + self.fn == 0, self.tp + self.fp == 0
        if no_reference and no_prediction:
            return "both"
        return "reference" if no_reference else "prediction" if no_prediction else ""

    @property
    def dice(self):
        return 1.0 if self.empty == "both" else 2 * self.tp / (2 * self.tp + self.fp + self.fn)

    @property
    def iou(self):
        return 1.0 if self.empty == "both" else self.tp / (self.tp + self.fp + self.fn)

    @property
    def sensitivity(self):
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self):
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def precision(self):
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def accuracy(self):
        return _ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)


def _ratio(numerator, denominator):
    return numerator / denominator if denominator else math.nan


def counts(prediction, reference, within=None):
    """Counts of two boolean arrays of one shape, over all voxels or those of the boolean array ``within``."""
    if prediction.shape != reference.shape:
        raise InputError("prediction", f"the reference's shape {reference.shape}", f"{prediction.shape}",
                         "compare masks of one image")
    if within is not None:
        prediction, reference = prediction[within], reference[within]
    tp = int(np.count_nonzero(prediction & reference))
    predicted, true = int(np.count_nonzero(prediction)), int(np.count_nonzero(reference))
    return Counts(tp, predicted - tp, true - tp, reference.size - predicted - true + tp)


def continuous_dice(scores, reference):
    """Continuous Dice coefficient of a map with a mask: no threshold is needed (Shamir et al., arXiv:1906.11031).

    2 |A B| / (c |A| + |B|) with the mask A, the map B, |A B| the map's sum inside of the mask, and c the map's mean
    over those of the mask's pixels where it is not zero (1 where there is none). So a map that is one value inside of
    the mask and 0 elsewhere reaches 1 however small that value is, and of a binary map it is the Dice score.

    Args:
        scores: on any scale, by which the coefficient does not change; a score below 0 counts as 0.
        reference: boolean array of the same shape.

    Returns:
        1 where both are empty, as for Dice.
    """
    if np.shape(scores) != np.shape(reference):
        raise InputError("scores", f"the reference's shape {np.shape(reference)}", f"{np.shape(scores)}",
                         "compare maps of one image")
    scores = np.clip(np.asarray(scores, float), 0, None)
    inside = scores[reference]
    if not inside.size and not scores.any():
        return 1.0
    found = np.count_nonzero(inside)
    c = inside.sum() / found if found else 1.0
    return float(2 * inside.sum() / (c * inside.size + scores.sum()))


def volume_ml(mask, spacing):
    """Volume of a boolean array in millilitres; ``spacing`` is the voxel size in mm, one number per axis."""
    return int(np.count_nonzero(mask)) * float(np.prod(spacing)) / 1000.0


def sizes(ct, mask, lungs):
    """Volumes in ml and infection rates in percent of the lung, in all and per side.

    The sides are split halfway between the lungs' outer edges, which needs no labels for left and right.

    Args:
        ct: Volume that gives the grid.
        mask, lungs: (X, Y, Z) in the CT's voxel order, above 0 in lesions and in lungs.

    Returns:
        ``infection_ml``, ``lung_ml`` and ``infection_rate_percent``, and each of them with ``left_`` and ``right_``
        before it: the patient's left and right.
    """
    lung = ct.like(np.asarray(lungs) > 0).canonical().array > 0
    infected = ct.like(np.asarray(mask) > 0).canonical().array > 0
    columns = np.flatnonzero(lung.any((1, 2)))
    middle = int(columns.mean().round()) if len(columns) else lung.shape[0] // 2
    facts = _sizes_of(infected, lung, ct.spacing, "")
    # In RAS+ the first axis runs from the patient's left to the right.
    for side, part in (("left", slice(0, middle)), ("right", slice(middle, None))):
        facts.update(_sizes_of(infected[part], lung[part], ct.spacing, f"{side}_"))
    return facts


def _sizes_of(infected, lung, spacing, prefix):
    rate = float(100.0 * np.count_nonzero(infected & lung) / max(1, np.count_nonzero(lung)))
    return {f"{prefix}infection_ml": volume_ml(infected, spacing),
            f"{prefix}lung_ml": volume_ml(lung, spacing), f"{prefix}infection_rate_percent": rate}


def hd95(prediction, reference, spacing):
    """95th percentile of the surface distances in mm: the larger of the two directions.

    A surface voxel is one with a face neighbour outside the mask or on the image's border. Empty masks: see the
    table at the top of this file.

    Args:
        prediction, reference: boolean arrays of one shape, 2D or 3D.
        spacing: voxel size in mm, one number per axis.
    """
    spacing = np.asarray(spacing, float)
    if not prediction.any() and not reference.any():
        return 0.0
    if not prediction.any() or not reference.any():
        return float(np.linalg.norm(spacing * (np.array(reference.shape) - 1)))
    # Nearest neighbours among surface voxels alone: a distance transform of a whole CT takes nine times as long.
    first, second = _surface(prediction, spacing), _surface(reference, spacing)
    return float(max(np.percentile(cKDTree(second).query(first)[0], 95),
                     np.percentile(cKDTree(first).query(second)[0], 95)))


def _surface(mask, spacing):
    """Positions in mm (n, axes) of the mask's surface voxels."""
    return np.argwhere(mask & ~ndimage.binary_erosion(mask, border_value=0)) * spacing


def area_under_roc(scores, labels):
    """Area under the ROC curve by ranks (ties count half); NaN where ``labels`` (0 or not) has one class only."""
    scores, labels = np.ravel(scores), np.ravel(labels) != 0  # numbers would pick ranks by index
    positives = int(np.count_nonzero(labels))
    negatives = labels.size - positives
    if not positives or not negatives:
        return math.nan
    ranks = stats.rankdata(scores)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))
