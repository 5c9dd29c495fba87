"""Cells and tables of the documents: numbers as they are printed, one row per number, sources below."""

__all__ = ["letters_of", "machines_table", "mean_text", "metrics_table", "pair_text", "decimals", "sources", "table",
           "target_text", "wrapped"]

import itertools
import string
from decimal import Decimal

# What stands before the data of a row.
_KIND = {"real": "", "phantom": "phantoms: ", "none": ""}
_UNITS = {"1": "", "%": " %"}
_WIDTH = 120


def letters_of(records):
    """{name: letter} for the sources of one table."""
    return dict(zip(records, itertools.chain(string.ascii_lowercase, string.ascii_uppercase)))


def metrics_table(records):
    """The lines of one table in a paper's shape, metrics across, over what is shown with several of them; each cell is
    "paper / ours", or ours alone; spread and number of runs stand in the last column. No lines where there is nothing
    of the kind."""
    groups = {key: numbers for key, numbers in _by_subject(records).items() if len(numbers) > 1}
    metrics = list(dict.fromkeys(number["metric"] for numbers in groups.values() for number in numbers))
    if not groups:
        return []
    lines = _head("what, paper / ours", "data", *metrics, "from")
    for (letter, kind, what, on), numbers in groups.items():
        cells = {number["metric"]: _paper_and_ours(number, number["metric"] == metrics[-1]) for number in numbers}
        lines.append(_row(what, kind + on, *(cells.get(metric, "-") for metric in metrics), letter))
    return lines


def _paper_and_ours(number, whole):
    """"0.839 / 0.851 ± 0.009 (3)"; without spread and number of runs unless ``whole``."""
    paper = f"{pair_text(number, 'paper').partition(' ')[0]} / " if number.get("paper") else ""
    return paper + (mean_text(number) if whole else mean_text({**number, "spread": None}, with_count=False))


def _by_subject(records):
    """{(letter, kind, what, on): shown numbers}."""
    letters, groups = letters_of(records), {}
    for name, record in records.items():
        for number in record["numbers"]:
            if number.get("shown", True):
                key = letters[name], _KIND[record["kind"]], number["what"], number["on"]
                groups.setdefault(key, []).append(number)
    return groups


def table(records, but_for_metrics=False):
    """The lines of one table over records, a row per shown number; the last column names its source.

    ``but_for_metrics`` leaves out what :func:`metrics_table` has.
    """
    several = {key for key, numbers in _by_subject(records).items() if but_for_metrics and len(numbers) > 1}
    letters = letters_of(records)
    shown = [(letters[name], record, number) for name, record in records.items() for number in record["numbers"]
             if number.get("shown", True)
             and (letters[name], _KIND[record["kind"]], number["what"], number["on"]) not in several]
    with_paper = any(number.get("paper") for _, _, number in shown)
    with_target = any(number.get("target") for _, _, number in shown)
    lines = _head("what", "data", *(["paper", "published code"] if with_paper else []), "ours: mean ± spread (n)",
                  *(["target"] if with_target else []), "from")
    for letter, record, number in shown:
        cells = [_what(number), _KIND[record["kind"]] + number["on"]]
        if with_paper:
            cells += [pair_text(number, "paper"), pair_text(number, "published_code")]
        cells.append(mean_text(number, with_interval=True))
        if with_target:
            cells.append(target_text(number))
        lines.append(_row(*cells, letter))
    return lines


def machines_table(records):
    """The lines of one table over records, machines across; each cell names its source, and where it misses."""
    letters = letters_of(records)
    machines = list(dict.fromkeys(machine_text(record["machine"]) for record in records.values()))
    cells, targets = {}, {}
    for name, record in records.items():
        for number in record["numbers"]:
            if number.get("shown", True):
                key = _what(number), _KIND[record["kind"]] + number["on"]
                text = f"{mean_text(number, with_count=False)} ({letters[name]})"
                missed = " **missed**" if number["met"] == "no" else ""
                column = cells.setdefault(key, {}).setdefault(machine_text(record["machine"]), [])
                column.append(text + missed)
                targets[key] = targets.get(key) or target_text(number).partition(":")[0]
    lines = _head("what", "data", "target", *machines)
    for key, columns in cells.items():
        lines.append(_row(*key, targets[key], *(", ".join(columns.get(machine, "-")) for machine in machines)))
    return lines


def sources(records):
    """A line or more per command whose numbers are shown: letters, files, command, instruction sets, commit, note."""
    groups = {}
    for name, letter in letters_of(records).items():
        record = records[name]
        if any(number.get("shown", True) for number in record["numbers"]):
            letters, sets = groups.setdefault((record["command"], record["commit"], record["note"]), ([], []))
            letters.append(f"[{letter}](../results/{name}.json)")
            if record["machine"]["instructions"] not in sets:
                sets.append(record["machine"]["instructions"])
    return [line for (command, commit, note), (letters, sets) in groups.items()
            for line in wrapped(
                f"* {', '.join(letters)}: `{_short(command)}`; {', '.join(sets)}; {commit}. {note}".rstrip())]


def _short(command, most=88):
    """A command that fits a line; its file has the rest."""
    return command if len(command) <= most else command[:most].rpartition(" ")[0] + " ..."


def machine_text(machine):
    """"AMD EPYC, AVX2 only"."""
    return f"{machine['processor']}, {machine['instructions']}"


def mean_text(number, with_interval=False, with_count=True):
    """"0.848 ± 0.008 (3)": mean, spread over runs, number of runs; the interval over cases in brackets."""
    values = [value for value in number["values"] if value is not None]
    digits = _digits(number)
    text = _shown(number["mean"], digits)
    if number["spread"] is not None:
        text += f" ± {_shown(number['spread'], digits)}"
    text += _UNITS.get(number["unit"], f" {number['unit']}")
    ends = [one for one in number.get("intervals") or () if one]
    if with_interval and ends:
        text += f" [{_shown(min(low for low, _ in ends), digits)}, {_shown(max(high for _, high in ends), digits)}]"
    return f"{text} ({len(values)})" if with_count else text


def pair_text(number, side):
    """The paper's or the published code's number with its own spread, or a dash."""
    found = number.get(side)
    if not found:
        return "-"
    digits = 1 if number["unit"] == "%" else 3
    text = _shown(found["mean"], digits)
    return text if found.get("spread") is None else f"{text} ± {_shown(found['spread'], digits)}"


def target_text(number):
    """"at least 0.58: met", "at most 2 ml: **missed**", or nothing."""
    if not number.get("target"):
        return ""
    (side, limit), = number["target"].items()
    verdict = "met" if number["met"] == "yes" else "**missed**"
    return f"{side.replace('_', ' ')} {limit:g}{_UNITS.get(number['unit'], ' ' + number['unit'])}: {verdict}"


def _what(number):
    return f"{number['what']}, {number['metric']}" if number["metric"] else number["what"]


def _digits(number):
    """How many decimals are printed: as many as the file says, or as its values have, three at most."""
    if "digits" in number:
        return number["digits"]
    return min(3, max(decimals(value) for value in number["values"] if value is not None))


def decimals(value):
    """How many decimals a number is written with."""
    return max(0, -Decimal(str(value)).as_tuple().exponent)


def _shown(value, digits):
    """A number; one too small for its decimals as a power of ten."""
    if value and abs(value) < 0.5 * 10 ** -digits or 0 < abs(value) < 1e-4:
        return f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.{digits}f}"


def _head(*cells):
    return [_row(*cells), "|" + "---|" * len(cells)]


def _row(*cells):
    return "| " + " | ".join(cells).replace("|  |", "| |") + " |"


def wrapped(text, indent="  "):
    """Lines of at most 120 columns, the later ones indented, as in a list."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = indent + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
