"""Trains a segmenter on lesions painted into healthy lungs alone, and finds its threshold without any annotation."""

__all__ = ["threshold_without_annotation", "train_painted"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.painted_batches import LOOKS, healthy_lungs, painted_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.classical.sure_lesions import found, ground_glass, pieces
from covid3dgan.data.noise import healthy_noise
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.evaluation.thresholds import threshold_curve
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.inference.neighbours import averaged_across
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.loop import run_training
from covid3dgan.training.shabani.segmenter import build_segmenter_training


def train_painted(real, phantoms, path, preset, execution, others=(), diseased=None):
    """Trains and returns the Run.

    Args:
        real: folder of prepared healthy real CTs, or None to train on phantoms alone.
        phantoms: folder of prepared healthy phantoms.
        path: the run directory.
        preset: presets.shabani.PaintedSystem.
        execution: training.loop.TrainingOptions.
        others: folders of further prepared healthy cases that the threshold is found on, besides those.
        diseased: folder of prepared phantoms with lesions of their own, or None.
    """
    precision = execution.prepare()
    options, painted = preset.segmenter, preset.painted
    shares = {real: painted.real_share, phantoms: 1 - painted.real_share - painted.diseased_share,
              diseased: painted.diseased_share}
    shares = {folder: share for folder, share in shares.items() if folder is not None}
    sets = [open_prepared(folder) for folder in shares]
    for cases in sets:
        refuse_other_preparation(cases, preset.preprocess)
    sources = [healthy_lungs(cases) for cases in sets]
    run = Run.start(path, "segmenter", preset, execution.seed, inputs=[f for cases in sets for f in cases.files()],
                    resume=execution.resume, overwrite=execution.overwrite,
                    details={"precision": precision, "deterministic": execution.deterministic,
                             "cases": [cases.ids for cases in sets]})
    training = build_segmenter_training(preset, sources[0].images.shape[2:], execution.recompute)
    batches = painted_batches(sources, list(shares.values()), options.batch_size, painted.untouched_share,
                              execution.seed, preset.preprocess.lung_level, painted.vessel_weight)
    shown = batches(0)

    def draw():
        scores = score_maps(training.averaged or training.segmenter, shown["slice"][..., 0])
        rows = [shown["slice"][..., 0], shown["target"][..., 0], np.clip(scores, 0, 1)]
        return {"slice, painted extent, output": np.concatenate(rows, 2)[..., None]}

    run_training(training, run, execution, lambda first, last: step_dataset(batches, first, last), options.steps,
                 options.log_every, options.checkpoint_every, shown=("loss",),
                 callbacks=[lambda recorder: Panels(recorder, draw)])
    if run.manifest["status"] == "done":
        network = load_segmenter(path).network
        healthy = [source for source in sources if source.extents is None]
        healthy += [healthy_lungs(open_prepared(folder)) for folder in others]
        run.update(threshold=threshold_without_annotation(network, healthy, preset, execution.seed))
    return run


def threshold_without_annotation(network, sources, preset, seed):
    """The thresholds for run.json (data/classical/sure_lesions.py): ``value``, which outlines, is the lowest whose
    Dice on painted lesions is nearly the best; ``sure`` is the lowest that then leaves healthy lungs clean.

    Args:
        network: (B, H, W, 1) -> scores (B, H, W, 1).
        sources: data.batches.painted_batches.Healthy, several.
        preset: presets.shabani.PaintedSystem.
        seed: of the painting.
    """
    grid, across, dice, healthy = preset.threshold.grid, preset.painted.across, [], []
    for number, source in enumerate(sources):
        images, lungs = source.images.astype(np.float32), source.lungs
        for look, kind in enumerate(LOOKS):
            rng = np.random.default_rng([seed, streams.PAINTED_CHECK, number, look])
            chosen = slice(look, None, len(LOOKS)) if len(lungs) >= len(LOOKS) else slice(None)
            painted, extent = healthy_noise.painted_lesions(images[chosen], lungs[chosen], rng, kind)
            scores = _scores(network, np.where(lungs[chosen], painted, 0), source.spacings[chosen], across)
            dice.append(threshold_curve(scores, extent > 0.5, lungs[chosen], preset.threshold).dice)
        healthy.append((_scores(network, np.where(lungs, images, 0), source.spacings, across), source))
    dice = np.mean(dice, 0)
    value = float(grid[int(np.flatnonzero(dice >= dice.max() - preset.painted.dice_given_up)[0])])
    candidates = [sure for sure in grid if sure >= value]
    marked = np.mean([_percent_marked(*one, value, candidates) for one in healthy], 0)
    quiet = np.flatnonzero(marked <= preset.painted.most_marked_percent)
    return {"value": value, "relative": False, "sure": float(candidates[quiet[0]] if len(quiet) else candidates[-1]),
            "tuned": True, "grid": list(grid), "painted_dice": [float(value) for value in dice],
            "sure_grid": candidates, "healthy_percent_marked": [float(value) for value in marked]}


def _percent_marked(scores, source, value, candidates):
    """Percent of the healthy lungs (N, D, H, W) that are marked with each candidate of ``sure``, in the mean over
    cases."""
    percent = []
    for score, image, lung, spacing in zip(scores, source.images, source.lungs, source.spacings):
        seen = np.where(lung, image, 0)
        _, *measured = pieces(np.where(lung, score, 0), value, ground_glass(seen, spacing))
        sizes = measured[1]
        percent.append([100 * sizes[found(*measured, sure)].sum() / lung.sum() for sure in candidates])
    return np.mean(percent, 0)


def _scores(network, volumes, spacings, across):
    """(N, D, H, W) -> the same, scored slice by slice and averaged over neighbouring slices."""
    return np.stack([averaged_across(score_maps(network, volume), spacing[0], across)
                     for volume, spacing in zip(volumes, spacings)])
