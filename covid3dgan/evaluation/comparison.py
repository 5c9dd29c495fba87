"""The paper's numbers beside ours, as report tables: per number its data, its command and what may not be said."""

__all__ = ["Measured", "as_json", "comparison_table"]

import dataclasses
import math
from typing import Optional

from covid3dgan.evaluation.metrics import METRICS
from covid3dgan.evaluation.paper_shape import as_printed, form, wide_table, with_spread
from covid3dgan.evaluation.report import ON_PHANTOMS, Table

_COLUMNS = ("method", "data set", "metric", "paper", "published notebook", "ours", "95 % CI", "difference", "made on",
            "command")
_NOTEBOOK = _COLUMNS.index("published notebook")


@dataclasses.dataclass(frozen=True)
class Measured:
    """One of our numbers with its origin.

    ``mean``, ``std`` (the spread of the paper's kind) and ``ci95`` are in the table's unit; ``data`` says on what it
    was made and how many cases that were, ``phantom`` whether those are phantoms; ``command`` makes it again.
    """

    mean: float
    data: str
    command: str
    phantom: bool
    std: Optional[float] = None
    ci95: Optional[tuple[float, float]] = None
    n: Optional[int] = None

    @classmethod
    def of(cls, entry, data, command, phantom, spread="std"):
        """From an entry of ``Scores.summary()``."""
        return cls(entry["mean"], data, command, phantom, entry[spread], tuple(entry["ci95"]), entry["n"])


def comparison_table(table, measured, competitors=True, beside=None, across="data sets"):
    """A report ``Table``: paper | published notebook | ours | 95 % CI | difference | data | command, a row a number.

    Where the notebook has no number in any row its column is left out.

    Args:
        table: a ``paper_tables.PaperTable``.
        measured: (method, dataset, metric) -> ``Measured``; numbers that were not measured show a dash. A key that
            the paper has no number for gets a row of its own, below them, with the metrics in the paper's order.
        competitors: whether to keep the rows of other people's methods, which are only quoted.
        beside: (heading, another ``measured``): ours by another protocol, in a column of its own after the difference.
        across: see ``paper_shape.wide_table``, which makes the form that is shown first.

    Any phantom in ``measured`` is named in the table's badge.
    """
    digits = 2 if table.unit == "%" else 3
    commands = list(dict.fromkeys(m.command for m in measured.values()))
    rows = []
    for number in table.numbers:
        if number.ours or competitors:
            rows.append(_row(number.key, number, measured.get(number.key), digits, commands))
    added = _not_in_the_paper(table, measured)
    rows += [_row(key, None, measured[key], digits, commands) for key in added]
    columns, numeric = _COLUMNS, (3, 4, 5, 6, 7)
    if beside is not None:
        heading, others = beside
        columns, numeric = (*_COLUMNS[:8], heading, *_COLUMNS[8:]), (*numeric, 8)
        keys = [*(number.key for number in table.numbers if number.ours or competitors), *added]
        rows = [(*row[:8], _ours(others.get(key), digits), *row[8:]) for key, row in zip(keys, rows)]
    if all(row[_NOTEBOOK] == "-" for row in rows):  # the paper has no published code, or it printed nothing
        columns, rows = (*columns[:_NOTEBOOK], *columns[_NOTEBOOK + 1:]), [
            (*row[:_NOTEBOOK], *row[_NOTEBOOK + 1:]) for row in rows]
        numeric = numeric[:-1]
    kinds = {found.phantom for found in measured.values()}
    title, badge = f"{table.name}: {table.title}", ""
    if True in kinds:
        badge = ON_PHANTOMS if kinds == {True} else f"some of {ON_PHANTOMS}"
    spread = {"std": "± standard deviation", "error95": "± 1.96 standard errors", None: ""}[table.spread]
    unit = "in percent" if table.unit == "%" else "as fractions"
    notes = [f"Numbers {unit} {spread}".strip() + "; 95 % intervals: bootstrap over cases; difference: ours - paper."]
    notes += [f"[{index}] `{command}`" for index, command in enumerate(commands, 1)]
    return Table(title, columns, tuple(rows), notes=(*notes, *table.notes), merged=2, numeric=numeric, badge=badge,
                 wide=wide_table(table, measured, competitors, beside, across))


def as_json(table, measured):
    """Every number of the table for a results file: a dictionary per row, as ``comparison_table`` has them."""
    printed = {number.key: number for number in table.numbers}
    rows = []
    for key in dict.fromkeys([*printed, *measured]):
        number, ours = printed.get(key), measured.get(key)
        row = dict(zip(("method", "data_set", "metric"), key))
        if number is not None:
            row.update(paper=number.mean, paper_spread=number.spread, code=number.notebook,
                       code_spread=number.notebook_spread)
        if ours is not None:
            row.update(ours=ours.mean, ours_spread=ours.std, ci95=ours.ci95 and list(ours.ci95), n=ours.n,
                       made_on=ours.data, phantom=ours.phantom, command=ours.command)
        rows.append(row)
    return {"table": table.name, "title": table.title, "unit": table.unit, "rows": rows}


def _not_in_the_paper(table, measured):
    """Measured keys that the paper has no number for: by method and data set as they come, then by metric as the
    paper's rows have them."""
    known = {number.key for number in table.numbers}
    metrics = list(dict.fromkeys([number.key[2] for number in table.numbers] + [key[2] for key in measured]))
    groups = list(dict.fromkeys(key[:2] for key in measured))
    return sorted((key for key in measured if key not in known),
                  key=lambda key: (groups.index(key[:2]), metrics.index(key[2])))


def _ours(found, digits):
    """Mean and spread of one of our numbers."""
    if found is None:
        return "-"
    if math.isnan(found.mean):
        return "nothing counted"
    return with_spread(found.mean, found.std, form(digits))


def _row(key, number, found, digits, commands):
    method, dataset, metric = key
    shown = METRICS[metric].label if metric in METRICS else metric
    paper = notebook = "-"
    if number is not None:
        paper = f"{with_spread(number.mean, number.spread, as_printed)} {number.mark}".strip()
        notebook = with_spread(number.notebook, number.notebook_spread, form(digits))
    if found is None:
        return method, dataset, shown, paper, notebook, "-", "-", "-", "-", "-"
    origin = found.data, f"[{commands.index(found.command) + 1}]"
    ours = _ours(found, digits)
    if math.isnan(found.mean):
        return (method, dataset, shown, paper, notebook, ours, "-", "-", *origin)
    interval = "-"
    if found.ci95 is not None and not math.isnan(found.ci95[0]):
        interval = f"{found.ci95[0]:.{digits}f} to {found.ci95[1]:.{digits}f}"
    difference = "-" if number is None else f"{found.mean - number.mean:+.{digits}f}"
    return (method, dataset, shown, paper, notebook, ours, interval, difference, *origin)
