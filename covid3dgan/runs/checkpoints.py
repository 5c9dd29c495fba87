"""Checkpoints that are whole or absent: one directory per step, every file checksummed.

``checkpoints/step_00000123/`` holds ``state.npz`` (plain arrays, read with allow_pickle=False) and
``checkpoint.json`` (step, sha256 of every file, information). It is written under a temporary name, synced to
disk and renamed, so a process that dies or a disk that fills leaves the earlier checkpoints as they were.
"""

__all__ = ["Checkpoint", "CheckpointStore"]

import dataclasses
import json
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan.errors import InputError
from covid3dgan.files import fsync_directory, sha256

_NAME = re.compile(r"step_(\d{8})$")


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What was loaded: the step, the arrays by name, the information, and (name, reason) of what was skipped."""

    step: int
    arrays: dict[str, np.ndarray]
    info: dict[str, Any]
    skipped: list[tuple[str, str]]


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        path: the folder that holds them; made on the first save.
        keep: how many of the newest to keep; older ones are removed after a successful save.
    """

    def __init__(self, path, keep=2):
        self.path = Path(path)
        self.keep = keep

    def steps(self):
        """The steps that have a directory, ascending (whether or not they load)."""
        if not self.path.is_dir():
            return []
        return sorted(int(m[1]) for m in map(_NAME.match, (p.name for p in self.path.iterdir())) if m)

    def save(self, step, arrays, info=None):
        """Writes one checkpoint and removes the oldest beyond ``keep``; returns its path.

        Args:
            step: completed training steps.
            arrays: name -> numpy array; object arrays are refused.
            info: JSON content kept beside the arrays.
        """
        final = self.path / f"step_{step:08d}"
        temporary = self.path / f".tmp-{os.getpid()}-{final.name}"
        arrays = {name: np.asarray(value) for name, value in arrays.items()}
        needed = sum(value.nbytes for value in arrays.values()) + (1 << 20)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()
            free = shutil.disk_usage(self.path).free
            if free < needed:
                raise OSError(28, f"{free >> 20} MiB free, {needed >> 20} MiB needed")
            temporary.mkdir()
            with open(temporary / "state.npz", "wb") as handle:
                np.savez(handle, **arrays)
                handle.flush()
                os.fsync(handle.fileno())
            content = {"step": int(step), "info": info or {}, "sha256": {"state.npz": sha256(temporary / "state.npz")}}
            with open(temporary / "checkpoint.json", "w", encoding="utf-8") as handle:
                json.dump(content, handle, indent=1)
                handle.flush()
                os.fsync(handle.fileno())
            fsync_directory(temporary)
            if final.exists():
                shutil.rmtree(final)
            os.replace(temporary, final)
            fsync_directory(self.path)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            kept = self.steps()
            raise InputError(final, "room and permission to write a checkpoint", error.strerror or str(error),
                             f"free some space and resume (the checkpoint of step {kept[-1]} is intact)" if kept
                             else "free some space and start again") from error
        for old in self.steps()[:-self.keep]:
            shutil.rmtree(self.path / f"step_{old:08d}", ignore_errors=True)
        return final

    def load(self, step=None):
        """The newest checkpoint that is whole (or that of ``step``); None where there is none at all.

        A damaged one is skipped and named in ``skipped``; when all are damaged an InputError lists them.
        """
        wanted = [step] if step is not None else self.steps()[::-1]
        skipped = []
        for number in wanted:
            directory = self.path / f"step_{number:08d}"
            try:
                arrays, info = _read(directory)
                return Checkpoint(number, arrays, info, skipped)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
                skipped.append((directory.name, str(error) or type(error).__name__))
        if skipped:
            listed = "; ".join(f"{name} ({reason})" for name, reason in skipped)
            raise InputError(self.path, "at least one whole checkpoint", f"only damaged ones: {listed}",
                             "restore one from a backup or start a new run")
        return None

    def _remove_leftovers(self):
        """Directories of writes that never finished (their process is gone) are of no use to anyone."""
        for leftover in self.path.glob(".tmp-*"):
            owner = leftover.name.split("-")[1]
            if not (owner.isdigit() and _alive(int(owner)) and int(owner) != os.getpid()):
                shutil.rmtree(leftover, ignore_errors=True)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _read(directory):
    content = json.loads((directory / "checkpoint.json").read_text(encoding="utf-8"))
    for name, digest in content["sha256"].items():
        if not (directory / name).is_file():
            raise ValueError(f"{name} is missing")
        if sha256(directory / name) != digest:
            raise ValueError(f"{name} does not match its checksum")
    with np.load(directory / "state.npz", allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}, content["info"]
