"""What the trainings of paper 004 share: the run, the loop, the best weights, the panels."""

__all__ = ["conduct", "painted_panel", "per_epoch", "start_run", "train_supervised", "validation_keeper"]

from pathlib import Path

import numpy as np

from covid3dgan.data.batches import slice_batches
from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.files import sha256
from covid3dgan.runs.directory import Run
from covid3dgan.training.callbacks import Panels
from covid3dgan.training.keep_best import KeepBest
from covid3dgan.training.loop import run_training


def start_run(path, kind, preset, execution, inputs, details, backbone_weights=None):
    """A new run directory, or the one there under ``execution.resume``; sets the precision and seeds everything."""
    precision = execution.prepare()
    details = {**details, "precision": precision, "deterministic": execution.deterministic}
    if backbone_weights is not None:
        details["backbone_weights"] = {"path": str(backbone_weights), "sha256": sha256(backbone_weights)} \
            if Path(backbone_weights).is_file() else {"path": str(backbone_weights)}
    return Run.start(path, kind, preset, execution.seed, inputs=inputs, resume=execution.resume,
                     overwrite=execution.overwrite, details=details)


def per_epoch(slices, options):
    """Steps until every slice was seen once."""
    return max(1, -(-len(slices) // options.batch_size))


def train_supervised(training, run, execution, preset, options, train, validation, batches, names):
    """Fits a network on labelled slices, keeping what does best on the validation part.

    Args:
        training: an InfNetTraining or a MultiTraining.
        options: presets.ssinfnet.Single or Multi.
        batches: {"train", "validation"} -> (step -> batch).
        names: what the validation loss takes from a batch.
    """
    steps = per_epoch(train, options)
    training.best.set_weights(training.network.get_weights())
    checks = [batches["validation"](s) for s in range(per_epoch(validation, options))]
    callbacks = [
        validation_keeper(training, checks, names, preset.validate_every * steps),
        lambda recorder: Panels(recorder, lambda: _segmented(training.network, checks[0])),
    ]
    conduct(training, run, execution, batches["train"], options.epochs * steps, preset, ("loss",), callbacks)
    return run


def validation_keeper(training, checks, names, every):
    """A maker of the callback that keeps the weights of the lowest loss on the batches ``checks``."""
    def validation_loss():
        return np.mean([float(training.validation_loss(*(b[n] for n in names))) for b in checks])

    return lambda recorder: KeepBest(recorder, training.network, training.best, training.score, validation_loss, every)


def conduct(training, run, execution, batch_at, steps, preset, shown, callbacks):
    """Trains to ``steps``; ``shown`` are the log entries that the progress bar has."""
    run_training(training, run, execution, lambda first, last: step_dataset(batch_at, first, last), steps,
                 preset.log_every, preset.checkpoint_every, shown=shown, callbacks=callbacks)


# === Panels ===

def _grey(normalised):
    """The grey image back from its normalised channels, (..., 3) -> (..., 1)."""
    return normalised[..., :1] * slice_batches.CHANNEL_STD[0] + slice_batches.CHANNEL_MEAN[0]


def _segmented(network, batch):
    """Image, truth and prediction side by side; classes as grey levels."""
    found = network(batch["image"][:4], training=False)
    truth = batch["mask" if "mask" in batch else "target"][:4]
    if isinstance(found, dict):
        shown = 1 / (1 + np.exp(-np.asarray(found["s3"], np.float32)))
    else:
        scores = np.asarray(found, np.float32)
        shown = 1 / (1 + np.exp(-scores)) if scores.shape[-1] == 1 else np.argmax(scores, -1)[..., None] / 2
    if truth.shape[-1] == 3:
        truth = np.argmax(truth, -1)[..., None] / 2
    return {"image, truth, prediction": np.clip(np.concatenate([_grey(batch["image"][:4]), truth, shown], 2), 0, 1)}


def painted_panel(training, batch):
    """Target, what the network saw of it, and what it painted."""
    image, mask, painting = training.show(batch, 4)
    return {"image, erased, painted": np.concatenate([image, image * (mask > 0.5), painting], 2)[..., None]}
