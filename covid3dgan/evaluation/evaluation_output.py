"""What an evaluation leaves behind: a table for the terminal, JSON, CSV per case and slice, figures and a report."""

__all__ = ["as_json", "is_phantom", "terminal_table", "write"]

import csv
import io
import math
from pathlib import Path

import covid3dgan
from covid3dgan.errors import InputError
from covid3dgan.evaluation import report
from covid3dgan.evaluation.figures.evaluation import figures_of
from covid3dgan.evaluation.metrics import METRICS
from covid3dgan.evaluation.scores import format_mean
from covid3dgan.files import atomic_write_text, refuse_overwrite, write_json


def terminal_table(evaluated, seed=0, most_cases=30):
    """The evaluation as lines of text: a line per case, then mean, spread, interval and number per metric."""
    scores = evaluated.scores
    lines = [f"protocol {scores.protocol} ({_settings(scores)})", ""]
    cases = scores.per_case()
    if len(cases) <= most_cases:
        lines += [*_aligned([_case_columns(scores), *(_case_cells(line, scores) for line in cases)]), ""]
    rows = [("metric", "unit", f"mean ± {'std' if scores.spread == 'std' else '1.96 SE'}", "95 % CI", "n", "cases")]
    return "\n".join(lines + _aligned(rows + _summary_rows(scores, seed)))


def as_json(evaluated, prediction, reference, seed=0):
    """Everything as one dictionary of JSON values (NaN becomes null when it is written)."""
    scores = evaluated.scores
    return {
        "covid3dgan": covid3dgan.__version__, "protocol": scores.protocol, "settings": scores.settings,
        "prediction": str(prediction), "reference": str(reference), "bootstrap_seed": seed,
        "summary": {metric: {"unit": scores.unit_of(metric), **entry, "ci95": list(entry["ci95"])}
                    for metric, entry in scores.summary(seed).items()},
        "cases": [dict(line, **_sizes(evaluated, line["case"])) for line in scores.per_case()],
        "problems": list(evaluated.problems),
    }


def write(evaluated, folder, prediction, reference, command, seed=0, overwrite=False, view=None, shown=()):
    """Writes results.json, cases.csv, slices.csv, figures/ and report.html (with report.md) into ``folder``.

    Args:
        prediction, reference: the paths that were compared.
        command: the command line that makes these files again, for the report.
        view: the page in ``folder`` that shows the cases ``shown``, to which the report links; None without one.

    Returns:
        The path of the report.
    """
    folder = Path(folder)
    refuse_overwrite(folder / "results.json", overwrite)
    content = as_json(evaluated, prediction, reference, seed)
    write_json(folder / "results.json", content)
    _write_csv(folder / "cases.csv", content["cases"])
    _write_csv(folder / "slices.csv", evaluated.slices)
    phantom = is_phantom(reference)
    drawn, missing = figures_of(evaluated)
    pictures = {name: report.Picture(figure, caption, name) for name, (figure, caption) in drawn.items()}
    main = pictures.pop("overview", None)
    of_cases = tuple(pictures[name] for name in ("dice_by_infection", "volumes") if name in pictures)
    of_slices = tuple(pictures[name] for name in ("worst_slices", "best_slices") if name in pictures)
    whole, per_case = _tables(evaluated.scores, seed, view, shown)
    sections = [report.Section("Scores", (whole, *of_cases), phantom),
                report.Section("Slices", of_slices, phantom),
                report.Section("Cases", (per_case,), phantom),
                report.Section("Not drawn", tuple(map(report.Paragraph, missing)))]
    sections = [section for section in sections if section.items]
    if evaluated.problems:
        sections.append(report.Section("Not evaluated", tuple(map(report.Paragraph, evaluated.problems))))
    return report.write(folder / "report.html", "Evaluation", sections, overwrite=True, pictures="figures",
                        lead=_first_screen(evaluated.scores, seed, prediction, reference, main, command, view))[0]


def _first_screen(scores, seed, prediction, reference, picture, command, view):
    """What was compared by which protocol, the means with their intervals, and one slice."""
    summary = scores.summary(seed)
    numbers = []
    for metric in list(summary)[:4]:
        unit, (low, high) = scores.unit_of(metric), summary[metric]["ci95"]
        digits = 3 if unit == "" else 2
        interval = "" if math.isnan(low) else f"{low:.{digits}f} to {high:.{digits}f}"
        numbers.append(report.Headline(
            f"{METRICS[metric].label}{f' ({unit})' if unit else ''}",
            report.Cell(ours=format_mean(summary[metric], scores.spread, unit), interval=interval,
                        n=str(summary[metric]["n"]))))
    facts = (("prediction", f"`{Path(prediction).name}`"), ("reference", f"`{Path(reference).name}`"),
             ("protocol", f"`{scores.protocol}`, {_settings(scores)}"),
             ("cases", str(len(scores.per_case()))), ("seed of the intervals", str(seed)))
    links = () if view is None else (report.Link(f"Open the masks in a browser: {view.name}", view.name),)
    return report.Lead(facts, tuple(numbers), picture, command, links)


def is_phantom(reference):
    """Whether the references belong to a phantom cohort (its cohort.json lies in that folder or beside it)."""
    reference = Path(reference)
    return any((folder / "cohort.json").is_file() for folder in (reference, reference.parent, reference.parent.parent))


def _tables(scores, seed, view, shown):
    spread = "standard deviation" if scores.spread == "std" else "1.96 standard errors"
    yield report.Table(
        f"Protocol {scores.protocol}", ("metric", "unit", "mean", "95 % CI", "n", "cases"),
        tuple(_summary_rows(scores, seed)), numeric=(2, 3, 4, 5), notes=(
            f"± {spread} over {scores.level}s; n: {scores.level}s that count; interval: bootstrap over cases, "
            f"seed {seed}.",
            f"Settings: {_settings(scores)}."))
    columns, rows = _case_columns(scores), [_case_cells(line, scores) for line in scores.per_case()]
    rows = [(report.Link(row[0], view.name, row[0]), *row[1:]) if row[0] in shown else row for row in rows]
    yield report.Table("Per case", columns, tuple(rows), numeric=tuple(range(1, len(columns))))


def _summary_rows(scores, seed):
    rows = []
    for metric, entry in scores.summary(seed).items():
        unit, (low, high) = scores.unit_of(metric), entry["ci95"]
        digits = 3 if unit == "" else 2
        rows.append((METRICS[metric].label, unit or "fraction", format_mean(entry, scores.spread, unit),
                     "-" if math.isnan(low) else f"{low:.{digits}f} to {high:.{digits}f}",
                     str(entry["n"]), str(entry["cases"])))
    return rows


def _settings(scores):
    return ", ".join(f"{name} = {value}" for name, value in scores.settings.items() if value is not None)


def _case_columns(scores):
    units = [scores.unit_of(metric) for metric in scores.metrics]
    counted = () if scores.level == "volume" else (f"{scores.level}s counted",)
    return ("case", *counted, *(METRICS[m].label + (f" ({u})" if u else "") for m, u in zip(scores.metrics, units)))


def _case_cells(line, scores):
    cells = [line["case"]]
    if scores.level != "volume":
        cells.append(f"{line['counted']} of {line[scores.level + 's']}")
    for metric in scores.metrics:
        unit = scores.unit_of(metric)
        value = line[metric] * (100 if unit == "%" else 1)
        cells.append("-" if math.isnan(value) else f"{value:.{3 if unit == '' else 2}f}")
    return tuple(cells)


def _sizes(evaluated, case):
    sizes = next(row for row in evaluated.volumes if row["case"] == case)
    return {f"{name}_{evaluated.volume_unit}": sizes[name] for name in ("true", "predicted")}


def _aligned(rows):
    """Rows as text columns, the first flush left and the others flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
            for row in rows]


def _write_csv(path, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if not columns:
        raise InputError(path, "at least one row", "none", "evaluate at least one case")
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if isinstance(value, float) and math.isnan(value) else value
                         for name, value in row.items()})
    atomic_write_text(path, buffer.getvalue())
