"""Scores of every method of paper 001's tables on the test cohorts, on the network's grid."""

__all__ = ["HU_METHOD", "score_methods"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import paper_tables, protocols, shabani_claims
from covid3dgan.evaluation.scores import Scores
from covid3dgan.evaluation.thresholds import best_hu_threshold, threshold_curve
from covid3dgan.files import atomic_path
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.inference.pseudo_masks import load_generator, make_pseudo_masks

HU_METHOD = "best HU threshold"


def score_methods(gan, runs, validation, tests, preset, seed, out):
    """Scores the HU threshold, the GAN alone and every segmenter.

    The threshold is on the prepared lungs, as the networks see them: levelled where the preset levels them.

    Args:
        gan: the GAN run.
        runs: method -> segmenter run.
        validation: prepared cases that choose every threshold; the test cases never do.
        tests: data set -> folder of prepared cases.
        out: folder for <data set>.npz with the score maps that the figures show.

    Returns:
        JSON: ``thresholds`` by method, ``curve`` (Table 5: over the preset's grid, and at the paper's five),
        ``summaries``: method -> data set -> protocol -> metric -> summary entry, ``levels``: see
        evaluation.shabani_claims.by_level, and ``per_case``, ``per_case_sensitivity``: method -> data set -> list of
        per-volume Dice and sensitivity.
    """
    generator, _, _ = load_generator(gan)
    models = {name: load_segmenter(path) for name, path in runs.items()}
    tuning = open_prepared(validation).only("covid")
    masks, lungs, volumes = _bool(tuning, "infection"), _bool(tuning, "lung_mask"), tuning.array("lung")
    inside = lungs if preset.evaluation.within_lung else None

    difference = make_pseudo_masks(generator, volumes, tuning.array("lung_mask"), preset.pseudo, seed).difference
    gan_curve = threshold_curve(difference, masks, inside, preset.threshold)
    hu_curve = best_hu_threshold(volumes, masks, lungs)
    cuts = {HU_METHOD: (hu_curve.best, False), "GAN": (gan_curve.best, preset.threshold.relative)}
    cuts.update({name: (model.threshold, model.relative) for name, model in models.items()})

    summaries, per_case, sensitivity, results = {}, {}, {}, {}
    for name, folder in tests.items():
        cases = open_prepared(folder)
        cases = cases.take([i for i, case in enumerate(cases.cases) if case.infection is not None])
        volumes = cases.array("lung")
        made = make_pseudo_masks(generator, volumes, cases.array("lung_mask"), preset.pseudo, seed)
        maps = {HU_METHOD: volumes, "GAN": made.difference}
        maps.update({method: _scores(model, volumes) for method, model in models.items()})
        _keep(Path(out) / f"{name}.npz", cases, made, maps)
        for method, scores in maps.items():
            found = _scored(scores, cases, *cuts[method], preset.evaluation)
            summaries.setdefault(method, {})[name] = _summary(found, seed)
            per_case.setdefault(method, {})[name] = _per_case(found, "dice")
            sensitivity.setdefault(method, {})[name] = _per_case(found, "sensitivity")
            results.setdefault(method, []).append(found)
    full = next(model for name, model in models.items() if name.endswith("contrastive"))
    validation_scores = _scores(full, tuning.array("lung"))
    curve = threshold_curve(validation_scores, masks, inside, preset.threshold)
    return {"thresholds": {m: {"value": v, "relative": r} for m, (v, r) in cuts.items()},
            "curve": {"grid": curve.grid, "dice": curve.dice, "best": curve.best,
                      "paper": _at_the_papers(validation_scores, tuning, preset, seed)},
            "summaries": summaries, "per_case": per_case, "per_case_sensitivity": sensitivity,
            "levels": shabani_claims.by_level({method: {protocol: Scores.joined([found[protocol] for found in parts])
                                                        for protocol in parts[0]}
                                               for method, parts in results.items()}, seed)}


def _evaluate(scores, cases, threshold, relative, options, seed):
    """Both protocols' summaries, and the per-volume Dice of every case."""
    found = _scored(scores, cases, threshold, relative, options)
    return _summary(found, seed), _per_case(found, "dice")


def _summary(found, seed):
    return {protocol: scores.summary(seed) for protocol, scores in found.items()}


def _per_case(found, metric):
    return [row[metric] for row in found["per_volume"].rows]


def _scored(scores, cases, threshold, relative, options):
    """Protocol -> evaluation.scores.Scores, by the published one and of whole volumes."""
    lungs = cases.array("lung_mask")
    scores = np.where(lungs > 0.5, scores, 0) if options.within_lung else scores
    arrays = scores, cases.array("infection"), lungs
    shared = {"threshold": threshold, "relative": relative, "names": cases.ids,
              "continuous": scores if options.continuous_dice else None}
    return {"published": protocols.published(*arrays, slice_filters=options.slice_filters, **shared),
            "per_volume": protocols.per_volume(*arrays, spacing=[case.spacing for case in cases.cases], **shared)}


def _at_the_papers(scores, cases, preset, seed):
    """Table 5's five thresholds, whatever the grid: threshold -> both protocols' Dice, for volumes as in the curve."""
    five = tuple(paper_tables.numbers()["001"]["table5_threshold"])
    options = dataclasses.replace(preset.threshold, grid=tuple(map(float, five)))
    lungs = _bool(cases, "lung_mask") if preset.evaluation.within_lung else None
    curve = threshold_curve(scores, _bool(cases, "infection"), lungs, options)
    return {value: {"per_volume": dice, "published": _evaluate(
        scores, cases, float(value), options.relative, preset.evaluation, seed)[0]["published"]["dice"]}
            for value, dice in zip(five, curve.dice)}


def _scores(model, volumes):
    return score_maps(model.network, volumes.reshape(-1, *volumes.shape[2:])).reshape(volumes.shape)


def _bool(cases, name):
    return cases.array(name) > 0.5


def _keep(path, cases, made, maps):
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, ids=np.array(cases.ids), infection=cases.array("infection"),
                            lung_mask=cases.array("lung_mask"), healthy=made.healthy,
                            spacing=np.array([case.spacing for case in cases.cases]),
                            **{f"scores/{name}": array.astype(np.float16) for name, array in maps.items()})
