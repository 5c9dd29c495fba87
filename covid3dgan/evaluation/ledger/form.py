"""The form of a ledger line, the papers' ledgers, and the page that is written from them."""

__all__ = ["Fix", "Ledger", "Line", "ledgers", "option_value", "page"]

import dataclasses
import textwrap

from covid3dgan import papers, presets
from covid3dgan.errors import InputError
from covid3dgan.evaluation import quotations
from covid3dgan.evaluation.quotations.form import quotable_fields, shown


@dataclasses.dataclass(frozen=True)
class Line:
    """One deviation.

    Attributes:
        number: its name, such as F23.
        about: what it concerns, in a few words.
        text, code: what the paper says and what the published code does.
        options: dotted preset fields that decide it, such as "threshold.relative". Empty where no preset field can.
        fixed: what ours does under every preset, where ``options`` is empty.
        tests: "tests/folder/test_file.py::test_name" of the tests that hold it.
    """

    number: str
    about: str
    text: str
    code: str
    options: tuple[str, ...] = ()
    fixed: str = ""
    tests: tuple[str, ...] = ()

    def __post_init__(self):
        if bool(self.options) == bool(self.fixed):
            raise InputError(f"ledger line {self.number}", "either options or what is fixed", "both or neither",
                             "give one of them")


@dataclasses.dataclass(frozen=True)
class Fix:
    """What an improved preset does otherwise although paper and code agree, or neither speaks of it.

    Attributes:
        about: what it does, in a few words.
        why: what it is meant to mend.
        options: dotted preset fields that do it.
    """

    about: str
    why: str
    options: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Ledger:
    """All lines of one system.

    Attributes:
        title, introduction: of its section of the page.
        presets: the columns, by their full names; the first is the published one.
        lines: the deviations.
        order: of the sections.
        improved: the preset that ``fixes`` belong to; empty where the system has none.
        fixes: all that it changes beyond the lines (tests hold the list complete).
        taken_over: the improved preset of another ledger, whose lines and fixes it takes over.
    """

    title: str
    introduction: str
    presets: tuple[str, ...]
    lines: tuple[Line, ...]
    order: int = 0
    improved: str = ""
    fixes: tuple[Fix, ...] = ()
    taken_over: str = ""


def ledgers():
    """The ledgers of all papers, in the order of their ``order``."""
    found = [papers.resolve(paper.ledger) for paper in papers.all() if paper.ledger]
    return sorted(found, key=lambda ledger: ledger.order)


def option_value(preset, path):
    """The value of a dotted field of a preset, such as "gan.batch_size"."""
    value = presets.get(preset)
    for part in path.split("."):
        if not hasattr(value, part):
            raise InputError(f"ledger option {path}", f"a field of the preset {preset}", f"no {part!r} in it",
                             "correct the ledger or the preset")
        value = getattr(value, part)
    return value


def page():
    """docs/FIDELITY.md as text."""
    lines = ["# Fidelity: what the papers say, what their code does, and what ours does", "",
             *_wrapped("Written by `python -m covid3dgan.evaluation.ledger` from `covid3dgan/evaluation/ledger/`, "
                       "`covid3dgan/evaluation/quotations/` and the presets; not by hand. \"Ours\" is read from the "
                       "presets, and every option can be changed in a run with `--set option=value`."), ""]
    for ledger in ledgers():
        lines += _section(ledger)
    lines += _quotations()
    return "\n".join(lines)


def _wrapped(text):
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def _section(ledger):
    short = [name.partition("/")[2] for name in ledger.presets]
    yield f"## {ledger.title}"
    yield ""
    yield from _wrapped(f"{ledger.introduction} Columns of ours: {', '.join(f'`{name}`' for name in ledger.presets)}.")
    yield ""
    yield _row(["", "what", "text", "code", *(f"ours: {name}" for name in short), "option", "test"])
    yield _row(["---"] * (6 + len(short)))
    for line in ledger.lines:
        yield _row([line.number, line.about, line.text, line.code, *_ours(line, ledger.presets),
                    "<br>".join(f"`{option}`" for option in line.options) or "-",
                    "<br>".join(f"[{test.partition('::')[2]}](../{test.partition('::')[0]})" for test in line.tests)
                    or "-"])
    yield ""
    if ledger.fixes:
        yield from _fixes(ledger)


def _quotations():
    yield "## What holds each field of the paper presets"
    yield ""
    yield "The paper's own words with their section, or that its text is silent and why the field holds what it does."
    yield "Where two places contradict each other both stand there, the one that is followed first."
    yield "`covid3dgan info shabani/paper` prints the same."
    yield ""
    for table in quotations.tables():
        yield f"### `{table.preset}`: paper {table.paper}"
        yield ""
        yield _row(["field", "value", "quotation (section), or stated silence"])
        yield _row(["---"] * 3)
        for path, value in quotable_fields(table.preset).items():
            yield _row([f"`{path}`", _shown(value), shown(table.entries[path])])
        yield ""


def _fixes(ledger):
    published = ledger.presets[0]
    taken = f" what `{ledger.taken_over}` does" if ledger.taken_over else ""
    yield f"### What `{ledger.improved}` changes besides{taken}"
    yield ""
    yield "\"Why\" says what each is meant to mend; what was measured is in docs/experiments."
    yield ""
    yield _row(["what", "why", "option", published.partition("/")[2], ledger.improved.partition("/")[2]])
    yield _row(["---"] * 5)
    for fix in ledger.fixes:
        values = ["<br>".join(_shown(option_value(name, option)) for option in fix.options)
                  for name in (published, ledger.improved)]
        yield _row([fix.about, fix.why, "<br>".join(f"`{option}`" for option in fix.options), *values])
    yield ""


def _ours(line, names):
    if line.fixed:
        return [line.fixed] + ['"'] * (len(names) - 1)
    return ["<br>".join(_shown(option_value(name, option)) for option in line.options) for name in names]


def _shown(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple) and len(value) > 6:
        return f"{len(value)} values, {_shown(value[0])} to {_shown(value[-1])}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_shown(part) for part in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
