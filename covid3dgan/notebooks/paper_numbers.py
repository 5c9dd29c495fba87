"""The papers' printed numbers and ours beside them, from result files and from folders of ``reproduce``.

>>> ours = from_results("results") + from_run("runs/s1")                                      # doctest: +SKIP
>>> for table in printed("shabani"):                                                          # doctest: +SKIP
...     print(markdown(table, "shabani", ours))
"""

__all__ = ["Ours", "chart", "from_results", "from_run", "markdown", "printed"]

import dataclasses
import json
from pathlib import Path
from typing import Optional

from covid3dgan.errors import InputError
from covid3dgan.evaluation import paper_tables
from covid3dgan.evaluation.figures.style import GREY, SERIES, new_figure, styled
from covid3dgan.evaluation.metrics import METRICS

# Where a table of paper_numbers.json stands: its system, what the names below it are, and what they leave out.
_PLACES = {
    "001/table2_comparison": ("shabani", ("method", "dataset", "metric"), {}),
    "001/table3_ablation": ("shabani", ("method", "dataset", "metric"), {}),
    "001/table4_pairs": ("shabani", ("method", "dataset", "metric"), {}),
    "000/table5_results": ("elmourabit", ("dataset", "metric"), {"method": "GAN + UNet"}),
    "002/table1": ("khali", ("method", "metric"), {"dataset": "Mosmed"}),
    "003/table1": ("afseg", ("dataset", "method", "metric"), {}),
    "004/table2_single": ("ssinfnet", ("method", "metric"), {"dataset": "MedSeg"}),
    "004/table3_multi": ("ssinfnet", ("dataset", "method", "metric"), {}),
}
# Paper 001's whole system under the names of its three tables.
_FULL = ("GAN + UNet + contrastive", "Ours", "low vs high")
_KINDS = {"real": "real images", "phantom": "phantoms"}


@dataclasses.dataclass(frozen=True)
class Ours:
    """One of our numbers that a paper has printed, too.

    ``key`` is a ``PaperNumber.key``; ``unit`` "%" or "1"; ``spread`` is over ``n`` trainings, or, where it comes from a
    run, of the paper's kind (over slices, images or patients); ``kind`` says on what it was measured, ``origin`` where
    it is kept.
    """

    system: str
    key: tuple
    mean: float
    unit: str
    spread: Optional[float]
    n: int
    kind: str
    origin: str


def printed(system):
    """The paper's tables, ``paper_tables.PaperTable``."""
    return paper_tables.tables(system)


# === Ours ===

def from_results(folder):
    """Everything in the result files below ``folder`` (results/README.md) that stands beside a printed number."""
    folder, found = Path(folder), []
    for path in sorted(folder.glob("*/*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        for number in record["numbers"]:
            place = _place(number.get("paper", {}).get("at", ""))
            if place is None or number.get("mean") is None:
                continue
            system, (method, dataset, metric) = place
            for name in _FULL if system == "shabani" and method in _FULL else (method,):
                found.append(Ours(system, (name, dataset, metric), number["mean"], number["unit"],
                                  number.get("spread"), len([v for v in number["values"] if v is not None]),
                                  _KINDS[record["kind"]], f"results/{path.relative_to(folder).as_posix()}"))
    return found


def _place(at):
    """(system, key) of a path such as "001/table3_ablation/GAN/Mosmed/dice"; None where no table is drawn from it."""
    paper, table, *names = [*at.split("/"), ""][:-1] if at.count("/") > 1 else ("", "")
    if f"{paper}/{table}" not in _PLACES:
        return None
    system, parts, known = _PLACES[f"{paper}/{table}"]
    named = {**known, **dict(zip(parts, names))}
    method = "Ours" if named["method"] == "ours" else named["method"]
    return system, (method, named["dataset"], named["metric"])


def from_run(folder):
    """The numbers of a finished ``covid3dgan reproduce``, by the papers' own protocols.

    Raises:
        InputError: no such folder, or none of a finished run.
    """
    folder = Path(folder)
    for name in ("results.json", "tables.json", "table1.json"):
        if (folder / name).is_file():
            break
    else:
        raise InputError(folder, "results.json, tables.json or table1.json of a finished reproduce", "none of them",
                         "name the folder that reproduce --out wrote")
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    system = content["preset"].split("/")[0]
    kind = "phantoms" if content["phantom"] else "real images"
    unit = "%" if any(table.unit == "%" for table in printed(system)) else "1"
    spread = "error95" if system == "ssinfnet" else "std"
    return [Ours(system, key, entry["mean"], unit, entry.get(spread), 1, kind, folder.name)
            for key, entry in _READERS[system](folder, content) if entry.get("mean") is not None]


def _shabani(folder, content):
    scores = json.loads((folder / "stages.json").read_text(encoding="utf-8"))["done"]["scores"]["result"]
    for value, entry in scores["curve"].get("paper", {}).items():
        if entry["per_volume"] is not None:
            yield (f"threshold {value}", "CoronaCases", "dice"), {"mean": 100 * entry["per_volume"]}
    for method, sets in scores["summaries"].items():
        for dataset, summary in sets.items():
            for metric, entry in summary["published"].items():
                for name in _FULL if method in _FULL else (method,):
                    yield (name, dataset, metric), entry


def _elmourabit(folder, content):
    for dataset, summary in content["scores"].items():
        for metric, entry in summary.items():
            yield ("GAN + UNet", dataset, metric), entry


def _khali(folder, content):
    for method, kinds in content["scores"].items():
        for metric, entry in kinds["pixel_max"].items():
            yield (method, "Mosmed", metric), entry


def _afseg(folder, content):
    task = content["preset"].split("/")[1]
    for method, summary in content["methods"].items():
        for metric, entry in summary.items():
            yield (method, task, metric), entry


def _ssinfnet(folder, content):
    for method, summary in content["single"].items():
        for metric, entry in summary.items():
            yield (method, "MedSeg", metric), entry
    for method, labels in content["multi"].items():
        for label, summary in labels.items():
            for metric, entry in summary.items():
                yield (method, label, metric), entry


_READERS = {"shabani": _shabani, "elmourabit": _elmourabit, "khali": _khali, "afseg": _afseg, "ssinfnet": _ssinfnet}


# === Side by side ===

def markdown(table, system, ours):
    """The table as Markdown: a row a method and data set, a column a metric, each cell "paper | **ours**"; notes below.

    Args:
        table: one of ``printed(system)``.
        ours: list of ``Ours``, of any system; several of one number stand one after the other.
    """
    held = _held(table, system, ours)
    origins = list(dict.fromkeys(one for found in held.values() for one in map(_origin, found)))
    metrics = list(dict.fromkeys(number.metric for number in table.numbers))
    rows = {}
    for number in table.numbers:
        cell = _with_spread(number.mean, number.spread, _as_printed) + number.mark
        for one in held.get(number.key, ()):
            digits = "{:.1f}" if table.unit == "%" else "{:.3f}"
            cell += f" \\| **{_with_spread(_in_unit(one, table), _in_unit(one, table, 'spread'), digits.format)}**"
            cell += f" [{origins.index(_origin(one)) + 1}]"
        rows.setdefault((number.method, number.dataset), {})[number.metric] = cell
    labels = [METRICS[metric].label if metric in METRICS else metric for metric in metrics]
    lines = [f"#### {table.name}: {table.title}{' (in percent)' if table.unit == '%' else ''}", "",
             f"| method | data set | {' | '.join(labels)} |", "|---" * (2 + len(metrics)) + "|"]
    lines += [f"| {method} | {dataset} | " + " | ".join(cells.get(metric, "") for metric in metrics) + " |"
              for (method, dataset), cells in rows.items()]
    lines += ["", *[f"[{place}] {origin}  " for place, origin in enumerate(origins, 1)], "",
              *[f"* {text}" for text in table.notes]]
    return "\n".join(lines)


@styled
def chart(table, system, ours, metric=None):
    """The rows of one metric that have both numbers: the paper's as a grey bar, ours as dots; None where there is none.

    Args:
        metric: the table's first one if None.
    """
    metric = metric or table.numbers[0].metric
    held = _held(table, system, ours)
    rows = [number for number in table.numbers if number.metric == metric and number.key in held]
    if not rows:
        return None
    origins = list(dict.fromkeys(one.origin for number in rows for one in held[number.key]))
    figure = new_figure(7, 0.9 + 0.3 * len(rows) + 0.15 * len(origins))
    axes = figure.subplots()
    for place, number in enumerate(rows):
        axes.barh(place, number.mean, xerr=number.spread, color="#D0D0D0", ecolor=GREY, height=0.6,
                  label="" if place else "paper, on patients or photographs")
        for one in held[number.key]:
            label = f"ours, on {one.kind}: {one.origin}"
            shown = label in axes.get_legend_handles_labels()[1]
            axes.errorbar(_in_unit(one, table), place, xerr=_in_unit(one, table, "spread"), fmt="o",
                          color=SERIES[origins.index(one.origin) % len(SERIES)], label="" if shown else label)
    axes.set_yticks(range(len(rows)), [f"{number.method}, {number.dataset}" for number in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 100 if table.unit == "%" else 1)
    label = METRICS[metric].label if metric in METRICS else metric
    axes.set_xlabel(f"{label} (%)" if table.unit == "%" else label)
    axes.set_title(f"{table.name}: {label}")
    figure.legend(loc="outside lower center", ncols=1)
    return figure


def _held(table, system, ours):
    """Key -> our numbers of it."""
    keys, held = {number.key for number in table.numbers}, {}
    for one in ours:
        if one.system == system and one.key in keys:
            held.setdefault(one.key, []).append(one)
    return held


def _origin(one):
    spread = "" if one.spread is None else ", ± over them" if one.n > 1 else ", ± as the paper's"
    return f"{one.origin}: on {one.kind}, {one.n} training{'' if one.n == 1 else 's'}{spread}"


def _in_unit(one, table, field="mean"):
    value = getattr(one, field)
    scale = {("1", "%"): 100.0, ("%", ""): 0.01}.get((one.unit, table.unit), 1.0)
    return None if value is None else value * scale


def _with_spread(mean, spread, form):
    return form(mean) + ("" if spread is None else f" ± {form(spread)}")


def _as_printed(value):
    return f"{value:g}" if 0 < abs(value) < 1e-3 else str(value)
