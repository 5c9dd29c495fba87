"""The form of an entry, the tables of all papers, and how an entry is shown."""

__all__ = ["ASPECT", "LOGS", "NO_MEDIAN", "OFF", "SUMS", "Quotation", "Quotations", "Silence", "as_json", "describe",
           "of_preset", "shown", "tables"]

import dataclasses
import textwrap
from typing import Any

from covid3dgan import papers, presets
from covid3dgan.presets.registry import fields_of

NO_FIELDS = ("name", "summary", "system")  # what a preset is called; no ``--set`` changes them
WIDTH = 118


@dataclasses.dataclass(frozen=True)
class Quotation:
    """The words that a field follows.

    Attributes:
        section: of the paper, such as "4.1", "Table 2" or "Algorithm 1".
        words: the paper's own; " ... " stands for words left out, and formulas lose their dollar signs.
        value: what the words say, as the field holds it; None where they state no value of their own.
        note: how the words lead to the value, where that is not plain.
        against: other places of the text that say something else; the field follows this one.
        departs: why the field does not follow the words after all; empty where it does.
    """

    section: str
    words: str
    value: Any = None
    note: str = ""
    against: tuple["Quotation", ...] = ()
    departs: str = ""


@dataclasses.dataclass(frozen=True)
class Silence:
    """The text says nothing of a field; ``reason`` says what the field holds in its place, and why."""

    reason: str


# Silences that every paper shares.
OFF = Silence("an aid of ours for other presets, off here")
LOGS = Silence("how often is logged and saved changes no result; the interval is ours")
NO_MEDIAN = Silence("no filter is named, so none is applied")
ASPECT = Silence("that proportions are kept is not said; the box around the lungs is stretched to the network's shape")
SUMS = Silence("read only where contrastive.grouping is sums; the published code's value")


@dataclasses.dataclass(frozen=True)
class Quotations:
    """All entries of one preset.

    Attributes:
        preset: its full name.
        paper: the paper's number, such as "001".
        entries: dotted field -> Quotation or Silence, one for every field that ``--set`` can change.
    """

    preset: str
    paper: str
    entries: dict[str, Any]


def tables():
    """The Quotations of all papers that have them, in the order of their numbers."""
    return sorted((table for paper in papers.all() for table in _of_paper(paper)), key=lambda table: table.paper)


def _of_paper(paper):
    """The tables that a paper's record names: none, one, or one for each of its presets."""
    found = papers.resolve(paper.quotations) if paper.quotations else ()
    return (found,) if isinstance(found, Quotations) else found


def of_preset(name):
    """The Quotations of the preset called ``name``, or None."""
    tables_of_paper = _of_paper(papers.get(presets.get(name).system))
    return next((table for table in tables_of_paper if table.preset == name), None)


def quotable_fields(name):
    """{dotted field: value} of the fields of a preset that an entry is needed for."""
    return {path: value for path, value in fields_of(presets.get(name)) if path not in NO_FIELDS}


def shown(entry):
    """An entry as one line of text."""
    if isinstance(entry, Silence):
        return f"silent: {entry.reason}"
    text = _quoted(entry)
    if entry.departs:
        text += f"; not followed: {entry.departs}"
    if entry.against:
        text += f"; against {' and '.join(map(_quoted, entry.against))}"
    return text + (f". {entry.note[0].upper()}{entry.note[1:]}" if entry.note else "")


def as_json(preset, table):
    """{field: its entry as a dictionary of JSON values}; without the fields that differ from the table's preset."""
    own, held = quotable_fields(table.preset), dict(fields_of(preset))
    return {path: _filled(dataclasses.asdict(table.entries[path])) for path in own if held[path] == own[path]}


def describe(preset, table):
    """Like ``presets.describe`` with each field's entry below it; fields that differ from the table's preset say so."""
    own = quotable_fields(table.preset)
    lines = []
    for line in presets.describe(preset).splitlines():
        lines.append(line)
        path = line.split()[0] if line.strip() else ""
        if path not in own:
            continue
        text = shown(table.entries[path])
        if dict(fields_of(preset))[path] != own[path]:
            text = f"changed by --set; {table.preset} has {own[path]!r}"
        lines += textwrap.wrap(text, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6,
                               break_on_hyphens=False)
    return "\n".join(lines)


def _filled(content):
    """A dictionary without what is empty, in the tuple of its quotations as well."""
    return {key: [_filled(part) for part in value] if key == "against" else value for key, value in content.items()
            if value is not None and value not in ("", ())}


def _quoted(entry):
    return f'"{entry.words}" ({entry.section})'
