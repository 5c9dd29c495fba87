"""Keras callbacks that tie a training to its run directory: metrics, checkpoints, NaN guard, progress, panels.

Steps are counted from the start of the run, also after a resumption.
"""

__all__ = ["CollapseMonitor", "Panels", "RunRecorder", "TrainingStopped"]

import math

import keras

from covid3dgan import progress
from covid3dgan.errors import InputError
from covid3dgan.runs import state


class TrainingStopped(InputError):
    """Training cannot go on (NaN or Inf in a loss); the last good checkpoint is kept."""


class RunRecorder(keras.callbacks.Callback):
    """Logs, saves, guards and shows progress.

    Args:
        run: runs.directory.Run.
        networks, optimizers: name -> model / optimizer, as ``state.capture`` takes them.
        last_step: the step at which training ends.
        log_every, checkpoint_every: in steps.
        first_step: completed steps so far.
        window: sums and count of the log window that a checkpoint interrupted.
        shown: the log entries that the progress bar shows.
        pause_at: the step after which this call ends, if not the last one; it is saved too.
    """

    def __init__(self, run, networks, optimizers, last_step, log_every, checkpoint_every, first_step=0, window=None,
                 shown=(), pause_at=None):
        super().__init__()
        self.run, self.networks, self.optimizers = run, networks, optimizers
        self.last_step, self.log_every, self.checkpoint_every = last_step, log_every, checkpoint_every
        self.step = first_step
        self.window = dict(window or {"count": 0, "sums": {}})
        self.shown = shown
        self.pause_at = pause_at

    def on_train_begin(self, logs=None):
        self.bar = progress.bar(total=self.last_step, description=self.run.manifest["kind"], unit="step",
                                initial=self.step)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        values = {name: float(value) for name, value in (logs or {}).items()}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            self.bar.close()
            raise TrainingStopped(f"step {self.step}", "finite losses", f"{', '.join(bad)} = {values[bad[0]]}",
                                  self._advice())
        self.window["count"] += 1
        for name, value in values.items():
            self.window["sums"][name] = self.window["sums"].get(name, 0.0) + value
        self.bar.update(1)
        self.bar.set_postfix({name: f"{values[name]:.4g}" for name in self.shown if name in values}, refresh=False)
        if self.step % self.log_every == 0 or self.step == self.last_step:
            self.run.log(self.step, self.averages())
            self.window = {"count": 0, "sums": {}}
        if self.step % self.checkpoint_every == 0 or self.step in (self.last_step, self.pause_at):
            self.save()

    def on_train_end(self, logs=None):
        self.bar.close()

    def averages(self):
        """Means over the steps since the last log."""
        return {name: total / self.window["count"] for name, total in self.window["sums"].items()}

    def save(self):
        """Writes a checkpoint of the present step."""
        self.run.checkpoints.save(self.step, state.capture(self.networks, self.optimizers), {"window": self.window})

    def _advice(self):
        steps = self.run.checkpoints.steps()
        return ((f"the checkpoint of step {steps[-1]} is kept; resume" if steps else "start again")
                + " with a lower learning rate or in float32")


class CollapseMonitor(keras.callbacks.Callback):
    """Warns, once each, when the generator's output dies or the generator becomes the identity.

    Both leave a loss that looks fine: a dead output makes the pseudo-mask equal to the image, the identity makes
    it empty. Judged on ``patience`` logged windows in a row.

    Args:
        recorder: the RunRecorder whose windows are judged.
        after: steps before which nothing is judged.
    """

    DEAD_SHARE = 0.02  # of the input's mean
    IDENTITY_CHANGE = 0.002  # mean absolute change of a voxel
    IDENTITY_REMOVED = 0.1  # share of the added noise that is removed

    def __init__(self, recorder, after=200, patience=3):
        super().__init__()
        self.recorder, self.after, self.patience = recorder, after, patience
        self.streak = {"dead": 0, "identity": 0}
        self.found = {}
        self.sums, self.count = {}, 0

    def on_train_batch_end(self, batch, logs=None):
        for name in ("output_mean", "input_mean", "change", "noise_removed"):
            self.sums[name] = self.sums.get(name, 0.0) + float(logs[name])
        self.count += 1
        if self.count < self.recorder.log_every:
            return
        mean = {name: value / self.count for name, value in self.sums.items()}
        self.sums, self.count = {}, 0
        if self.recorder.step >= self.after:
            self._judge("dead", mean["output_mean"] < self.DEAD_SHARE * mean["input_mean"],
                        "the generator's output has died (all but zero): the pseudo-mask would equal the image; "
                        "use gan.generator_head=residual or a lower learning rate")
            self._judge("identity", mean["change"] < self.IDENTITY_CHANGE
                        and mean["noise_removed"] < self.IDENTITY_REMOVED,
                        "the generator copies its input: the pseudo-mask would be empty; use gan.noise=lesions or a "
                        "larger gan.adversarial_weight")

    def _judge(self, name, seen, message):
        self.streak[name] = self.streak[name] + 1 if seen else 0
        if self.streak[name] == self.patience and name not in self.found:
            self.found[name] = self.recorder.step
            self.recorder.run.update(collapse={**self.recorder.run.manifest.get("collapse", {}),
                                               name: {"step": self.recorder.step, "message": message}})
            progress.say(f"warning: step {self.recorder.step}: {message}")


class Panels(keras.callbacks.Callback):
    """Writes image panels to TensorBoard at every checkpoint.

    Args:
        recorder: the RunRecorder.
        draw: () -> name -> (N, H, W, 1 or 3) float in [0, 1].
    """

    def __init__(self, recorder, draw):
        super().__init__()
        self.recorder, self.draw = recorder, draw

    def on_train_batch_end(self, batch, logs=None):
        step = self.recorder.step
        if step % self.recorder.checkpoint_every == 0 or step == self.recorder.last_step:
            for name, panels in self.draw().items():
                self.recorder.run.board.image(name, panels, step)
