"""Paper 004's Tables I to III out of predictions, and its significance marks, properly and as coded (I15)."""

__all__ = ["Row", "ablation_json", "ablation_tables", "class_scores", "data_table", "infection_scores",
           "measured_classes", "measured_infection", "overall_interval", "significance_table"]

import dataclasses
import math
from typing import Any

import numpy as np

from covid3dgan import streams
from covid3dgan.data.datasets.slices import CLASSES, INFECTION
from covid3dgan.evaluation import paper_tables, protocols, statistics
from covid3dgan.evaluation.comparison import Measured
from covid3dgan.evaluation.metrics import METRICS as metric_labels
from covid3dgan.evaluation.report import ON_PHANTOMS, Table

METRICS = ("f1", "iou", "recall", "precision")
REPEATS = 2000
SIGNIFICANT = 0.05


def _by_patient(patients, *arrays):
    """(patients, [arrays per patient], ...): a protocol's cases are patients, so that intervals draw those."""
    names = np.unique(patients)
    return names, *([array[patients == name] for name in names] for array in arrays)


def data_table(train, validation, test, unlabelled, phantom):
    """Table I, the paper's images and patients beside ours, as a report ``Table``.

    Args:
        train, validation, test: labelled SliceSets.
        unlabelled: the SliceSet without labels, or None.
        phantom: whether any of them are of phantoms.
    """
    paper = paper_tables.numbers()["004"]["table1_data"]
    patients = paper["patients"]
    rows = [("training", "MedSeg", "yes", paper["train"]["MedSeg"], patients["MedSeg train"], train),
            ("training", "iCTCF", "no", paper["train"]["ICTCF (unlabelled)"], patients["ICTCF"], unlabelled),
            ("validation", "MedSeg", "yes", paper["validation"], patients["validation"], validation),
            ("test", "MedSeg", "yes", paper["test"], patients["test"], test)]
    return Table(
        "Table 1: data",
        ("split", "source in the paper", "segmented", "images, paper", "ours", "patients, paper", "ours"),
        tuple((split, source, segmented, str(images), "-" if part is None else str(len(part)), str(people),
               "-" if part is None else str(len(np.unique(part.patients))))
              for split, source, segmented, images, people, part in rows), merged=1, numeric=(3, 4, 5, 6),
        badge=ON_PHANTOMS if phantom else "",
        notes=("The paper's text has 932 labelled images, its three parts together 929. It draws images, not patients, "
               "so that a patient may be in several parts (I19, I27).",))


def infection_scores(probability, labels, patients, threshold):
    """Table II's row: ``Scores`` of (N, S, S) probabilities against labels above 0."""
    names, found, true = _by_patient(patients, probability, (labels > 0).astype(np.float32))
    return protocols.ssinfnet(found, true, threshold, names=names)


def class_scores(predicted, labels, patients):
    """Table III's columns: class -> ``Scores``, and "overall"."""
    names, found, true = _by_patient(patients, predicted, labels)
    return protocols.ssinfnet_classes(found, true, CLASSES, names)


def measured_infection(methods, described, command, phantom):
    """(method, "MedSeg", metric) -> Measured, for Table II.

    Args:
        methods: method -> Scores of ``infection_scores``.
    """
    return {(method, "MedSeg", metric): Measured.of(entry, described, command, phantom, "error95")
            for method, scores in methods.items() for metric, entry in scores.summary().items()}


def measured_classes(methods, described, command, phantom):
    """(method, class, metric) -> Measured, for Table III; "overall" gets the interval that the paper's has not.

    Args:
        methods: method -> what ``class_scores`` returned.
    """
    found = {}
    for method, scores in methods.items():
        for label in CLASSES:
            for metric, entry in scores[label].summary().items():
                found[method, label, metric] = Measured.of(entry, described, command, phantom, "error95")
        for metric, entry in scores["overall"].items():
            found[method, "overall", metric] = Measured(
                entry["mean"], described, command, phantom, entry["error95"], overall_interval(scores, metric),
                len(scores[CLASSES[0]].rows))
    return found


def overall_interval(scores, metric, seed=0, level=0.95):
    """Bootstrap interval over patients of the plain mean of the class means."""
    rows = {label: [(row["case"], row[metric]) for row in scores[label].rows] for label in CLASSES}
    patients = np.unique([case for case, _ in rows[CLASSES[0]]])
    if len(patients) < 2:
        return math.nan, math.nan
    sums, counts = np.zeros((2, len(CLASSES), len(patients)))
    for c, label in enumerate(CLASSES):
        for case, value in rows[label]:
            if not math.isnan(value):
                at = np.searchsorted(patients, case)
                sums[c, at] += value
                counts[c, at] += 1
    rng = np.random.default_rng([seed, streams.SSINFNET_BOOTSTRAP])
    drawn = rng.integers(0, len(patients), (REPEATS, len(patients)))
    total, number = sums[:, drawn].sum(-1), counts[:, drawn].sum(-1)
    means = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    kept = means[:, np.isfinite(means).all(0)].mean(0)
    return tuple(float(v) for v in np.percentile(kept, [50 * (1 - level), 50 * (1 + level)])) if kept.size else (
        math.nan, math.nan)


def significance_table(second, first, names=("SSInfNet", "SInfNet")):
    """Is the difference real? A report ``Table``, a row per class and metric.

    Images of one patient are no independent samples, so the proper test is Wilcoxon's signed rank over patients' means,
    and its p is adjusted for the number of rows. "As coded" is what the paper's marks rest on: half the two-sided p of
    an unpaired rank-sum test, which for the precision of ground glass and consolidation is taken against the other
    model's *background* precision, and Welch's t over images from the printed variances. The marks are the paper's:
    ^ for the rank test, * for the t-test, each where p < 0.05; its printed ones stand beside ours.

    Args:
        second, first: two results of ``class_scores`` on the same images, or two {"infection": what
            ``infection_scores`` returned}.
        names: of the two methods, in that order.
    """
    single = INFECTION[0] in second
    tests = [(label, metric, *_tests(second, first, label, metric))
             for label in (INFECTION if single else (*CLASSES, "overall")) for metric in METRICS]
    adjusted = statistics.holm([paired["wilcoxon_signed_rank"] for _, _, paired, _, _ in tests])
    printed = paper_tables.marks()["004"]["table3_multi"]
    rows = [(label, metric_labels[metric].label, _number(paired["mean_difference"], "+.3f"),
             _p(paired["wilcoxon_signed_rank"]), _p(p), str(paired["pairs"]), _p(rank_sum), _p(welch),
             printed.get(label, {}).get(names[0], {}).get(metric, ""), _marks((p, "^")),
             _marks((rank_sum, "^"), (welch, "*")))
            for (label, metric, paired, rank_sum, welch), p in zip(tests, adjusted)]
    return Table(
        f"Significance, {'Table 2' if single else 'Table 3'}: {names[0]} against {names[1]}",
        ("class", "metric", "difference", "Wilcoxon over patients", "adjusted", "patients", "rank sum as coded",
         "t as coded", "mark in the paper", "mark of ours", "ours as coded"),
        tuple(rows), merged=1, numeric=(2, 3, 4, 5, 6, 7), notes=(
            "difference: mean over patients. Wilcoxon: two-sided signed rank over patients; adjusted for the number of "
            "rows (Holm). ^ and *: p below 0.05, as in the paper's Table III (its Table II has no marks); ^ in 'mark "
            "of ours' goes by the adjusted p.",
            "As coded, images count as independent samples, the rank sum's p is half of the two-sided one, and the "
            "precision of ground glass and consolidation is compared with the other model's background precision, so "
            "that a ^ there means nothing, in the paper neither (I15)."))


def _tests(second, first, label, metric):
    """(paired tests over patients, rank sum as coded, t as coded) of one class and metric."""
    if label == "overall":
        paired = statistics.compare(_overall_means(first, metric), _overall_means(second, metric))
        return paired, math.nan, _overall_welch(first, second, metric)
    paired = statistics.compare(_patient_means(first[label], metric), _patient_means(second[label], metric))
    against = first["background" if metric == "precision" and "background" in first else label]
    rank_sum = statistics.half_mann_whitney(against.values(metric), second[label].values(metric))
    return paired, rank_sum, statistics.compare(first[label].values(metric), second[label].values(metric))["welch_t"]


def _number(value, form):
    return "-" if math.isnan(value) else format(value, form)


def _p(value):
    return "< 0.001" if value < 0.001 else _number(value, ".3f")


def _marks(*marks):
    return "".join(mark for p, mark in marks if p < SIGNIFICANT)


def _patient_means(scores, metric):
    return np.array([case[metric] for case in scores.per_case()], float)


def _overall_means(scores, metric):
    """Per patient the mean over the classes that count there."""
    table = np.array([_patient_means(scores[label], metric) for label in CLASSES])
    known = ~np.isnan(table)
    return np.divide(np.nansum(table, 0), known.sum(0), out=np.full(table.shape[1], np.nan), where=known.any(0))


def _overall_welch(first, second, metric):
    """From the means of the classes' means and variances over all images, as the code prints them."""
    summaries = []
    for scores in (first, second):
        values = [scores[label].values(metric) for label in CLASSES]
        values = [v[~np.isnan(v)] for v in values]
        if any(len(v) < 2 for v in values):
            return math.nan
        variance = float(np.mean([v.var(ddof=1) for v in values]))
        if variance == 0:
            return math.nan
        summaries.append((float(np.mean([v.mean() for v in values])), variance, len(scores[CLASSES[0]].rows)))
    return statistics.welch_from_summary(*summaries)


# === The parts one by one: what each adds, and what it costs in time ===

_ABLATED_LABELS = ("GGO", "consolidation", "overall")


@dataclasses.dataclass(frozen=True)
class Row:
    """One network of the ablation.

    Attributes:
        name: what it is, such as "SSInfNet without focal loss".
        scores: ``Scores`` of infection, or what ``class_scores`` returned.
        seconds: its training, with what it starts from.
    """

    name: str
    scores: Any
    seconds: float


def ablation_tables(singles, multis, phantom):
    """Two report ``Table``s.

    Args:
        singles, multis: lists of ``Row``, the network that the others are compared with first.
        phantom: whether they were scored on phantoms.
    """
    badge = ON_PHANTOMS if phantom else ""
    note = "F1 with its 95 % interval (bootstrap over patients)"
    return (
        Table("Ablation, infection as one class",
              ("network", "F1", "IoU", "recall", "precision", "difference in F1", "training, s", "times the first's"),
              tuple((row.name, *(_with_interval(*_infection(row.scores, metric)) for metric in METRICS),
                     *_beside(row, singles[0], lambda r: _infection(r.scores, "f1")[0])) for row in singles),
              numeric=(5, 6, 7), badge=badge, notes=(
                  f"{note}; difference: to the first row. The time counts what a network starts from: the inpainting, "
                  "or SInfNet's own training. The paper says of pseudo-labels: \"more than 3 times the time to train a "
                  "supervised version of the network\".",)),
        Table("Ablation, ground glass and consolidation",
              ("network", "GGO F1", "consolidation F1", "overall F1", "difference in overall F1", "training, s",
               "times the first's"),
              tuple((row.name, *(_with_interval(*_classes(row.scores, label)) for label in _ABLATED_LABELS),
                     *_beside(row, multis[0], lambda r: _classes(r.scores, "overall")[0])) for row in multis),
              numeric=(4, 5, 6), badge=badge, notes=(
                  f"{note}; difference: to the first row, which has every part of the paper. The time counts the "
                  "inpainting that a network starts from.",)),
    )


def ablation_json(singles, multis):
    """The same numbers for tables.json: kind -> network -> numbers."""
    return {
        "single": {row.name: {"seconds": row.seconds, **row.scores.summary()} for row in singles},
        "multi": {row.name: {"seconds": row.seconds,
                             **{label: dict(zip(("f1", "ci95"), _classes(row.scores, label)))
                                for label in _ABLATED_LABELS}} for row in multis}}


def _infection(scores, metric):
    """(mean, (low, high))."""
    entry = scores.summary()[metric]
    return entry["mean"], tuple(entry["ci95"])


def _classes(scores, label):
    """(mean F1, (low, high)) of a class or of "overall"."""
    if label == "overall":
        return scores["overall"]["f1"]["mean"], overall_interval(scores, "f1")
    return _infection(scores[label], "f1")


def _with_interval(mean, interval):
    if math.isnan(mean):
        return "nothing counted"
    return f"{mean:.3f}" + ("" if math.isnan(interval[0]) else f" [{interval[0]:.3f}, {interval[1]:.3f}]")


def _beside(row, first, f1):
    """Cells: difference in F1 to the first row, seconds, and how many times the first row's."""
    difference = "-" if row is first else f"{f1(row) - f1(first):+.3f}"
    return difference, f"{row.seconds:.0f}", f"{row.seconds / first.seconds:.1f}" if first.seconds else "-"
