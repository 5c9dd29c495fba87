"""What paper 000's two methods, the GAN alone and GAN + UNet, make of its data sets."""

__all__ = ["GAN", "METHOD", "DataSet", "gan_threshold", "score_data_set"]

import dataclasses

import numpy as np

from covid3dgan.data.preprocess.prepared_set import PreparedSet, open_prepared
from covid3dgan.evaluation import protocols
from covid3dgan.evaluation.thresholds import binarise, threshold_curve
from covid3dgan.inference.lesions import score_maps
from covid3dgan.inference.pseudo_masks import make_pseudo_masks
from covid3dgan.training.pseudo_slices import as_slices

GAN, METHOD = "GAN", "GAN + UNet"


@dataclasses.dataclass(frozen=True)
class DataSet:
    """One scored data set.

    Attributes:
        cases: those with a true mask.
        healthy: (N, D, H, W) what the generator made of them.
        maps, masks: method -> (N, D, H, W) scores, and bool masks at its threshold.
        scores: method -> evaluation.scores.Scores.
    """

    cases: PreparedSet
    healthy: np.ndarray
    maps: dict
    masks: dict
    scores: dict


def gan_threshold(generator, validation, preset, seed):
    """(value, relative) that cuts the GAN's differences: tuned like the UNet's, or the preset's value.

    Args:
        generator: see inference.pseudo_masks.make_pseudo_masks.
        validation: folder of prepared cases, read where the preset tunes.
    """
    options = preset.threshold
    if not options.tune:
        return options.value, options.relative
    cases = open_prepared(validation).only("covid")
    lungs = cases.array("lung_mask")
    found = make_pseudo_masks(generator, cases.array("lung"), lungs, preset.pseudo, seed).difference
    inside = lungs > 0.5 if preset.evaluation.within_lung else None
    return threshold_curve(found, cases.array("infection") > 0.5, inside, options).best, options.relative


def score_data_set(folder, model, generator, cut, preset, seed):
    """The :class:`DataSet` of a folder of prepared cases.

    Args:
        model: inference.lesions' segmenter with its threshold.
        generator: of the GAN run.
        cut: what :func:`gan_threshold` gave.
    """
    cases = open_prepared(folder)
    cases = cases.take([i for i, case in enumerate(cases.cases) if case.infection is not None])
    volumes, lungs, truth = (cases.array(name) for name in ("lung", "lung_mask", "infection"))
    made = make_pseudo_masks(generator, volumes, lungs, preset.pseudo, seed)
    maps = {GAN: made.difference, METHOD: score_maps(model.network, as_slices(volumes)).reshape(volumes.shape)}
    cuts = {GAN: cut, METHOD: (model.threshold, model.relative)}
    masks, scores = {}, {}
    for name, found in maps.items():
        masks[name] = binarise(found, *cuts[name])
        if preset.evaluation.within_lung:
            maps[name], masks[name] = np.where(lungs > 0.5, found, 0), masks[name] & (lungs > 0.5)
        scores[name] = protocols.published(masks[name], truth, lungs, slice_filters=preset.evaluation.slice_filters,
                                           names=cases.ids,
                                           continuous=maps[name] if preset.evaluation.continuous_dice else None)
    return DataSet(cases, made.healthy, maps, masks, scores)
