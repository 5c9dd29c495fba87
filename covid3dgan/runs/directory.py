"""A run directory: what was asked, what it ran on, what came out. Every long job owns one.

``run.json`` (command, preset with every value, seed, versions, git commit, inputs with sha256, timings, peak
memory, status), ``metrics.csv`` and TensorBoard events, ``checkpoints/``, ``figures/``.
"""

__all__ = ["Run", "check_same", "open_run", "read_manifest", "recipe_of"]

import csv
import json
import shutil
import sys
import time
from pathlib import Path

import covid3dgan
from covid3dgan import environment, presets, progress
from covid3dgan.errors import InputError, nearest_names
from covid3dgan.files import atomic_write_text, sha256, write_json
from covid3dgan.runs.checkpoints import CheckpointStore


class Run:
    """One run directory, open for writing. Use :meth:`start`; :func:`open_run` reads a finished one.

    Args:
        path: the directory.
        manifest: the content of run.json.
    """

    def __init__(self, path, manifest, keep=2):
        self.path = Path(path)
        self.manifest = manifest
        self.checkpoints = CheckpointStore(self.path / "checkpoints", keep=keep)
        self._started = time.time()
        self._earlier_seconds = manifest.get("seconds", 0.0)
        self._board = None

    @classmethod
    def start(cls, path, kind, preset, seed, inputs=(), details=None, resume=False, overwrite=False):
        """Makes a new run directory, or opens the one there to continue it.

        Args:
            path: the directory; refused if it holds a run, unless ``resume`` or ``overwrite``.
            kind: what the run trains or makes, e.g. "gan".
            preset: the preset with all overrides applied.
            seed: the run's seed.
            inputs: files it reads (their sha256 go into run.json).
            details: further JSON content for run.json.
            resume: continue; the directory must hold a run of the same kind, preset and seed.
            overwrite: remove a run that is there.
        """
        path = Path(path)
        manifest_path = path / "run.json"
        described = presets.as_dict(preset)
        if resume:
            manifest = read_manifest(manifest_path)
            check_same(path, manifest, kind, described, seed)
            manifest["status"] = "running"
            manifest.setdefault("resumed", []).append({"at": _now(), "command": sys.argv})
            run = cls(path, manifest)
            run._write()
            return run
        if path.exists() and any(path.iterdir() if path.is_dir() else [path]):
            held = "a run" if manifest_path.exists() else "other files"
            if not (overwrite and manifest_path.exists()):
                raise InputError(path, "a new or empty folder for the run", f"{held} in it",
                                 "pass --resume to continue it, --overwrite to start it anew, or name another folder"
                                 if manifest_path.exists() else "name another folder")
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        manifest = {
            "format": 1, "kind": kind, "status": "running", "command": sys.argv, "started": _now(), "seed": seed,
            "preset": described, "covid3dgan": covid3dgan.__version__, "versions": environment.versions(),
            "git_commit": environment.git_commit(), "machine": environment.machine(),
            "inputs": [{"path": str(p), "sha256": sha256(p)} for p in inputs], **(details or {}),
        }
        run = cls(path, manifest)
        run._write()
        return run

    @property
    def figures(self):
        """The folder for figures; made on first use."""
        folder = self.path / "figures"
        folder.mkdir(exist_ok=True)
        return folder

    def newest_checkpoint(self):
        """The newest whole checkpoint; says which damaged ones it skipped; InputError where there is none."""
        found = self.checkpoints.load()
        if found is None:
            raise InputError(self.path, "a run with a checkpoint", "none yet", "train it first")
        for name, reason in found.skipped:
            progress.say(f"warning: skipped the damaged checkpoint {name} ({reason})")
        return found

    def forget_after(self, step):
        """Drops logged rows after ``step``, which a resumed run is about to log again."""
        path = self.path / "metrics.csv"
        if path.exists():
            with open(path, newline="", encoding="utf-8") as handle:
                rows = list(csv.reader(handle))
            kept = rows[:1] + [row for row in rows[1:] if row and row[0].isdigit() and int(row[0]) <= step]
            atomic_write_text(path, "".join(",".join(row) + "\n" for row in kept))

    def log(self, step, values):
        """Appends one row to metrics.csv and the same scalars to TensorBoard.

        The columns are those of the first row; a later value under a new name is an error of the caller's.
        """
        path = self.path / "metrics.csv"
        if path.exists():
            with open(path, encoding="utf-8") as handle:
                columns = handle.readline().strip().split(",")[1:]
            if set(values) - set(columns):
                raise ValueError(f"metrics.csv has no column for {sorted(set(values) - set(columns))}")
        else:
            columns = list(values)
            path.write_text(",".join(["step", *columns]) + "\n", encoding="utf-8")
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(",".join([str(step)] + [_number(values.get(c)) for c in columns]) + "\n")
        for name, value in values.items():
            self.board.scalar(name, value, step)
        self.board.flush()

    @property
    def board(self):
        """The TensorBoard writer (runs/tensorboard.py), opened on first use."""
        if self._board is None:
            from covid3dgan.runs.tensorboard import Board

            self._board = Board(self.path / "tensorboard")
        return self._board

    def update(self, **content):
        """Puts content into run.json at once."""
        self.manifest.update(content)
        self._write()

    def finish(self, status="done", **content):
        """Records the end: status, seconds over all resumptions, peak memory."""
        self.manifest.update(content)
        self.manifest.update(status=status, ended=_now(), peak_memory_mb=environment.peak_memory_mb(),
                             seconds=round(self._earlier_seconds + time.time() - self._started, 2))
        self._write()
        if self._board is not None:
            self._board.close()
            self._board = None  # a training in rounds goes on after each

    def _write(self):
        write_json(self.path / "run.json", self.manifest)


def open_run(path, kind=None):
    """A run that exists, for reading: (Run, preset). ``kind`` is checked where given."""
    manifest = read_manifest(Path(path) / "run.json")
    if kind is not None and manifest["kind"] != kind:
        raise InputError(path, f"a run of kind {kind!r}", f"kind {manifest['kind']!r}", "name the other run's folder")
    return Run(path, manifest), presets.from_dict(manifest["preset"])


def read_manifest(path):
    """The content of a run.json."""
    if not path.is_file():
        folder = path.parent
        exported = sorted(folder.glob("*.tflite"))  # as 'finetune' leaves one in its folder
        others = [name for name in _siblings(folder) if name != folder.name]
        if folder.is_file():
            raise InputError(folder, "a run directory with run.json", "a file", "name the folder of a run")
        raise InputError(folder, "a run directory with run.json", "none" if folder.exists() else "no such folder",
                         f"name {exported[0]}" if exported else
                         f"check the folder's name{nearest_names(folder.name, others)}")
    return _read_json(path)


def _read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(path, "JSON written by covid3dgan", f"something else ({error})",
                         "restore the file or start a new run") from error


def recipe_of(folder):
    """The system whose recipe filled ``folder`` with runs, as its stages.json says; None where there is none."""
    stages = Path(folder) / "stages.json"
    if not stages.is_file():
        return None
    return _read_json(stages).get("identity", {}).get("system")


def _siblings(path):
    return [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []


def check_same(path, manifest, kind, described, seed):
    """Refuses to continue a run under other values, naming each one."""
    then = dict(presets.registry.fields_of_dict(manifest["preset"]))
    now = dict(presets.registry.fields_of_dict(described))
    differences = [f"{k}: {then.get(k)!r} then, {now.get(k)!r} now" for k in now if then.get(k) != now[k]]
    if manifest["kind"] != kind:
        differences.insert(0, f"kind: {manifest['kind']} then, {kind} now")
    if manifest["seed"] != seed:
        differences.insert(0, f"seed: {manifest['seed']} then, {seed} now")
    if differences:
        raise InputError(path, "the values that the run was started with", "; ".join(differences),
                         "resume with the same values or start a new run")


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _number(value):
    return "" if value is None else repr(float(value))
