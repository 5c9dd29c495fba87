"""What held-out cases score before and after fine-tuning, and one sentence on whether it helped."""

__all__ = ["METHODS", "score_held_out", "sentence_of", "summary"]

import warnings

import numpy as np

from covid3dgan import progress
from covid3dgan.data.datasets.opening import read_case
from covid3dgan.errors import InputWarning
from covid3dgan.evaluation import metrics
from covid3dgan.evaluation.statistics import bootstrap_interval

# The network as it came; the same with the threshold that is best on the training cases; the fine-tuned network.
METHODS = ("before", "threshold alone", "after")


def score_held_out(cases, predictors, fold):
    """A JSON row for each held-out case: volumes in ml and, where its mask has a lesion, Dice, on the CT's grid:
    what ``predict`` finds.

    Args:
        cases: systems.finetune.cases.CorrectedCase with their lungs.
        predictors: a inference.lesions.LesionPredictor for each of ``METHODS``.
        fold: its number, from 1.
    """
    rows = []
    for case in progress.bar(cases, description="held-out cases", unit="case"):
        read = read_case(case.case)
        true, lungs = read.infection.array > 0, read.lungs.array
        ml = float(np.prod(read.ct.spacing)) / 1000
        outside = float((true & (lungs == 0)).sum() / true.sum()) if true.any() else 0.0
        row = {"id": case.case.id, "patient": case.patient, "fold": fold, "true_ml": float(true.sum() * ml),
               "outside_lungs_percent": 100 * outside}
        for method, predictor in zip(METHODS, predictors):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InputWarning)  # of a CT unlike others, said when it is predicted
                mask = predictor.predict(read.ct, read.lungs).mask > 0
            row[method] = {"ml": float(mask.sum() * ml),
                           "dice": metrics.counts(mask, true).dice if true.any() else None}
        rows.append(row)
    return rows


def summary(rows, seed=0):
    """Means over the held-out cases with a lesion, 95 % intervals over patients, and how many became better (JSON)."""
    scored = [row for row in rows if row["before"]["dice"] is not None]
    empty = [row for row in rows if row["before"]["dice"] is None]
    patients = [row["patient"] for row in scored]
    dice = {method: np.array([row[method]["dice"] for row in scored]) for method in METHODS}
    change = dice["after"] - dice["before"]
    found = {method: {"dice": float(values.mean()), "interval": bootstrap_interval(values, patients, seed=seed)}
             for method, values in dice.items()}
    found["change"] = {"dice": float(change.mean()), "interval": bootstrap_interval(change, patients, seed=seed)}
    found.update(cases=len(scored), patients=len(set(patients)), better=int((change > 0).sum()),
                 worse=int((change < 0).sum()))
    if empty:
        found["without_lesion"] = {"cases": len(empty), **{method: float(np.mean([row[method]["ml"] for row in empty]))
                                                           for method in METHODS}}
    return found


def sentence_of(found):
    """Whether it helped, from what :func:`summary` gave."""
    low, high = found["change"]["interval"]
    verdict = ("It helped" if low > 0 else "It did harm, so keep the network that it started from" if high < 0
               else "No clear difference")
    text = (f"{verdict}: better on {found['better']} of {found['cases']} held-out cases, mean Dice "
            f"{found['before']['dice']:.3f} -> {found['after']['dice']:.3f} (change {found['change']['dice']:+.3f}, "
            f"95 % interval {low:+.3f} to {high:+.3f}); the threshold alone gives "
            f"{found['threshold alone']['dice']:.3f}.")
    if "without_lesion" in found:
        clean = found["without_lesion"]
        one = clean["cases"] == 1
        where = "the one held-out case" if one else f"{clean['cases']} held-out cases"
        text += (f" On {where} without a lesion it marks {clean['after']:.1f} ml{'' if one else ' in the mean'}, "
                 f"before {clean['before']:.1f} ml.")
    return text
