"""What paper 001 claims in its text (4.3, 4.5), its own differences beside ours; and results by infection level.

The paper has no table of either: its differences are those of its Tables 2 and 3, and its three data sets, which differ
in how much of the lung is infected (Table 1), stand for the levels low, middle and high.
"""

__all__ = ["LEVELS", "by_level", "claims_table", "level_table", "shown_slices_table"]

import dataclasses
import math

import numpy as np

from covid3dgan.evaluation import paper_tables, statistics
from covid3dgan.evaluation.report import ON_PHANTOMS, Table

METRICS = {"dice": "Dice", "sensitivity": "Sensitivity"}
STEPS = ("GAN", "GAN + UNet", "GAN + UNet + contrastive")
FULL = STEPS[-1]
# Level -> the paper's data set of that level, by Table 1's average rates of infection.
LEVELS = {"low": "Mosmed", "middle": "UESTC", "high": "Radiopaedia"}
PROTOCOLS = {"published": "slices", "per_volume": "volumes"}
# Dice (%) printed beside the slices of Fig. 3, and of Fig. 5 by step.
FIGURE_3 = (87.67, 90.98, 90.44, 73.00, 82.44, 83.12)
FIGURE_5 = ((43.12, 69.41, 76.12), (52.51, 55.7, 57.96), (40.91, 56.50, 60.59), (40.38, 48.11, 55.72))


# === Claims ===

def claims_table(scores, baseline, phantom):
    """Every claim as a difference of two methods on a data set: the paper's, ours, and whether ours agrees.

    Args:
        scores: what shabani_scores.score_methods returned.
        baseline: the method of ours that stands for simple segmentation.
        phantom: whether ours are on phantoms, where no number of another paper may be subtracted.
    """
    paper = paper_tables.numbers()["001"]
    rows = list(_over_others(scores, paper["table2_comparison"], phantom))
    rows += _steps(scores, paper["table3_ablation"])
    rows += _over_baseline(scores, baseline)
    return Table(
        "Claims of sections 4.3 and 4.5 as differences",
        ("claim", "data set", "metric", "paper", "ours", "ours, whole volumes", "95 % CI", "better here"), tuple(rows),
        merged=2, numeric=(3, 4, 5, 6), badge=ON_PHANTOMS if phantom else "", notes=(
            "differences of means in percent points; ours by the published protocol, and of whole volumes with a 95 % "
            "interval: bootstrap over cases of the same differences. Better here: yes or no where that interval leaves "
            "out 0.",
            "The paper's words: \"In this dataset, we have an increased sensitivity of 20% and a dice score of 4%\" "
            "(4.3, Mosmed); \"using the UNet model improves dice scores compared to only the GAN model ... contrastive "
            "loss improves our model's sensitivity significantly\" in all three data sets, the Dice of Mosmed and "
            "UESTC (4.5).",
            *(("GASNet and Label-free were not run on phantoms, so nothing is subtracted from their numbers.",)
              if phantom else ("GASNet and Label-free: their printed means, of the same data sets.",))))


def _over_others(scores, table, phantom):
    """Rows of section 4.3: ours minus what other authors printed."""
    for other in ("GASNet", "Label-free"):
        for name, entries in table[other].items():
            for metric, label in METRICS.items():
                if metric not in entries:
                    continue
                printed = entries[metric]["mean"]
                claimed = f"{table['ours'][name][metric]['mean'] - printed:+.1f}"
                found = "not on patients", "not on patients", "-", "-"
                if not phantom:
                    found = _difference(scores, FULL, printed, name, metric)
                yield (f"better than {other}", name, label, claimed, *found)


def _steps(scores, table):
    """Rows of section 4.5: what the UNet adds to the GAN, and the contrastive loss to the UNet."""
    for before, after, claim in ((STEPS[0], STEPS[1], "the UNet improves on the GAN"),
                                 (STEPS[1], STEPS[2], "the contrastive loss improves on the UNet")):
        for name in table[after]:
            for metric, label in METRICS.items():
                claimed = table[after][name][metric]["mean"] - table[before][name][metric]["mean"]
                yield (claim, name, label, f"{claimed:+.1f}", *_difference(scores, after, before, name, metric))


def _over_baseline(scores, baseline):
    """Rows without a number of the paper's: what the whole pipeline adds to a threshold on HU."""
    for name in scores["summaries"].get(FULL, {}):
        for metric, label in METRICS.items():
            yield (f"ours: better than the {baseline}", name, label, "-",
                   *_difference(scores, FULL, baseline, name, metric))


def _difference(scores, after, before, name, metric):
    """(published protocol, whole volumes, interval, answer) of a method minus another one, or minus a printed mean in
    percent; dashes where ours is missing."""
    printed = isinstance(before, float)
    if any(name not in scores["summaries"].get(method, {}) for method in ([after] if printed else [after, before])):
        return "-", "-", "-", "-"
    found = [_mean(scores, after, name, protocol, metric)
             - (before if printed else _mean(scores, before, name, protocol, metric)) for protocol in PROTOCOLS]
    low = high = math.nan
    held = scores.get({"dice": "per_case", "sensitivity": "per_case_sensitivity"}[metric])
    if held is not None:  # a score stage of a former version has no sensitivities
        values = np.array(held[after][name], float) - (before / 100 if printed else np.array(held[before][name], float))
        low, high = statistics.bootstrap_interval(100 * values, np.arange(len(values)))
    return (*map(_signed, found), _range(low, high), _holds(low, high))


def _mean(scores, method, name, protocol, metric):
    return scores["summaries"][method][name][protocol][metric]["mean"]


def _signed(value):
    return "nothing counted" if math.isnan(value) else f"{round(value, 1) + 0.0:+.1f}"  # no -0.0


def _range(low, high):
    return "-" if math.isnan(low) else f"{_signed(low)} to {_signed(high)}"


def _holds(low, high):
    return "-" if math.isnan(low) else "yes" if low > 0 else "no" if high < 0 else "undecided"


# === Levels of infection ===

def by_level(results, seed):
    """Dice and sensitivity at three levels of infection, for the slices and for the volumes of all test sets together.

    Args:
        results: method -> {"published" | "per_volume": evaluation.scores.Scores of all test sets joined}.
        seed: of the bootstrap.

    Returns:
        JSON: protocol -> ``cuts`` (two rates of infection in percent of the lung, which part what is scored into equal
        thirds) and ``methods``: method -> level -> metric -> entry of ``Scores.summary``.
    """
    found = {}
    for protocol in PROTOCOLS:
        first = next(iter(results.values()))[protocol]
        rates = [row["infection_percent"] for row in first.rows if row["counted"]]
        cuts = [float(cut) for cut in np.percentile(rates, (100 / 3, 200 / 3))] if rates else [math.nan, math.nan]
        found[protocol] = {"cuts": cuts, "methods": {
            method: {level: _at(scores[protocol], cuts, number, seed) for number, level in enumerate(LEVELS)}
            for method, scores in results.items()}}
    return found


def _at(scores, cuts, number, seed):
    """The summary of the rows of one level."""
    rows = tuple(row for row in scores.rows if int(np.searchsorted(cuts, row["infection_percent"])) == number)
    return dataclasses.replace(scores, rows=rows, metrics=tuple(METRICS)).summary(seed)


def level_table(levels, phantom):
    """Dice and sensitivity by infection level, the paper's data set of that level beside ours.

    Args:
        levels: what :func:`by_level` returned.
    """
    paper = paper_tables.numbers()["001"]
    rates = {entry["dataset"].replace("MosmedData", "Mosmed"): entry["infection_rate"]
             for entry in paper["table1_data"] if entry["task"] == "test"}
    rows = []
    for level, name in LEVELS.items():
        for method in STEPS:
            printed = paper["table3_ablation"][method][name]
            cells = [f"{level}: {name}, {rates[name]:g} %", method]
            cells += [f"{printed[metric]['mean']} ± {printed[metric]['std']}" for metric in METRICS]
            for protocol in PROTOCOLS:
                held = levels[protocol]["methods"].get(method)
                cells += ["-", "-"] if held is None else [_entry(held[level][metric]) for metric in METRICS]
            rows.append(tuple(cells))
    spans = []
    for protocol, what in PROTOCOLS.items():
        low, high = levels[protocol]["cuts"]
        spans.append(f"{what}: low up to {low:.2f} %, high above {high:.2f} % of the lung, n = "
                     f"{', '.join(_numbers(levels[protocol]))}")
    return Table(
        "Dice and sensitivity (%) by infection level",
        ("level: the paper's data set of it", "method", "paper: Dice", "paper: sensitivity", "ours, slices: Dice",
         "ours, slices: sensitivity", "ours, volumes: Dice", "ours, volumes: sensitivity"), tuple(rows), merged=1,
        numeric=tuple(range(2, 8)), badge=ON_PHANTOMS if phantom else "", notes=(
            "The paper says \"particularly for the slices with low infection level\" (1) and has no table of it: its "
            "data sets, by their average rate of infection (Table 1), stand for the levels; numbers of its Table 3.",
            f"Ours: all test sets together, in equal thirds by the true share of infected lung. {'; '.join(spans)}."))


def _numbers(levels):
    return [str(entry["dice"]["n"]) for entry in next(iter(levels["methods"].values())).values()]


def _entry(entry):
    return "-" if not entry["n"] else f"{entry['mean']:.1f} ± {entry['std']:.1f}"


# === Slices ===

def shown_slices_table(shown, steps):
    """The Dice scores printed in Figs. 3 and 5, and those of the slices in ours.

    Args:
        shown: name of a slice -> Dice in percent by step.
        steps: the steps that ours has, in that order.
    """
    rows = [("Fig. 3, paper", f"slice {number}", "-", "-", f"{dice:.2f}") for number, dice in enumerate(FIGURE_3, 1)]
    rows += [("Fig. 5, paper", f"slice {number}", *(f"{dice:.2f}" for dice in row))
             for number, row in enumerate(FIGURE_5, 1)]
    for name, dice in shown.items():
        held = dict(zip(steps, dice))
        rows.append(("Figs. 3 and 5, ours", name, *(f"{held[step]:.2f}" if step in held else "-" for step in STEPS)))
    return Table("Dice (%) of the slices in Figs. 3 and 5", ("figure", "slice", *STEPS), tuple(rows), merged=1,
                 numeric=(2, 3, 4), notes=(
                     "The paper does not say how its slices were chosen. Ours: of each data set the slice with the "
                     "largest lesion and the one in the middle by size.",))
