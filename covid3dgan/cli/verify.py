"""``covid3dgan verify DATA``: errors, warnings and facts for every file of a data set."""

__all__ = ["add_arguments", "run"]

import dataclasses
import json
import re
import sys

from covid3dgan.data.datasets.layouts import LAYOUTS
from covid3dgan.data.datasets.verify import verify
from covid3dgan.errors import ArgumentError, InputError

_LEVELS = ("errors", "warnings")
_MOST_ALIKE = 3  # cases that each show the same problem; from there on it is told once


def add_arguments(parser):
    parser.add_argument("data", nargs="+", metavar="DATA",
                        help="folders of data sets (docs/DATASETS.md), CT files, or folders of a DICOM series")
    parser.add_argument("--layout", choices=list(LAYOUTS), help="the folder layout, where it is not found by itself")
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")


def run(args):
    reports, failures = [], []
    for path in args.data:
        try:
            reports.append(verify(path, args.layout, args.strict))
        except ArgumentError:
            raise
        except InputError as error:
            failures.append(str(error))
    errors = len(failures) + sum(report.count("errors") for report in reports)
    if args.json:
        print(json.dumps({"errors": errors, "failed": failures,
                          "reports": [dataclasses.asdict(report) for report in reports]}, indent=1))
    else:
        for report in reports:
            print("\n".join(lines(report)))
    for failure in failures:
        print(f"covid3dgan verify: {failure}", file=sys.stderr)
    return 1 if errors else 0


def lines(report):
    """A report as lines of text; a problem that many cases share is told once, below them."""
    shared = _shared_problems(report)
    yield f"{report.name} ({report.layout}) in {report.root}"
    yield from _problems(report, "  ", {})
    for case in report.cases:
        yield f"  {case.id}: {describe(case.facts)}"
        yield from _problems(case, "    ", shared)
    for (level, _), texts in shared.items():
        yield f"  {level[:-1]} in {len(texts)} files, for example: {texts[0]}"
    yield ", ".join(_plural(count, noun) for count, noun in (
        (len(report.cases), "case"), (report.count("errors"), "error"), (report.count("warnings"), "warning")))


def _shared_problems(report):
    """(level, text without its file and numbers) -> the texts, for what more than `_MOST_ALIKE` cases have."""
    found = {}
    for case in report.cases:
        for level in _LEVELS:
            for text in getattr(case, level):
                found.setdefault((level, _kind(case, text)), []).append(text)
    return {kind: texts for kind, texts in found.items() if len(texts) > _MOST_ALIKE}


def _kind(case, text):
    """A problem's text without what differs from file to file."""
    for path in case.files.values():
        text = text.replace(path, "FILE")
    return re.sub(r"\d+(?:[.,]\d+)*", "N", text.replace(case.id, "CASE"))


def describe(facts):
    """Facts about a case as one line."""
    facts = dict(facts)
    words = [facts.pop(name) for name in ("group", "subset", "patient") if name in facts]
    if "shape" in facts:
        words.append("x".join(str(n) for n in facts.pop("shape")))
    if "spacing" in facts:
        words.append("x".join(f"{s:.3g}" for s in facts.pop("spacing")) + " mm")
    if "orientation" in facts:
        words.append(f"{facts.pop('orientation')}, {_plural(facts.pop('slices'), 'slice')}")
    if "hu_low" in facts:
        words.append(f"HU {facts.pop('hu_low'):g} to {facts.pop('hu_high'):g}")
    for name, value in facts.items():
        value = ", ".join(f"{v:g}" for v in value) or "none" if isinstance(value, list) else f"{value:g}"
        words.append(f"{name.replace('_', ' ')} {value}")
    return " · ".join(words) or "not readable"


def _problems(part, indent, shared):
    for level in _LEVELS:
        for text in getattr(part, level):
            if not shared or (level, _kind(part, text)) not in shared:
                yield f"{indent}{level[:-1]}: {text}"


def _plural(count, noun):
    return f"{count} {noun}{'' if count == 1 else 's'}"
