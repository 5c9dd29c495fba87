"""Slow, literal readings of the papers' evaluation rules, written from their formulae to hold ours against.

Everything is spelled out pixel by pixel in Python numbers; nothing here is shared with the package.
"""

import math
import statistics


def pixels(image):
    return [float(value) for row in image for value in row]


def published(cases, threshold, relative=True, least=163, least_infection=1.0):
    """[(prediction, mask, lung), ...] with nested slices -> metric -> (mean, population deviation) in percent."""
    kept = {"dice": [], "sensitivity": [], "specificity": []}
    for prediction, mask, lung in cases:
        for output, true, lungs in zip(prediction, mask, lung):
            output = pixels(output)
            true = [1 if value > 0.5 else 0 for value in pixels(true)]
            lungs = [1 if value > 0.0005 else 0 for value in pixels(lungs)]
            cut = threshold * max(output) if relative else threshold
            guess = [1 if value > cut else 0 for value in output]
            infected = 100 * sum(true) / (sum(lungs) + 1e-9)
            for name, score in slice_scores(guess, true, least).items():
                if infected > least_infection and not math.isnan(score):
                    kept[name].append(score)
    return {name: (100 * statistics.fmean(v), 100 * statistics.pstdev(v)) for name, v in kept.items()}


def slice_scores(guess, true, least):
    if not sum(true) > least:
        return {"dice": math.nan, "sensitivity": math.nan, "specificity": math.nan}
    hit = sum(g * t for g, t in zip(guess, true))
    correctly_left = sum((1 - g) * (1 - t) for g, t in zip(guess, true))
    return {"dice": 2 * hit / (sum(true) + sum(guess) + 1e-9), "sensitivity": hit / (sum(true) + 1e-9),
            "specificity": correctly_left / (sum(1 - t for t in true) + 1e-9)}


def khali(cases, threshold, mask_threshold, lung_threshold):
    """Paper 002's code: each pixel is scored alone and the slice gets the best of them."""
    kept = {"dice": [], "sensitivity": [], "specificity": []}
    for prediction, mask, lung in cases:
        for output, true, lungs in zip(prediction, mask, lung):
            output, true, lungs = pixels(output), pixels(true), pixels(lungs)
            if mask_threshold is not None:
                true = [1.0 if value > mask_threshold else 0.0 for value in true]
            if lung_threshold is not None:
                lungs = [1.0 if value > lung_threshold else 0.0 for value in lungs]
            cut = threshold * max(output)
            guess = [1.0 if value > cut else 0.0 for value in output]
            if not 100 * sum(true) / (sum(lungs) + 1e-9) > 1:
                continue
            pairs = list(zip(guess, true))
            kept["dice"].append(max(2 * t * g / (t + g + 1e-9) if t + g > 0 else 0 for g, t in pairs))
            kept["sensitivity"].append(max(t * g / (t + 1e-9) if t > 0 else 0 for g, t in pairs))
            kept["specificity"].append(max((1 - t) * (1 - g) / (1 - t + 1e-9) if 1 - t > 0 else 0 for g, t in pairs))
    return {name: (100 * statistics.fmean(v), 100 * statistics.pstdev(v)) for name, v in kept.items()}


def ssinfnet(images, masks, threshold):
    """metric -> (mean, 1.96 standard errors, number that counted), NaN samples dropped metric by metric."""
    kept = {"f1": [], "iou": [], "recall": [], "precision": []}
    for image, mask in zip(images, masks):
        guess = [1 if value >= threshold else 0 for value in pixels(image)]
        true = [1 if value > 0.5 else 0 for value in pixels(mask)]
        hit = sum(g * t for g, t in zip(guess, true))
        for name, top, bottom in (("f1", 2 * hit, sum(guess) + sum(true)), ("iou", hit, sum(guess) + sum(true) - hit),
                                  ("recall", hit, sum(true)), ("precision", hit, sum(guess))):
            if bottom:
                kept[name].append(top / bottom)
    return {name: (statistics.fmean(v), 1.96 * statistics.pstdev(v) / math.sqrt(len(v)), len(v))
            for name, v in kept.items()}
