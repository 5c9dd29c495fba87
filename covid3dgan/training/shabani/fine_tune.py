"""A trained segmenter learns on from masks that people corrected.

Paper 001, Conclusion: what the pipeline finds "can be used to perform lesion labeling that can be refined later by
radiologists". This is the way back, from the refined masks to the network.
"""

__all__ = ["best_threshold", "fine_tune", "fine_tuning_preset"]

import dataclasses

import keras
import numpy as np

from covid3dgan import compat, progress
from covid3dgan.data.batches.corrected_batches import corrected, corrected_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.data.classical.sure_lesions import ground_glass, without_doubtful
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.models.from_presets import segmenter_network
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.loop import run_training
from covid3dgan.training.shabani.segmenter import SegmenterTraining, learning_rate

# What makes the network; the rest of the segmenter's stage says how it learns on.
NETWORK_FIELDS = ("width", "merge", "gate", "head", "dropout")
SHOWN = 4


def fine_tuning_preset(preset, of_network, across):
    """``preset`` for a network that was trained with ``of_network``: its CTs are prepared as that one's.

    Args:
        preset: presets.shabani.FineTunedSystem.
        of_network: the preset of the network that learns on.
        across: mm over which that network's scores are averaged.
    """
    kept = {name: getattr(of_network.segmenter, name) for name in NETWORK_FIELDS}
    return dataclasses.replace(preset, preprocess=of_network.preprocess, gan=of_network.gan,
                               segmenter=dataclasses.replace(preset.segmenter, **kept),
                               painted=dataclasses.replace(preset.painted, across=across))


def fine_tune(files, start, path, preset, execution, sure=None, details=None):
    """Trains and returns the Run, with the threshold that is best on the cases that it was trained on.

    Args:
        files: prepared cases with infection masks (.npz).
        start: the network whose weights it starts from, a ``keras.Model`` in float32.
        path: the run directory; its kind is "segmenter".
        preset: what :func:`fine_tuning_preset` gave.
        execution: training.loop.TrainingOptions.
        sure: what the network that it starts from has of it (data/classical/sure_lesions.py); it is kept.
        details: further JSON content for run.json.
    """
    precision = execution.prepare()
    cases = [prepared_case.load(file) for file in files]
    masks = [corrected(case) for case in cases]
    run = Run.start(path, "segmenter", preset, execution.seed, inputs=files, resume=execution.resume,
                    overwrite=execution.overwrite,
                    details={"precision": precision, "deterministic": execution.deterministic,
                             "targets": "masks of the cases", "cases": [case.id for case in cases], **(details or {})})
    training = _build(preset, start, masks[0].image.shape[1:])
    options = preset.segmenter
    batches = corrected_batches(masks, options.batch_size, execution.seed)
    shown = {name: batches(0)[name][:SHOWN] for name in ("slice", "target")}

    def draw():
        scores = score_maps(training.averaged or training.segmenter, shown["slice"][..., 0])[..., None]
        return {"slice, mask, output": np.clip(np.concatenate([shown["slice"], shown["target"], scores], 2), 0, 1)}

    run_training(training, run, execution, lambda first, last: step_dataset(batches, first, last), options.steps,
                 options.log_every, options.checkpoint_every, shown=("loss",),
                 callbacks=[lambda recorder: Panels(recorder, draw)])
    if run.manifest["status"] == "done":
        predictor = dataclasses.replace(load_segmenter(path), sure=sure)
        run.update(threshold=best_threshold(predictor, cases, preset.threshold))
    return run


def _build(preset, start, side_lengths):
    """A compiled SegmenterTraining that starts from the weights of ``start``.

    Batch normalisations stay as they are: a few slices of a few patients are no new mean and variance.
    """
    options = preset.segmenter
    networks = [segmenter_network(options, side_lengths, name=name)
                for name in ("segmenter", "averaged")[:2 if options.ema_decay else 1]]
    for network in networks:
        network.set_weights(start.get_weights())
        for layer in network.layers:
            layer.trainable = network is networks[0] and not isinstance(layer, keras.layers.BatchNormalization)
    training = SegmenterTraining(networks[0], None, options, preset.contrastive, networks[1] if networks[1:] else None)
    training.compile(compat.loss_scaling(keras.optimizers.Adam(learning_rate(options))))
    return training


def best_threshold(predictor, cases, options):
    """The threshold for run.json: the best mean Dice over the cases with a lesion, on the network's grid.

    Args:
        predictor: inference.lesions.LesionPredictor.
        cases: data.preprocess.prepared_case.PreparedCase with infection masks.
        options: presets.stages.Threshold.
    """
    infected = [case for case in cases if (case.infection > 0.5).any()]
    if not infected:
        raise InputError("corrected masks", "at least one with a lesion", "empty masks alone", "add such cases")
    curves = []
    for case in progress.bar(infected, description="threshold", unit="case"):
        scores = dataclasses.replace(predictor, sure=None).case_scores(case)
        curves.append(_dice_by_threshold(case, scores, predictor.sure, options.grid))
    dice = np.mean(curves, 0)
    sure = {} if predictor.sure is None else {"sure": predictor.sure}
    return {"value": float(options.grid[int(np.argmax(dice))]), "relative": options.relative, **sure, "tuned": True,
            "grid": list(options.grid), "dice": [float(value) for value in dice], "cases": [c.id for c in infected]}


def _dice_by_threshold(case, scores, sure, grid):
    """Dice of one case's scores within the lungs, cut at each threshold of the grid and, if not None, at ``sure``."""
    glass = None if sure is None else ground_glass(case.lung, case.spacing)
    found = []
    for value in grid:
        kept = scores if sure is None else without_doubtful(scores, value, sure, glass)
        found.append(metrics.counts((kept > value) & (case.lung_mask > 0.5), case.infection > 0.5).dice)
    return found
