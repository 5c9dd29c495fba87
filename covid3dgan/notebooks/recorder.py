"""What the kernel did for a notebook, written line by line to a file that the runner reads after every cell."""

__all__ = ["KINDS", "Recorder", "read_events"]

import json
from pathlib import Path

# In the order in which the report shows them.
KINDS = {
    "alias": "vanished name, put back",
    "stand-in": "missing package, ours in its place",
    "inert": "missing package, import alone works",
    "mapping": "path or directory, replaced",
    "phantom": "file made on the fly from phantoms",
    "cap": "loop count, limited by --steps",
    "adaptation": "code or constant, fitted to today's libraries or to the data at hand",
    "skipped": "shell line or magic, not run",
}


class Recorder:
    """Appends events to ``path``; the same event is written once per cell.

    Args:
        path: the file; None keeps events in ``events`` alone (tests).
    """

    def __init__(self, path=None):
        self.path = Path(path) if path else None
        self.events = []
        self._seen = set()

    def emit(self, kind, what, execution):
        """Notes that ``what`` was dealt with as ``execution`` says; ``kind`` is one of KINDS."""
        event = {"kind": kind, "what": str(what), "how": str(execution)}
        key = tuple(event.values())
        if key in self._seen:
            return
        self._seen.add(key)
        self.events.append(event)
        if self.path:
            with open(self.path, "a", encoding="utf-8") as handle:
                handle.write(json.dumps(event) + "\n")

    def new_cell(self):
        """Lets the next cell report again what an earlier one has reported."""
        self._seen.clear()


def read_events(path, skip=0):
    """The events in ``path`` after the first ``skip``."""
    path = Path(path)
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[skip:]]
