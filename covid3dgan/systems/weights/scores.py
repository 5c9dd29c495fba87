"""What the network that comes along finds in held-out phantoms, and whether its scores mean what they say."""

__all__ = ["errors_by_uncertainty", "score_on_phantoms"]

import dataclasses

import numpy as np

from covid3dgan import progress
from covid3dgan.data.preprocess.dataset import prepare_case
from covid3dgan.evaluation import metrics
from covid3dgan.evaluation.reliability import reliability
from covid3dgan.evaluation.statistics import bootstrap_interval
from covid3dgan.inference.views import spread_over_views

UNSURE = (0.0, 0.01, 0.03, 0.1)  # limits of the spread, between which the share of wrong voxels is counted


def score_on_phantoms(predictor, cohorts, options):
    """Dice per volume on the network's own grid and ml per litre of healthy lung, and the reliability of the scores.

    Args:
        predictor: inference.lesions.LesionPredictor.
        cohorts: name -> data.datasets.cases.Case of phantoms with lungs and, but for healthy ones, infection masks.
        options: presets.preprocessing.PreprocessOptions.

    Returns:
        (JSON: cohort -> ``dice`` with its 95 % interval over cases, or ``percent_marked`` of healthy lungs, and the
        expected calibration error, evaluation.reliability.Reliability over all voxels of all cohorts).
    """
    found, scores, truths = {}, [], []
    with progress.bar(total=sum(map(len, cohorts.values())), description="held-out phantoms", unit="case") as bar:
        for name, cases in cohorts.items():
            values = []
            for case in cases:
                healthy = "healthy" in name
                made = prepare_case(dataclasses.replace(case, group="healthy" if healthy else "covid"), options)
                inside = made.lung_mask > 0.5
                score, truth = predictor.case_scores(made), made.infection > 0.5
                mask = (score > predictor.threshold) & inside
                values.append(100 * mask.sum() / inside.sum() if healthy else metrics.counts(mask, truth).dice)
                scores.append(score[inside])
                truths.append(truth[inside])
                bar.update(1)
            interval = bootstrap_interval(values, [case.id for case in cases])
            found[name] = {"percent_marked" if healthy else "dice": round(float(np.mean(values)), 4),
                           "interval": [round(value, 4) for value in interval], "cases": len(cases)}
    curve = reliability(np.concatenate(scores), np.concatenate(truths))
    found["calibration"] = {"expected_error": round(curve.error, 4), "voxels": int(sum(curve.count))}
    return found, curve


def errors_by_uncertainty(predictor, cases, options):
    """Whether the spread of the scores over views (inference/views.py) tells which voxels are wrong.

    Args:
        predictor, options: as of :func:`score_on_phantoms`.
        cases: a few diseased phantoms.

    Returns:
        JSON: ``auc``, how well the spread ranks the wrong voxels of the lungs above the right ones (0.5: not at all),
        ``percent_wrong`` of the voxels whose spread lies between the ``limits``, and of all.
    """
    spread, wrong = [], []
    for case in progress.bar(cases, description="uncertainty", unit="case"):
        made = prepare_case(dataclasses.replace(case, group="covid"), options)
        inside = made.lung_mask > 0.5
        found = predictor.case_scores(made) > predictor.threshold
        spread.append(spread_over_views(lambda view, made=made: predictor.case_scores(made, view), made.lung)[inside])
        wrong.append((found != (made.infection > 0.5))[inside])
    spread, wrong = np.concatenate(spread), np.concatenate(wrong)
    between = np.digitize(spread, UNSURE[1:])
    shares = [round(100 * float(wrong[between == k].mean()), 2) if (between == k).any() else None
              for k in range(len(UNSURE))]
    return {"auc": round(float(metrics.area_under_roc(spread, wrong)), 4), "limits": list(UNSURE),
            "percent_wrong": shares, "percent_wrong_of_all": round(100 * float(wrong.mean()), 2), "cases": len(cases)}
