"""The module ``Functions`` that two published notebooks import, from its formulas (docs/FIDELITY.md, F23 and F24)."""

__all__ = ["DiceScore", "EvaluateMain", "PlotingResults", "sensitivityScore", "specificityScore"]

import numpy as np

_EPSILON = 1e-9
_SMALLEST = 163  # pixels of a true mask that is scored, 1 % of 128 x 128
_SMALLEST_SHARE = 1.0  # per cent of the lung


def DiceScore(label_trues, label_preds):
    """Dice of one slice; NaN where the true mask is too small to be scored."""
    return _score(label_trues, 2 * (label_trues * label_preds).sum(), label_trues.sum() + label_preds.sum())


def sensitivityScore(label_trues, label_preds):
    """Sensitivity of one slice; NaN where the true mask is too small."""
    return _score(label_trues, (label_trues * label_preds).sum(), label_trues.sum())


def specificityScore(label_trues, label_preds):
    """Specificity of one slice; NaN where the true mask is too small."""
    return _score(label_trues, ((1 - label_trues) * (1 - label_preds)).sum(), (1 - label_trues).sum())


def _score(truth, numerator, denominator):
    return float(numerator / (denominator + _EPSILON)) if truth.sum() > _SMALLEST else float("nan")


def EvaluateMain(my_data, my_out, mask_scaled, LungMask, Threshold=0.2, thresholdMethod=None,
                 PlotingCase=None, PlotingSlice=None, PostPro=False):
    """Scores every slice: output above ``Threshold`` times the slice's maximum, against the true mask.

    Args:
        my_data, mask_scaled: per case (1, slices, rows, columns, 1).
        my_out: per case (slices, rows, columns, 1).
        LungMask: per case (slices, rows, columns).

    Returns:
        Lists with one entry per slice: Dice, sensitivity, specificity, and the infection in per cent of the lung.
    """
    dice, sensitivity, specificity, infected = [], [], [], []
    for case in range(len(my_data)):
        for number in range(my_data[case].shape[1]):
            truth, output = mask_scaled[case][0, number, :, :, 0], my_out[case][number, :, :, 0]
            predicted = (output > Threshold * output.max()).astype(int)
            infected.append(100 * truth.sum() / (LungMask[case][number].sum() + _EPSILON))
            dice.append(DiceScore(truth, predicted))
            sensitivity.append(sensitivityScore(truth, predicted))
            specificity.append(specificityScore(truth, predicted))
    return dice, sensitivity, specificity, infected


def PlotingResults(dice_list, InfectionPercent, ScoreName=""):
    """Prints mean and deviation, in per cent, of the slices with more than 1 % of the lung infected."""
    scores = np.array(dice_list, float)[np.array(InfectionPercent) > _SMALLEST_SHARE]
    scores = 100 * scores[~np.isnan(scores)]
    if not len(scores):
        print(f"{ScoreName}: no slice with more than {_SMALLEST_SHARE:g} % of the lung infected")
        return
    print(f"{ScoreName} Mean: {scores.mean()} {ScoreName} Std: {scores.std()}")
