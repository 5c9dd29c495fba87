"""A paper's table in its own shape: methods down, data sets and metrics across, the paper's number above ours."""

__all__ = ["as_printed", "cell_of", "form", "headlines", "wide_table", "with_spread"]

import math

from covid3dgan.evaluation.metrics import METRICS
from covid3dgan.evaluation.report.items import Cell, Headline, Wide

_SPREADS = {"std": " ± standard deviation", "error95": " ± 1.96 standard errors", None: ""}


def wide_table(table, measured, competitors=True, beside=None, across="data sets"):
    """The ``Wide`` form of a table; rows and columns without any number are left out.

    Args:
        table: a ``paper_tables.PaperTable``.
        measured, competitors, beside: see ``comparison.comparison_table``.
        across: "data sets": a row per method, the metrics of each data set side by side; "methods": a row per metric,
            a column per method, and ``beside`` as a row of its own.

    Returns:
        None where there is no number at all.
    """
    printed = {number.key: number for number in table.numbers if number.ours or competitors}
    cells = {key: cell_of(printed.get(key), measured.get(key), table.unit) for key in [*printed, *measured]}
    if not cells:
        return None
    methods, sets, metrics = (list(dict.fromkeys(key[at] for key in cells)) for at in range(3))
    coded = ", below it what the published code printed" if _coded(printed) else ""
    note = (f"Upper number: the paper's{coded}; in bold: ours, then the difference, ours - paper, and n, the samples "
            "that ours counts.") if printed else "n: the samples that count."
    title = f"{table.name}: paper and ours" if printed else table.title
    title += f", {'in percent' if table.unit == '%' else 'as fractions'}{_SPREADS[table.spread]}"
    if across == "methods":
        rows = [(_label(metric), tuple(cells.get((method, sets[0], metric)) for method in methods))
                for metric in metrics]
        if beside is not None:
            rows += [(beside[0], tuple(cell_of(None, beside[1].get((method, sets[0], metric)), table.unit)
                                       for method in methods)) for metric in metrics]
        return Wide(title, sets[0], (("", len(methods)),), tuple(methods), tuple(rows), (note, *table.notes))
    columns = [(name, metric) for name in sets for metric in metrics
               if any((method, name, metric) in cells for method in methods)]
    groups = tuple((_group(name, measured), sum(place == name for place, _ in columns)) for name in sets)
    rows = tuple((method, tuple(_without(cells.get((method, *column)), _one_n(column[0], measured))
                                for column in columns)) for method in methods)
    return Wide(title, "method", groups, tuple(_label(metric) for _, metric in columns), rows,
                (note, *_made_on(sets, measured), *table.notes))


def cell_of(number, ours, unit):
    """The ``Cell`` of a PaperNumber and a Measured, either of which may be None."""
    digits = 2 if unit == "%" else 3
    found = {}
    if number is not None:
        found["paper"] = f"{with_spread(number.mean, number.spread, as_printed)} {number.mark}".strip()
        if number.notebook is not None:
            found["code"] = with_spread(number.notebook, number.notebook_spread, form(digits))
    if ours is not None:
        counted = not math.isnan(ours.mean)
        found["ours"] = with_spread(ours.mean, ours.std, form(digits)) if counted else "nothing counted"
        found["n"] = "" if ours.n is None else str(ours.n)
        if number is not None and counted:
            difference = round(ours.mean - number.mean, digits) + 0.0  # no -0
            found["difference"] = f"{difference:+.{digits}f}"
            found["higher"] = (difference > 0) - (difference < 0)
    return Cell(**found)


def headlines(table, measured, method, metric, what="", most=4):
    """The main numbers of the first screen: one method and metric of a table, on each of its data sets.

    Args:
        what: how they are counted, where that is to be said.
    """
    printed = {number.key: number for number in table.numbers}
    sets = dict.fromkeys(key[1] for key in (*printed, *measured) if key in measured)
    named = f"{'' if method == 'Ours' else f'{method}: '}{_label(metric)}{' (%)' if table.unit == '%' else ''}"
    return tuple(Headline(f"{named}, {name}{f', {what}' if what else ''}",
                          cell_of(printed.get((method, name, metric)), measured[method, name, metric], table.unit))
                 for name in sets if (method, name, metric) in measured)[:most]


def with_spread(mean, spread, written):
    """"mean ± spread" by a function value -> text; a dash for no mean."""
    if mean is None:
        return "-"
    return written(mean) + ("" if spread is None else f" ± {written(spread)}")


def as_printed(value):
    """A paper's number with the digits that it has there."""
    return f"{value:g}" if 0 < abs(value) < 1e-3 else str(value)


def form(digits):
    """value -> text with so many digits, or two significant ones where it is smaller."""
    return lambda value: f"{value:.{digits}f}" if value == 0 or abs(value) >= 10 ** -digits else f"{value:.2g}"


def _label(metric):
    return METRICS[metric].label if metric in METRICS else metric


def _coded(printed):
    return any(number.notebook is not None for number in printed.values())


def _one_n(name, measured):
    """The n that all our numbers on a data set share; None where they differ or there is none."""
    found = {ours.n for key, ours in measured.items() if key[1] == name}
    return found.pop() if len(found) == 1 else None


def _group(name, measured):
    shared = _one_n(name, measured)
    return name if shared is None else f"{name} (n {shared})"


def _without(cell, shared):
    """The cell without its n where the heading has it."""
    return cell if cell is None or shared is None else Cell(**{**vars(cell), "n": ""})


def _made_on(sets, measured):
    """A note on what ours were made, where there are any."""
    made = {name: "; ".join(dict.fromkeys(ours.data for key, ours in measured.items() if key[1] == name))
            for name in sets}
    if len(set(made.values())) == 1 and len(made) > 1:
        made = {"all columns": next(iter(made.values()))}
    found = [f"{name}: {text}" for name, text in made.items() if text]
    return (f"Ours, {'. '.join(found)}.",) if found else ()
