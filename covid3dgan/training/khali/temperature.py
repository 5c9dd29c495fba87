"""The contrastive temperature by gradient descent, on what the TransUNet makes of slices of both groups (paper 002,
section 3.3.2; K18)."""

__all__ = ["FitTemperature", "Temperature", "fit_on_groups"]

import keras
import numpy as np

from covid3dgan import progress, streams
from covid3dgan.losses import fit_temperature

FITTED = 64  # slices of each group


@keras.saving.register_keras_serializable(package="covid3dgan")
class Temperature(keras.layers.Layer):
    """One number that travels in checkpoints like a weight."""

    def __init__(self, initial=1.0, **kwargs):
        super().__init__(**kwargs)
        self.initial = float(initial)
        self.build()

    def build(self, input_shape=None):
        if self.built:
            return
        self.value = self.add_weight(name="value", shape=(), initializer=keras.initializers.Constant(self.initial),
                                     trainable=False, dtype="float32")
        self.built = True

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}


class FitTemperature(keras.callbacks.Callback):
    """Fits the temperature once the first phase is over, before the step that follows.

    Like KeepBest it acts when that step begins, after the checkpoint: a run that resumes there fits it again, with the
    same result.

    Args:
        recorder: the RunRecorder.
        training: training.khali.transunet.TransUnetTraining with a Temperature.
        fit: (initial) -> losses.temperature.TemperatureFit.
        report: called with the facts of the fit.
    """

    def __init__(self, recorder, training, fit, report):
        super().__init__()
        self.recorder, self.training, self.fit, self.report = recorder, training, fit, report

    def on_train_batch_begin(self, batch, logs=None):
        if self.recorder.step != self.training.options.first_phase_steps:
            return
        found = self.fit(self.training.options.temperature)
        self.training.temperature.value.assign(found.temperature)
        self.report({"value": round(found.temperature, 6), "began_at": found.temperatures[0], "stopped": found.stopped,
                     "updates": len(found.temperatures) - 1})
        progress.say(f"contrastive temperature by descent: {found.temperature:.3g} ({found.stopped})")


def fit_on_groups(features_of, slices, groups, seed, initial=0.1):
    """Section 3.3.2's descent, on the features of slices of both groups.

    Args:
        features_of: (B, H, W, 1) -> (B, ...).
        slices: (S, H, W).
        groups: data.batches.slice_groups.SliceGroups of them.

    Returns:
        losses.temperature.TemperatureFit.
    """
    rng = np.random.default_rng([seed, streams.TEMPERATURE_FIT])
    chosen = [rng.permutation(group)[:FITTED] for group in (groups.positive, groups.negative)]
    features = np.concatenate([np.asarray(features_of(slices[part][..., None]), np.float32) for part in chosen])
    return fit_temperature(features, np.repeat([1, 0], [len(part) for part in chosen]), initial=initial, seed=seed)
