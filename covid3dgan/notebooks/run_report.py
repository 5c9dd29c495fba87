"""The report of an executed notebook: what was changed for it, and which cells failed."""

__all__ = ["RunReport"]

import dataclasses
from typing import Optional

from covid3dgan.notebooks.recorder import KINDS


@dataclasses.dataclass
class RunReport:
    """What `runner.run_notebook` did.

    Args:
        notebook, executed, report, working_directory: paths.
        kernel: {"python": path, "packages": versions}.
        options: steps, maps, phantoms, seed.
        cells: one {"number", "status", "seconds", "error", "first_line"} per code cell; numbers count code cells from
            1, status is done, failed or not run.
        events: {"kind", "what", "how", "cells"}, in the order of first use.
        unused_maps: ``--map`` placeholders that the notebook does not contain.
    """

    notebook: str
    executed: str
    report: str
    working_directory: str
    kernel: dict
    options: dict
    sha256: str
    cells: list = dataclasses.field(default_factory=list)
    events: list = dataclasses.field(default_factory=list)
    unused_maps: list = dataclasses.field(default_factory=list)
    ended: Optional[str] = None

    @property
    def failed(self):
        """The cells that failed."""
        return [cell for cell in self.cells if cell["status"] == "failed"]

    def add(self, event, number):
        """Adds an event of code cell ``number``, or the number to the event where it has happened before."""
        for held in self.events:
            if all(held[key] == event[key] for key in ("kind", "what", "how")):
                if number not in held["cells"]:
                    held["cells"].append(number)
                return
        self.events.append({**event, "cells": [number]})

    def as_dict(self):
        """Everything, as JSON values."""
        return {**dataclasses.asdict(self), "failed": [cell["number"] for cell in self.failed]}

    def lines(self, width=120):
        """The report for a terminal."""
        done = sum(cell["status"] == "done" for cell in self.cells)
        yield f"{self.notebook}: {done} of {len(self.cells)} code cells ran" + (f"; {self.ended}" if self.ended else "")
        what_width = max([len(event["what"]) for event in self.events] + [4])
        what_width = min(what_width, 44)
        for kind, meaning in KINDS.items():
            events = [event for event in self.events if event["kind"] == kind]
            if events:
                yield f"{kind} ({meaning})"
            for event in events:
                cells = "cell " + ", ".join(map(str, event["cells"]))
                yield f"  {cells:<12} {_short(event['what'], what_width):<{what_width}}  {event['how']}"
        for key in self.unused_maps:
            yield f"note: --map {key!r}: the notebook has no such path"
        for cell in self.failed:
            yield f"FAILED cell {cell['number']} ({cell['first_line']!r}): {cell['error']}"
        skipped = [str(cell["number"]) for cell in self.cells if cell["status"] == "not run"]
        if skipped:
            yield f"not run after the failure: cells {', '.join(skipped)} (--keep-going runs them)"
        yield f"executed notebook: {self.executed}"
        yield f"report: {self.report}"

    def markdown(self):
        """The report as the executed notebook's first cell."""
        rows = "\n".join(f"| {event['kind']} | {', '.join(map(str, event['cells']))} | {_cell(event['what'])} | "
                         f"{_cell(event['how'])} |" for event in self.events)
        failed = "".join(f"\n\n**Code cell {cell['number']} failed:** {_cell(cell['error'])}" for cell in self.failed)
        return ("### Executed by covid3dgan\n"
                "This is an executed copy; the cells below are unchanged. Code cells are counted from 1. What was done "
                "so that they run on today's libraries:\n\n| kind | cells | what | how |\n|---|---|---|---|\n"
                f"{rows}{failed}")


def _short(text, width):
    """A text of at most ``width`` signs: the end of a path, the beginning of anything else."""
    if len(text) <= width:
        return text
    return "..." + text[3 - width:] if "/" in text and " " not in text else text[:width - 3] + "..."


def _cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
