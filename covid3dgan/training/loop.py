"""What every training has in common: restore, fit with the run's callbacks, and an honest end."""

__all__ = ["TrainingOptions", "run_training"]

import dataclasses
from typing import Optional

from covid3dgan import compat, progress
from covid3dgan.errors import ArgumentError
from covid3dgan.runs import state
from covid3dgan.training.callbacks import RunRecorder
from covid3dgan.training.devices import ONE_DEVICE, start_devices


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """Execution options. They never change what a preset means.

    Args:
        seed: seeds weights, data and noise.
        precision: float32, mixed_bfloat16, mixed_float16 or auto.
        deterministic: reproducible kernels (bit for bit on the CPU in float32), slower.
        resume, overwrite: what to do with a run directory that holds a run.
        pause_after: stop after this many steps of this call; ``resume`` goes on.
        accumulate: parts of each batch whose gradients are summed one after the other, to save memory.
        recompute: computes activations again for the gradients in place of keeping them, to save memory.
        strategy: none, mirrored or multi_worker (training/devices.py).
        workers: processes that a recipe makes and prepares its cases with, before it trains.
        side_by_side: a recipe trains in processes of their own, its segmenters at once, which share ``workers`` threads
            and want the memory of all of them together.
    """

    seed: int = 0
    precision: str = "float32"
    deterministic: bool = False
    resume: bool = False
    overwrite: bool = False
    pause_after: Optional[int] = None
    accumulate: int = 1
    recompute: bool = False
    strategy: str = "none"
    workers: int = 1
    side_by_side: bool = False

    def prepare(self):
        """Seeds everything and sets the precision; call it before networks are built. Returns the precision."""
        compat.seed_everything(self.seed, self.deterministic)
        return compat.set_precision(self.precision)

    def devices(self):
        """The devices that ``strategy`` names, training.devices.Devices; call it before :meth:`prepare`, since
        several workers must be set up before TensorFlow computes anything."""
        devices = start_devices(self.strategy)
        if self.strategy != "none" and compat.resolve_precision(self.precision) == "mixed_float16":
            raise ArgumentError("--precision", f"float32 or mixed_bfloat16 with --strategy {self.strategy}",
                                "mixed_float16", "change one of the two")
        return devices

    def refuse_scaling(self, network, *taken):
        """Refuses the options for large trainings that ``network`` does not take, all but ``taken``."""
        for name in ("accumulate", "recompute", "strategy"):
            if name not in taken and getattr(self, name) != getattr(TrainingOptions, name):
                raise ArgumentError(f"--{name.replace('_', '-')}", "a network that takes it", network,
                                    "leave it out (see docs/ARCHITECTURE.md, Large trainings)")


def run_training(network, run, execution, dataset, steps, log_every, checkpoint_every, shown=(), callbacks=(),
                 devices=ONE_DEVICE):
    """Trains ``network`` to ``steps`` and leaves a finished (or resumable) run behind.

    Args:
        network: a compiled keras.Model with ``train_step``, ``networks()`` and ``optimizers()``.
        run: runs.directory.Run, opened with the same ``execution.resume``.
        execution: see :class:`TrainingOptions`.
        dataset: (first, last) -> tf.data.Dataset of the batches of these steps.
        steps, log_every, checkpoint_every: in steps.
        shown: the log entries that the progress bar shows.
        callbacks: functions from the RunRecorder to a further Keras callback.
        devices: the devices that train, training.devices.Devices.

    Returns:
        The step reached.
    """
    first, window = 0, None
    found = run.checkpoints.load() if execution.resume else None
    if found is not None:
        for name, reason in found.skipped:
            progress.say(f"warning: skipped the damaged checkpoint {name} ({reason})")
        state.restore(network.networks(), network.optimizers(), found.arrays, run.checkpoints.path)
        first, window = found.step, found.info.get("window")
        progress.say(f"resumed at step {first} of {steps}")
    devices.agree(first)
    run.forget_after(first)
    last = steps if execution.pause_after is None else min(steps, first + execution.pause_after)
    recorder = RunRecorder(run, network.networks(), network.optimizers(), steps, log_every, checkpoint_every, first,
                           window, shown, pause_at=last)
    try:
        if first < last:
            devices.fit(network, dataset(first, last), last - first,
                        [recorder, *(make(recorder) for make in callbacks)])
    except BaseException as error:
        run.finish("failed", error=str(error) or type(error).__name__, step=recorder.step)
        raise
    run.finish("done" if recorder.step >= steps else "paused", step=recorder.step)
    return recorder.step
