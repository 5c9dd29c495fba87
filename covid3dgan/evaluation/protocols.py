"""The rules by which each paper turns masks into its table, kept apart so that their numbers are never mixed.

Every protocol takes one case or several and returns ``scores.Scores``:

* ``published``: the notebooks of paper 001 (and so papers 000's and 001's tables): per slice, filtered, pooled.
* ``per_volume``: ours: each CT is one sample.
* ``khali_pixel_max``: the code behind paper 002's Table 1: a maximum over pixels, not a Dice of masks.
* ``ssinfnet``: paper 004: per image, NaNs dropped per metric, 1.96 standard errors.
* ``afseg``: paper 003: per image accuracy, precision, recall and Dice.

A case is (slices, rows, columns), also with a last axis of one channel; a 2D image is one slice. Several cases are a
list of such arrays (their shapes may differ) or one array with a leading axis.
"""

__all__ = ["afseg", "khali_pixel_max", "per_volume", "published", "ssinfnet", "ssinfnet_classes"]

import math
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics, statistics
from covid3dgan.evaluation.scores import Scores
from covid3dgan.evaluation.thresholds import binarise

Arrays = Union[np.ndarray, Sequence[np.ndarray]]  # one case or several
TINY = 1e-9  # the published code adds it to every denominator


def published(prediction: Arrays, mask: Arrays, lung: Arrays, threshold: float = 0.2, relative: bool = True,
              slice_filters: bool = True, min_pixels: Optional[int] = None, min_infection: float = 1.0,
              names: Optional[Sequence[str]] = None, continuous: Optional[Arrays] = None) -> Scores:
    """Dice, sensitivity and specificity as the notebooks of paper 001 compute them, in percent.

    A slice counts if its true mask has more than ``min_pixels`` pixels and more than ``min_infection`` percent of
    its lung; means and population standard deviations run over the counted slices of all cases together.

    Args:
        prediction: the segmenter's output (or a mask: the default threshold leaves a mask as it is).
        mask: true infection, binarised above 0.5 (order-5 resizing leaves it fractional).
        lung: lung mask, binarised above 0.0005.
        threshold, relative: see ``thresholds.binarise`` (F23).
        slice_filters: False counts every slice with any true infection; the papers name no filter (F24).
        min_pixels: None: one per cent of the slice, which is the notebooks' 163 at 128 x 128.
        names: the cases' names.
        continuous: maps whose continuous Dice coefficient, which paper 001 cites, is added (F24); it does not depend
            on their scale. None adds none.
    """
    rows = []
    given = {"prediction": prediction, "mask": mask, "lung": lung}
    given.update({} if continuous is None else {"continuous": continuous})
    for name, scores, true, lungs, *maps in _cases(names, **given):
        true, lungs, predicted = true > 0.5, lungs > 0.0005, binarise(scores, threshold, relative)
        least = true[0].size // 100 if min_pixels is None else min_pixels
        for index, (p, t) in enumerate(zip(predicted, true)):
            pixels, infection = int(t.sum()), _infection(t, lungs[index])
            enough = pixels > least and infection > min_infection if slice_filters else pixels > 0
            rows.append({"case": name, "slice": index, "counted": enough, "true_pixels": pixels,
                         "predicted_pixels": int(p.sum()), "infection_percent": infection, **_published_scores(p, t)})
            if maps:
                rows[-1]["continuous_dice"] = metrics.continuous_dice(maps[0][index], t)
    settings: dict[str, object] = {
        "threshold": threshold, "relative": relative, "slice_filters": slice_filters, "min_pixels": min_pixels,
        "min_infection_percent": min_infection}
    shown = ("dice", "sensitivity", "specificity") + (() if continuous is None else ("continuous_dice",))
    return Scores("published", "slice", "percent", "std", shown, settings, tuple(rows))


def _infection(true, lung):
    return 100.0 * float(true.sum()) / (float(lung.sum()) + TINY)


def _published_scores(p, t):
    both, positive, negative = int((p & t).sum()), int(t.sum()), int((~t).sum())
    return {"dice": 2 * both / (positive + int(p.sum()) + TINY), "sensitivity": both / (positive + TINY),
            "specificity": int((~p & ~t).sum()) / (negative + TINY)}


def per_volume(prediction: Arrays, mask: Arrays, lung: Optional[Arrays] = None,
               spacing: Union[Sequence[float], Sequence[Sequence[float]]] = (1.0, 1.0, 1.0), threshold: float = 0.5,
               relative: bool = False, names: Optional[Sequence[str]] = None,
               continuous: Optional[Arrays] = None) -> Scores:
    """Each CT one sample: overlap in percent, HD95 in mm, volumes in ml. Empty masks: see ``metrics``.

    Args:
        prediction: map or mask, cut by ``thresholds.binarise(prediction, threshold, relative)``.
        mask: true infection, binarised above 0.5.
        lung: lung mask (above 0.0005); with it, the specificity inside the lungs and the share of infected lung.
        spacing: mm per slice, row and column: one triple for all cases, or one per case.
        names: the cases' names.
        continuous: maps whose continuous Dice coefficient is added, as for ``published``.
    """
    given = {"prediction": prediction, "mask": mask, "lung": lung, "continuous": continuous}
    given = {what: arrays for what, arrays in given.items() if arrays is not None}
    cases = list(_cases(names, **given))
    spacings = list(spacing) if np.ndim(spacing[0]) else [tuple(spacing)] * len(cases)
    if len(spacings) != len(cases):
        raise InputError("spacing", f"one triple, or one for each of the {len(cases)} cases", f"{len(spacings)}",
                         "give the voxel sizes in the cases' order")
    rows = []
    for (name, scores, true, *others), voxel in zip(cases, spacings):
        lungs, maps = others[:lung is not None], others[lung is not None:]
        true, predicted = true > 0.5, binarise(scores, threshold, relative)
        found = metrics.counts(predicted, true)
        true_ml, predicted_ml = metrics.volume_ml(true, voxel), metrics.volume_ml(predicted, voxel)
        row = {"case": name, "counted": True, "empty": found.empty, "true_ml": true_ml, "predicted_ml": predicted_ml}
        row.update({m: getattr(found, m) for m in ("dice", "iou", "sensitivity", "specificity", "precision")})
        row.update(hd95_mm=metrics.hd95(predicted, true, voxel), volume_error_ml=predicted_ml - true_ml)
        if lungs:
            inside = lungs[0] > 0.0005
            row.update(lung_specificity=metrics.counts(predicted, true, inside).specificity,
                       infection_percent=_infection(true, inside))
        if maps:
            row.update(continuous_dice=metrics.continuous_dice(maps[0], true))
        rows.append(row)
    shown = ("dice", "iou", "sensitivity", "specificity") + (("lung_specificity",) if lung is not None else ())
    shown += ("precision", "hd95_mm", "volume_error_ml") + (() if continuous is None else ("continuous_dice",))
    return Scores("per_volume", "volume", "percent", "std", shown,
                  {"threshold": threshold, "relative": relative}, tuple(rows))


def khali_pixel_max(prediction: Arrays, mask: Arrays, lung: Arrays, threshold: float = 0.2,
                    mask_threshold: Optional[float] = 0.3, lung_threshold: Optional[float] = 1e-4,
                    min_infection: float = 1.0, names: Optional[Sequence[str]] = None) -> Scores:
    """Paper 002's numbers as its authors' code makes them: not comparable with any Dice of masks.

    Each slice's score is the best that any single pixel reaches, so it says no more than whether some pixel is
    right. Ratios carry the published 1e-9; a pixel without a denominator gives 0. Slices count where more than
    ``min_infection`` percent of the lung is infected.

    Args:
        prediction: raw output; pixels above ``threshold`` times the slice's maximum are taken.
        mask, lung: binarised above ``mask_threshold`` and ``lung_threshold``. None leaves them fractional, as the
            code did for the TransUNet column; 0.3 and 1e-4 are its UNet column.
        names: the cases' names.
    """
    rows = []
    for name, scores, true, lungs in _cases(names, prediction=prediction, mask=mask, lung=lung):
        predicted = binarise(scores, threshold, True)
        true = _above(true, mask_threshold)
        lungs = _above(lungs, lung_threshold)
        for index, (p, t) in enumerate(zip(predicted.astype(float), true)):
            infection = _infection(t, lungs[index])
            rows.append({"case": name, "slice": index, "counted": infection > min_infection,
                         "true_pixels": float(t.sum()), "predicted_pixels": int(p.sum()),
                         "infection_percent": infection, "dice": _best(2 * t * p, t + p),
                         "sensitivity": _best(t * p, t), "specificity": _best((1 - t) * (1 - p), 1 - t)})
    settings: dict[str, object] = {
        "threshold": threshold, "relative": True, "mask_threshold": mask_threshold, "lung_threshold": lung_threshold,
        "min_infection_percent": min_infection}
    return Scores("khali_pixel_max", "slice", "percent", "std", ("dice", "sensitivity", "specificity"), settings,
                  tuple(rows))


def _above(array, threshold):
    array = np.asarray(array, float)
    return array if threshold is None else (array > threshold).astype(float)


def _best(numerator, denominator):
    ratio = np.zeros_like(numerator)
    np.divide(numerator, denominator + TINY, out=ratio, where=denominator > 0)
    return float(ratio.max())


def ssinfnet(prediction: Arrays, mask: Arrays, threshold: float = 0.5, images_per_sample: int = 1,
             names: Optional[Sequence[str]] = None) -> Scores:
    """F1, IoU, recall, precision and AUC per image as paper 004's code has them, as fractions.

    Scores at or above ``threshold`` are positive. A metric without a denominator is NaN and dropped from that metric
    alone: F1 and IoU where both masks are empty, recall where the truth is, precision where the prediction is. So a
    healthy image with one false pixel counts as F1 = 0, and n differs between the metrics.

    Args:
        prediction: probabilities (or a mask), one image per slice.
        mask: truth, binarised above 0.5.
        images_per_sample: the code flattens a whole batch into one sample unless it runs with batches of one.
        names: the cases' names.
    """
    rows = []
    for name, scores, true in _cases(names, prediction=prediction, mask=mask):
        for start in range(0, len(scores), images_per_sample):
            part = scores[start:start + images_per_sample], true[start:start + images_per_sample] > 0.5
            found = metrics.counts(part[0] >= threshold, part[1])
            rows.append({"case": name, "slice": start, "counted": True, **_nan_dropping(found),
                         "auc": metrics.area_under_roc(*part)})
    return Scores("ssinfnet", "image", "fraction", "error95", ("f1", "iou", "recall", "precision", "auc"),
                  {"threshold": threshold, "images_per_sample": images_per_sample}, tuple(rows))


def _nan_dropping(found):
    nothing = found.empty == "both"
    return {"f1": math.nan if nothing else found.dice, "iou": math.nan if nothing else found.iou,
            "recall": found.sensitivity, "precision": found.precision,
            "true_pixels": found.tp + found.fn, "predicted_pixels": found.tp + found.fp}


def ssinfnet_classes(prediction: Arrays, mask: Arrays,
                     classes: Sequence[str] = ("background", "GGO", "consolidation"),
                     names: Optional[Sequence[str]] = None) -> dict[str, Any]:
    """Paper 004's multi-class table: each class against the rest, and 'overall' as the code averages it.

    Args:
        prediction, mask: integer labels, the index into ``classes``.

    Returns:
        dict: class -> Scores, and "overall" -> metric -> {mean, error95}: plain means of the classes' means and of
        their errors (the latter is no confidence interval of the former; it is what the paper prints).
    """
    result: dict[str, Any] = {}
    for label, class_name in enumerate(classes):
        rows = []
        for name, labels, true in _cases(names, prediction=prediction, mask=mask):
            for index, (p, t) in enumerate(zip(labels == label, true == label)):
                rows.append({"case": name, "slice": index, "counted": True, **_nan_dropping(metrics.counts(p, t))})
        result[class_name] = Scores("ssinfnet", "image", "fraction", "error95", ("f1", "iou", "recall", "precision"),
                                    {"class": class_name}, tuple(rows))
    overall = {}
    for metric in ("f1", "iou", "recall", "precision"):
        values = [result[c].values(metric) for c in classes]
        overall[metric] = {"mean": float(np.mean([statistics.mean_std(v)[0] for v in values])),
                           "error95": float(np.mean([statistics.standard_error_196(v) for v in values]))}
    result["overall"] = overall
    return result


def afseg(prediction: Arrays, mask: Arrays, threshold: float = 0.5, names: Optional[Sequence[str]] = None) -> Scores:
    """Accuracy, precision, recall and Dice per image, mean and standard deviation, as fractions (paper 003).

    The paper gives no threshold and no rule for empty masks: 0.5 is assumed, and ``metrics`` says what empty gives.
    """
    rows = []
    for name, scores, true in _cases(names, prediction=prediction, mask=mask):
        for index, (p, t) in enumerate(zip(binarise(scores, threshold, False), true > 0.5)):
            found = metrics.counts(p, t)
            rows.append({"case": name, "slice": index, "counted": True, "empty": found.empty,
                         "true_pixels": found.tp + found.fn, "predicted_pixels": found.tp + found.fp,
                         "accuracy": found.accuracy, "precision": found.precision, "recall": found.sensitivity,
                         "dice": found.dice})
    return Scores("afseg", "image", "fraction", "std", ("accuracy", "precision", "recall", "dice"),
                  {"threshold": threshold}, tuple(rows))


def _cases(names, **arrays):
    """Yields (name, array, array, ...) with (slices, rows, columns) arrays of one shape per case."""
    lists = {what: _listed(value, what) for what, value in arrays.items()}
    (reference, first), *others = lists.items()
    for what, cases in others:
        if len(cases) != len(first):
            raise InputError(what, f"as many cases as {reference} ({len(first)})", f"{len(cases)}",
                             "give every case each of its arrays")
    names = [f"case_{i + 1:03d}" for i in range(len(first))] if names is None else [str(n) for n in names]
    if len(names) != len(first) or len(set(names)) != len(names):
        raise InputError("names", f"{len(first)} different names", f"{names}", "name each case once")
    for index, name in enumerate(names):
        case = [cases[index] for cases in lists.values()]
        for what, array in zip(lists, case):
            if array.shape != case[0].shape:
                raise InputError(f"{what} of {name}", f"the shape of its {reference} {case[0].shape}",
                                 f"{array.shape}", "compare arrays on one grid")
            if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                raise InputError(f"{what} of {name}", "finite numbers", "NaN or Inf", "mend the array first")
        yield (name, *case)


def _listed(value, what):
    if isinstance(value, (list, tuple)) and value and np.ndim(value[0]) >= 2:
        return [_one_case(v, what) for v in value]
    array = np.asarray(value)
    if array.ndim == 5 or array.ndim == 4 and array.shape[-1] != 1:
        return [_one_case(v, what) for v in array]
    return [_one_case(array, what)]


def _one_case(value, what):
    array = np.asarray(value)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not array.size:
        raise InputError(what, "(slices, rows, columns)", f"shape {np.shape(value)}", "pass one volume or a list")
    return array
