"""The stages of a whole system: each is done once, and skipped where its result is there."""

__all__ = ["Stages"]

import json
import time
from pathlib import Path

from covid3dgan import progress
from covid3dgan.errors import InputError
from covid3dgan.files import write_json


class Stages:
    """Runs named stages in order, and remembers in ``stages.json`` which are done and how long they took.

    Args:
        out: the folder of the whole run.
        identity: what makes two runs the same (preset, seed, data); a folder of another identity is refused.
        names: the stages, for the progress bar.
        overwrite: forget what is there.
    """

    def __init__(self, out, identity, names, overwrite=False):
        self.out = Path(out)
        self.path = self.out / "stages.json"
        self.identity = json.loads(json.dumps(identity, default=str))
        self.done = {}
        if self.path.is_file() and not overwrite:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            if held["identity"] != self.identity:
                odd = [key for key in self.identity if held["identity"].get(key) != self.identity[key]]
                raise InputError(out, "a new folder or one made with the same preset, seed and data",
                                 f"one made with another {', '.join(odd)}", "name another folder or pass --overwrite")
            self.done = held["done"]
        elif self.out.exists() and any(self.out.iterdir()) and not overwrite:
            raise InputError(out, "a new or empty folder", "other files in it", "name another folder")
        self.out.mkdir(parents=True, exist_ok=True)
        self.bar = progress.bar(total=len(names), description="stages", unit="stage")
        self._write()

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
