"""Trains a segmenter on lesions painted into healthy lungs alone, and finds its threshold without any annotation."""

__all__ = ["threshold_without_annotation", "train_painted"]

import numpy as np

from covid3dgan import streams
from covid3dgan.data.batches.painted_batches import LOOKS, healthy_lungs, painted_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.noise import healthy_noise
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.evaluation.thresholds import threshold_curve
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.inference.neighbours import averaged_across
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.loop import run_training
from covid3dgan.training.shabani.segmenter import build_segmenter_training


def train_painted(real, phantoms, path, preset, execution, others=()):
    """Trains and returns the Run.

    Args:
        real: folder of prepared healthy real CTs, or None to train on phantoms alone.
        phantoms: folder of prepared healthy phantoms.
        path: the run directory.
        preset: presets.shabani.PaintedSystem.
        execution: training.loop.TrainingOptions.
        others: folders of further prepared healthy cases that the threshold is found on, besides those.
    """
    precision = execution.prepare()
    options, painted = preset.segmenter, preset.painted
    sets = [open_prepared(folder) for folder in (real, phantoms) if folder is not None]
    for cases in sets:
        refuse_other_preparation(cases, preset.preprocess)
    sources = [healthy_lungs(cases) for cases in sets]
    shares = (painted.real_share, 1 - painted.real_share) if real is not None else (1.0,)
    run = Run.start(path, "segmenter", preset, execution.seed, inputs=[f for cases in sets for f in cases.files()],
                    resume=execution.resume, overwrite=execution.overwrite,
                    details={"precision": precision, "deterministic": execution.deterministic,
                             "cases": [cases.ids for cases in sets]})
    training = build_segmenter_training(preset, sources[0].images.shape[2:], execution.recompute)
    batches = painted_batches(sources, shares, options.batch_size, painted.untouched_share, execution.seed)
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
        healthy = [*sources, *(healthy_lungs(open_prepared(folder)) for folder in others)]
        run.update(threshold=threshold_without_annotation(network, healthy, preset, execution.seed))
    return run


def threshold_without_annotation(network, sources, preset, seed):
    """The threshold for run.json: the best for painted lesions, or the higher one that leaves healthy lungs clean.

    Args:
        network: (B, H, W, 1) -> scores (B, H, W, 1).
        sources: data.batches.painted_batches.Healthy, several.
        preset: presets.shabani.PaintedSystem.
        seed: of the painting.
    """
    grid = preset.threshold.grid
    dice, marked = [], []
    for number, source in enumerate(sources):
        images, lungs = source.images.astype(np.float32), source.lungs
        rng = np.random.default_rng([seed, streams.PAINTED_CHECK, number])
        painted, extent = healthy_noise.painted_lesions(images, lungs, rng, LOOKS[0])
        scores = _scores(network, np.where(lungs, painted, 0), source.spacings, preset.painted.across)
        dice.append(threshold_curve(scores, extent > 0.5, lungs, preset.threshold).dice)
        clean = _scores(network, np.where(lungs, images, 0), source.spacings, preset.painted.across)
        marked.append([100 * np.mean([(score[lung] > value).mean() for score, lung in zip(clean, lungs)])
                       for value in grid])
    dice, marked = np.mean(dice, 0), np.mean(marked, 0)
    quiet = np.flatnonzero(marked <= preset.painted.most_marked_percent)
    chosen = max(int(np.argmax(dice)), int(quiet[0]) if len(quiet) else len(grid) - 1)
    return {"value": float(grid[chosen]), "relative": False, "tuned": True, "grid": list(grid),
            "painted_dice": [float(value) for value in dice],
            "healthy_percent_marked": [float(value) for value in marked]}


def _scores(network, volumes, spacings, across):
    """(N, D, H, W) -> the same, scored slice by slice and averaged over neighbouring slices."""
    return np.stack([averaged_across(score_maps(network, volume), spacing, across)
                     for volume, spacing in zip(volumes, spacings)])
