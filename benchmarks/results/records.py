"""Result files: read, checked, and completed with what follows from the numbers of their seeds.

One JSON file is one claim, ``results/SECTION/NAME.json``; results/README.md describes every field. Whoever measures
writes ``values`` and ``intervals``; ``mean``, ``spread``, ``met`` and the papers' numbers are computed here.
"""

__all__ = ["ROOT", "RESULTS", "SECTIONS", "ResultError", "complete", "load", "problems", "csv_text", "rows",
           "text_of", "write"]

import csv
import io
import json
import statistics
from pathlib import Path

from covid3dgan.files import atomic_write_text

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"
# The folders of results/, in the order of the page.
SECTIONS = ("real", "shabani", "elmourabit", "khali", "afseg", "ssinfnet", "speed", "export")

_TEXTS = ("claim", "kind", "data", "command", "commit", "environment", "note")
_FIELDS = ("claim", "paper", "kind", "data", "cases", "command", "commit", "seeds", "machine", "environment", "numbers",
           "note")
_KINDS = {"real": "real images", "phantom": "phantoms", "none": "no images"}
_NUMBER = ("what", "on", "metric", "unit", "values", "intervals", "mean", "spread", "paper", "published_code", "target",
           "met", "shown", "digits")
_COLUMNS = ("file", "claim", "paper", "kind", "what", "on", "metric", "unit", "seeds", "values", "intervals", "n",
            "mean", "spread", "paper mean", "paper spread", "published code mean", "published code spread", "target",
            "met", "cases", "data", "command", "commit", "processor", "instructions", "cores", "environment", "note")


class ResultError(ValueError):
    """A result file that is not as results/README.md says; the sentence names file and field."""


def load(folder=RESULTS):
    """All records, {"section/name": record}, in the order of the page; completed, whatever the files say.

    Raises ``ResultError`` with all problems of all files.
    """
    found, wrong = {}, []
    for section in SECTIONS:
        for path in sorted((folder / section).glob("*.json")):
            name = f"{section}/{path.stem}"
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
            except json.JSONDecodeError as error:
                wrong.append(f"{name}: expected JSON, found {error}")
                continue
            sentences = problems(record)
            wrong += [f"{name}: {sentence}" for sentence in sentences]
            if not sentences:
                found[name] = complete(record)
    stray = {path.parent.name for path in folder.glob("*/*.json")} - set(SECTIONS)
    wrong += [f"{name}/: expected one of the sections {', '.join(SECTIONS)}" for name in sorted(stray)]
    if wrong:
        raise ResultError("; ".join(wrong))
    return found


def problems(record):
    """Sentences on what is missing or wrong in a record; none where it is as it should be."""
    wrong = [f"expected the field {name}" for name in _FIELDS if name not in record]
    wrong += [f"unknown field {name}" for name in record if name not in _FIELDS]
    if wrong:
        return wrong
    wrong += [f"{name}: expected text, found {record[name]!r}" for name in _TEXTS
              if not isinstance(record[name], str) or (not record[name] and name != "note")]
    if record["kind"] not in _KINDS:
        wrong.append(f"kind: expected one of {', '.join(_KINDS)}, found {record['kind']!r}")
    if set(record["machine"]) != {"processor", "instructions", "cores"}:
        wrong.append("machine: expected processor, instructions and cores")
    if not record["numbers"]:
        wrong.append("numbers: expected at least one")
    for number in record["numbers"]:
        wrong += [f"{number.get('what', '?')}: {sentence}" for sentence in _problems_of_number(number, record["seeds"])]
    return wrong


def _problems_of_number(number, seeds):
    wrong = [f"expected the field {name}" for name in ("what", "on", "metric", "unit", "values") if name not in number]
    wrong += [f"unknown field {name}" for name in number if name not in _NUMBER]
    if wrong:
        return wrong
    values, intervals = number["values"], number.get("intervals")
    if not [value for value in values if value is not None]:
        wrong.append("values: expected at least one number")
    if seeds and len(values) != len(seeds):
        wrong.append(f"values: expected one for each of the seeds {seeds}, found {len(values)}")
    if intervals is not None and len(intervals) != len(values):
        wrong.append(f"intervals: expected {len(values)} as values, found {len(intervals)}")
    for value, interval in zip(values, intervals or ()):
        if interval is not None and value is not None and not interval[0] <= value <= interval[1]:
            wrong.append(f"intervals: {value} is not in {interval}")
    if number.get("target") and set(number["target"]) - {"at_least", "at_most"}:
        wrong.append("target: expected at_least or at_most")
    for side in ("paper", "published_code"):
        if number.get(side) and "at" in number[side]:
            try:
                _printed(number[side]["at"])
            except KeyError as error:
                wrong.append(f"{side}: paper_numbers.json has no {error} of {number[side]['at']}")
    return wrong


def complete(record):
    """The record with mean and spread over its seeds, the papers' printed numbers, and whether targets are met."""
    return {**{name: record[name] for name in _FIELDS},
            "numbers": [_complete_number(number) for number in record["numbers"]]}


def _complete_number(number):
    values = [value for value in number["values"] if value is not None]
    whole = {**number, "mean": _rounded(statistics.fmean(values)),
             "spread": _rounded(statistics.stdev(values)) if len(values) > 1 else None}
    for side in ("paper", "published_code"):
        if number.get(side) and "at" in number[side]:
            whole[side] = {"at": number[side]["at"], **_printed(number[side]["at"])}
    whole["met"] = _met(values, number.get("target"))
    return {name: whole[name] for name in _NUMBER if name in whole and (whole[name] is not None or name in (
        "spread", "met"))}


def _met(values, target):
    """"yes" where every run is on the right side of the target."""
    if not target:
        return "none"
    fits = all(value >= target.get("at_least", value) and value <= target.get("at_most", value) for value in values)
    return "yes" if fits else "no"


def _printed(at):
    """Mean and spread at a path of paper_numbers.json such as "001/table3_ablation/GAN/Mosmed/dice"."""
    found = json.loads((ROOT / "covid3dgan" / "evaluation" / "paper_numbers.json").read_text(encoding="utf-8"))
    for name in at.split("/"):
        found = found[name]
    return {"mean": found["mean"], "spread": found.get("std", found.get("ci95"))}


def _rounded(value):
    """Six significant digits, so that no machine's last bit shows."""
    value = float(f"{value:.6g}")
    return int(value) if value == int(value) else value


def text_of(record):
    """A record as its file holds it: short lists on one line, one number a paragraph."""
    head = {name: record[name] for name in _FIELDS if name not in ("numbers", "note")}
    lines = [f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in head.items()]
    numbers = []
    for number in record["numbers"]:
        first = {name: number[name] for name in ("what", "on", "metric", "unit") if name in number}
        rest = {name: value for name, value in number.items() if name not in first}
        numbers.append("  {" + ", ".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
                                         for name, value in first.items())
                       + ",\n   " + ", ".join(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
                                              for name, value in rest.items()) + "}")
    return "\n".join(["{", *lines, ' "numbers": [', ",\n".join(numbers), " ],",
                      f' "note": {json.dumps(record["note"], ensure_ascii=False)}', "}", ""])


def rows(records):
    """One dictionary per number, every field of its record beside it: the rows of results.csv."""
    for name, record in records.items():
        for number in record["numbers"]:
            paper, code = number.get("paper", {}), number.get("published_code", {})
            values = [value for value in number["values"] if value is not None]
            yield {"file": name, **{key: record[key] for key in ("claim", "paper", "kind", "cases", "data", "command",
                                                                 "commit", "environment", "note")},
                   **{key: number.get(key) for key in ("what", "on", "metric", "unit", "mean", "spread", "met")},
                   "seeds": _joined(record["seeds"]), "values": _joined(number["values"]), "n": len(values),
                   "intervals": _joined(None if one is None else f"{one[0]}..{one[1]}"
                                        for one in number.get("intervals", ())),
                   "paper mean": paper.get("mean"), "paper spread": paper.get("spread"),
                   "published code mean": code.get("mean"), "published code spread": code.get("spread"),
                   "target": " ".join(f"{key.replace('_', ' ')} {value}"
                                      for key, value in (number.get("target") or {}).items()),
                   **record["machine"]}


def _joined(values):
    return " ".join("-" if value is None else str(value) for value in values)


def csv_text(records):
    """All rows as CSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(records))
    return text.getvalue()


def write(path, text):
    """Writes a text file whole, where it differs; whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    atomic_write_text(path, text)
    return True
