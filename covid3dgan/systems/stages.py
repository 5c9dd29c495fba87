"""The stages of a whole system: each is done once, and skipped where its result is there."""

__all__ = ["Stages", "train_or_go_on"]

import dataclasses
import json
import shutil
import time
from pathlib import Path

from covid3dgan import progress
from covid3dgan.errors import InputError
from covid3dgan.files import write_json
from covid3dgan.training.callbacks import TrainingStopped

ATTEMPTS = 4
FACTS = ("path", "seconds", "step", "collapse", "threshold")
ABSENT = object()  # a field that the other version of the program does not have


class Stages:
    """Runs named stages in order, and remembers in ``stages.json`` which are done and how long they took.

    Args:
        out: the folder of the whole run.
        identity: what makes two runs the same (preset, seed, data); a folder of another identity is refused.
        names: the stages, for the progress bar.
        overwrite: forget what is there.
        folders: what the stages make and later calls go on from, by name; removed with what is forgotten, since a stage
            would otherwise take up what another seed or preset has left.
    """

    def __init__(self, out, identity, names, overwrite=False, folders=()):
        self.out = Path(out)
        self.path = self.out / "stages.json"
        self.identity = json.loads(json.dumps(identity, default=str))
        self.done = {}
        if self.path.is_file() and not overwrite:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            if held["identity"] != self.identity and not self._unused(held):
                raise InputError(out, "a new folder or one made with the same preset, seed and data",
                                 f"one made with another {_differences(held['identity'], self.identity)}",
                                 "name another folder or pass --overwrite")
            self.done = held["done"]
        elif self.path.is_file():
            for name in folders:
                shutil.rmtree(self.out / name, ignore_errors=True)
        elif self.out.exists() and any(self.out.iterdir()) and not overwrite:
            raise InputError(out, "a new or empty folder", "other files in it", "name another folder")
        self.out.mkdir(parents=True, exist_ok=True)
        self.bar = progress.bar(total=len(names), description="stages", unit="stage")
        self._write()

    def _unused(self, held):
        """Whether an earlier call ended before it made anything, as where its data were not found."""
        return not held["done"] and [path.name for path in self.out.iterdir()] == [self.path.name]

    def run(self, name, work):
        """Does ``work()`` unless the stage is done; its JSON result is kept and returned either way."""
        self.bar.set_description(name)
        if name not in self.done:
            self.announce(name)
            started = time.perf_counter()
            result = work()
            self.keep(name, time.perf_counter() - started, result)
        self.bar.update(1)
        return self.done[name]["result"]

    def announce(self, *names):
        """Says that these stages begin, all at once."""
        self.bar.set_description(", ".join(names))
        progress.say(f"== {', '.join(names)}")

    def keep(self, name, seconds, result):
        """Remembers a stage that was done elsewhere, and its JSON result; :meth:`run` then skips it."""
        self.done[name] = {"seconds": round(seconds, 1), "result": result}
        self._write()

    def close(self):
        self.bar.close()

    def _write(self):
        write_json(self.path, {"identity": self.identity, "done": self.done})


def _differences(held, wanted, most=3):
    """What two identities differ in, as text: "seed (there 1, here 2)", "preset (gan.steps: there 30, here 100)"."""
    return ", ".join(f"{name} ({_values(held.get(name), wanted.get(name), most)})"
                     for name in dict.fromkeys([*wanted, *held]) if held.get(name) != wanted.get(name))


def _values(held, wanted, most):
    if not (isinstance(held, dict) and isinstance(wanted, dict)):
        return f"there {_shown(held)}, here {_shown(wanted)}"
    held, wanted = dict(_leaves(held)), dict(_leaves(wanted))
    odd = [key for key in dict.fromkeys([*wanted, *held]) if held.get(key, ABSENT) != wanted.get(key, ABSENT)]
    found = [f"{key}: there {_shown(held.get(key, ABSENT))}, here {_shown(wanted.get(key, ABSENT))}"
             for key in odd[:most]]
    return "; ".join(found) + (f"; and {len(odd) - most} more" if len(odd) > most else "")


def _leaves(content, path=()):
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield ".".join((*path, key)), value


def _shown(value):
    return "absent" if value is ABSENT else json.dumps(value)


def train_or_go_on(train, *data, path, preset, execution, facts=FACTS, **options):
    """Trains, or goes on with a run that an earlier call left unfinished.

    In bfloat16 a CPU kernel now and then hands back NaN that another try does not see; such a run goes on from its
    last good checkpoint. In float32 a NaN is the training's own and ends it.

    Args:
        train: a function of (*data, path, preset, execution, **options) that returns the Run.
        path: the run directory.
        facts: which of FACTS come back.

    Returns:
        JSON for stages.json, by fact.
    """
    for attempt in range(ATTEMPTS):
        resume = (Path(path) / "run.json").is_file()
        try:
            run = train(*data, path=path, preset=preset,
                        execution=dataclasses.replace(execution, resume=resume, overwrite=False), **options)
            break
        except TrainingStopped as error:
            if execution.precision == "float32" or attempt == ATTEMPTS - 1:
                raise
            progress.say(f"warning: {error} Trying again from the last checkpoint.")
    found = {"path": str(run.path), "seconds": run.manifest["seconds"], "step": run.manifest["step"],
             "collapse": run.manifest.get("collapse", {}), "threshold": run.manifest.get("threshold")}
    return {fact: found[fact] for fact in facts}
