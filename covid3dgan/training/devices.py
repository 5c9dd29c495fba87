"""Many devices and many machines on tf.distribute: every device takes its share of each batch, all take one step.

What a step draws at random is drawn for the whole batch on every device and then cut, so the numbers are those of one
device with the whole batch. Worker 0, the chief, writes the run directory; the others read it when they resume.
"""

__all__ = ["ONE_DEVICE", "STRATEGIES", "Devices", "WorkerLost", "start_devices"]

import contextlib
import functools
import json
import os

import keras
import numpy as np
import tensorflow as tf

from covid3dgan.data.batches.pipelines import step_dataset
from covid3dgan.errors import ArgumentError, InputError, check_choice
from covid3dgan.runs.directory import Run
from covid3dgan.runs.following import FollowedRun

STRATEGIES = ("none", "mirrored", "multi_worker")
_TF_CONFIG = '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, "task": {"type": "worker", "index": 0}}'


class WorkerLost(InputError):
    """A worker of a multi-worker training no longer answers."""


class Devices:
    """The devices that train one network together.

    Args:
        strategy: tf.distribute.Strategy, or None for one device.
        worker, workers: this process among all of them.
    """

    def __init__(self, strategy=None, worker=0, workers=1):
        self.strategy, self.worker, self.workers = strategy, worker, workers
        self.replicas = strategy.num_replicas_in_sync if strategy else 1

    @property
    def is_chief(self):
        """Whether this process writes checkpoints and logs."""
        return self.worker == 0

    def scope(self):
        """Networks and optimizers are built within it."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def start_run(self, *args, **kwargs):
        """``Run.start``; on the other workers a run that writes nothing."""
        return (Run if self.is_chief else FollowedRun).start(*args, **kwargs)

    def share_batch(self, batch_size, name, accumulate=1):
        """Refuses a batch that does not divide among the devices and the parts of each."""
        if batch_size % (self.replicas * accumulate):
            parts = f"{self.replicas} devices" + (f" times {accumulate} parts" if accumulate > 1 else "")
            raise ArgumentError(name, f"a batch that divides by {self.replicas * accumulate} ({parts})",
                                f"{batch_size}", "change it, --accumulate or the number of devices")

    def join_norms(self, network):
        """Lets the batch normalisations of ``network`` take their statistics over the batches of all devices."""
        for layer in network.layers if self.replicas > 1 else ():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True
                layer.fused = False  # Keras 2's fused kernel knows one device only

    def dataset(self, batch_at, first, last, axes):
        """The batches of the steps first .. last - 1 as a tf.data.Dataset; with several devices in this process their
        shares follow one another.

        Args:
            batch_at: step -> dict of arrays of the whole batch.
            axes: array name -> its batch axis; None for what every device gets whole; 0 for names left out.
        """
        if self.strategy is None:
            return step_dataset(batch_at, first, last)
        local, whole = self._local, functools.lru_cache(maxsize=4)(batch_at)

        def share_at(number):
            return share(whole(number // local), self.worker * local + number % local, self.replicas, axes)

        return step_dataset(share_at, first * local, last * local)

    def run(self, function, batch, axes):
        """``function`` of a whole batch (a dict of arrays), each device on its share; for single calls."""
        if self.strategy is None:
            return function(batch)
        shares = (share(batch, self.worker * self._local + k, self.replicas, axes) for k in range(self._local))
        return self._step(function)(self._spread(shares))

    def fit(self, network, dataset, steps, callbacks):
        """What ``network.fit(dataset, callbacks=...)`` does, for ``steps`` steps on all devices.

        Keras's own ``fit`` is left to a single device: Keras 3's knows no several workers.

        Raises:
            WorkerLost: another worker went away.
        """
        if self.strategy is None:
            network.fit(dataset, epochs=1, verbose=0, callbacks=callbacks)
            return
        called = keras.callbacks.CallbackList(callbacks, model=network)
        step, batches = self._step(network.train_step), iter(dataset)
        called.on_train_begin()
        for number in range(steps):
            called.on_train_batch_begin(number)
            with self.watched():
                logs = {name: float(self.strategy.experimental_local_results(value)[0])
                        for name, value in step(self._spread(batches)).items()}
            called.on_train_batch_end(number, logs)
        called.on_train_end()

    def agree(self, step):
        """Refuses to go on where the workers stand at different steps, as without a shared folder."""
        if self.workers == 1:
            return
        value = tf.constant([step, step**2], tf.float64)

        def mean():
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, value)

        with self.watched():
            found = self.strategy.experimental_local_results(tf.function(lambda: self.strategy.run(mean))())[0]
        if not np.allclose(found, value):
            raise InputError("--resume", "all workers at one step", f"step {step} here and others elsewhere",
                             "give every worker the same run directory on a shared file system")

    @contextlib.contextmanager
    def watched(self):
        """Turns TensorFlow's errors about a worker that is gone into one sentence."""
        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError,
                tf.errors.DeadlineExceededError, tf.errors.CancelledError) as error:
            if self.workers == 1:
                raise
            reason = str(error.message).strip().splitlines()[0][:120]
            raise WorkerLost(f"worker {self.worker} of {self.workers}", f"all {self.workers} workers to answer",
                             f"one that is gone ({reason})",
                             "start every worker again with --resume: the newest checkpoint is kept") from error

    @property
    def _local(self):
        return self.replicas // self.workers

    def _step(self, function):
        return tf.function(lambda batch: self.strategy.run(function, args=(batch,)), jit_compile=False)

    def _spread(self, shares):
        """The next share of each of this process's devices, as the strategy wants them."""
        return self.strategy.experimental_distribute_values_from_function(lambda context: next(shares))


ONE_DEVICE = Devices()


def share(batch, index, count, axes):
    """Part ``index`` of ``count`` of a dict of arrays; see :meth:`Devices.dataset`."""
    found = {}
    for name, value in batch.items():
        axis = axes.get(name, 0)
        found[name] = value if axis is None else np.ascontiguousarray(np.split(value, count, axis)[index])
    return found


def start_devices(name):
    """The :class:`Devices` of ``--strategy name``; call it before TensorFlow does anything else.

    Raises:
        ArgumentError: an unknown name, or multi_worker without a usable TF_CONFIG.
    """
    if check_choice("--strategy", name, STRATEGIES) == "none":
        return ONE_DEVICE
    if name == "mirrored":
        return Devices(_strategy(name))
    worker, workers = _task()
    # On a busy network a worker may be late; one that is gone is noticed by its closed connection at once.
    return Devices(_strategy(name), worker, workers)


@functools.cache
def _strategy(name):
    """One strategy for all trainings of this process: a second one would number its collective operations anew, and
    TensorFlow takes an operation for another one of the same number."""
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(_devices())
    return tf.distribute.MultiWorkerMirroredStrategy()


def _devices():
    """All GPUs, or all (logical) CPUs."""
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return [device.name for device in tf.config.list_logical_devices(kind)]


def _task():
    """(this worker's number, number of workers) from TF_CONFIG."""
    text = os.environ.get("TF_CONFIG")
    try:
        found = json.loads(text)
        workers, task = found["cluster"]["worker"], found["task"]
        if set(found["cluster"]) != {"worker"} or task["type"] != "worker" or not 0 <= task["index"] < len(workers):
            raise ValueError
    except (TypeError, KeyError, ValueError):
        raise ArgumentError("TF_CONFIG", f"a cluster of workers and this one's index, like {_TF_CONFIG}",
                            "nothing" if text is None else text, "set it on every machine (docs/cluster)") from None
    return task["index"], len(workers)
