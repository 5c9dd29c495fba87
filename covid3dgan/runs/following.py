"""The run directory as a worker sees it that is not the chief: it reads, and writes nothing."""

__all__ = ["FollowedRun"]

from pathlib import Path

from covid3dgan import presets
from covid3dgan.runs.checkpoints import CheckpointStore
from covid3dgan.runs.directory import Run, check_same, read_manifest


class FollowedRun(Run):
    """What ``Run`` is to the chief, without a single write; ``manifest`` lives in this process alone."""

    def __init__(self, path, manifest, keep=2):
        super().__init__(path, manifest, keep)
        self.checkpoints = _ReadOnly(self.path / "checkpoints", keep=keep)

    @classmethod
    def start(cls, path, kind, preset, seed, inputs=(), details=None, resume=False, overwrite=False):
        """The chief's run: the one there where it is resumed, else one that is about to be made."""
        described = presets.as_dict(preset)
        manifest = {"kind": kind, "seed": seed, "preset": described, **(details or {})}
        if resume:
            manifest = read_manifest(Path(path) / "run.json")
            check_same(path, manifest, kind, described, seed)
        return cls(path, {**manifest, "status": "running"})

    @property
    def board(self):
        return _NoBoard()

    def log(self, step, values):
        """The chief logs: the values are the same on all workers."""

    def forget_after(self, step):
        """The chief does."""

    def _write(self):
        """The chief does."""


class _ReadOnly(CheckpointStore):
    def save(self, step, arrays, info=None):
        """The chief saves."""


class _NoBoard:
    def scalar(self, name, value, step):
        """The chief shows it."""

    image = scalar

    def flush(self):
        """Nothing is open."""

    close = flush
