"""What the network that comes along finds in held-out phantoms, and whether its scores mean what they say."""

__all__ = ["score_on_phantoms"]

import dataclasses

import numpy as np

from covid3dgan import progress
from covid3dgan.data.preprocess.dataset import prepare_case
from covid3dgan.evaluation import metrics
from covid3dgan.evaluation.reliability import reliability
from covid3dgan.evaluation.statistics import bootstrap_interval


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
