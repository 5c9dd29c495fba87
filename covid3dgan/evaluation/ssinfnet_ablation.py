"""Paper 004's parts one by one: what each adds, with intervals, and what it costs in time."""

__all__ = ["Row", "ablation_json", "ablation_tables"]

import dataclasses
import math
from typing import Any

from covid3dgan.evaluation.report import Table
from covid3dgan.evaluation.ssinfnet_tables import overall_interval

_LABELS = ("GGO", "consolidation", "overall")
_SINGLE = ("f1", "iou", "recall", "precision")


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
    made = " - on PHANTOMS, not on patients" if phantom else ""
    note = "F1 with its 95 % interval (bootstrap over patients)"
    return (
        Table(f"Ablation, infection as one class{made}",
              ("network", "F1", "IoU", "recall", "precision", "difference in F1", "training, s", "times the first's"),
              tuple((row.name, *(_with_interval(*_infection(row.scores, metric)) for metric in _SINGLE),
                     *_beside(row, singles[0], lambda r: _infection(r.scores, "f1")[0])) for row in singles),
              numeric=(5, 6, 7), notes=(
                  f"{note}; difference: to the first row. The time counts what a network starts from: the inpainting, "
                  "or SInfNet's own training. The paper says of pseudo-labels: \"more than 3 times the time to train a "
                  "supervised version of the network\".",)),
        Table(f"Ablation, ground glass and consolidation{made}",
              ("network", "GGO F1", "consolidation F1", "overall F1", "difference in overall F1", "training, s",
               "times the first's"),
              tuple((row.name, *(_with_interval(*_classes(row.scores, label)) for label in _LABELS),
                     *_beside(row, multis[0], lambda r: _classes(r.scores, "overall")[0])) for row in multis),
              numeric=(4, 5, 6), notes=(f"{note}; difference: to the first row, which has every part of the paper. The "
                                        "time counts the inpainting that a network starts from.",)),
    )


def ablation_json(singles, multis):
    """The same numbers for tables.json: kind -> network -> numbers."""
    return {
        "single": {row.name: {"seconds": row.seconds, **row.scores.summary()} for row in singles},
        "multi": {row.name: {"seconds": row.seconds, **{
            label: dict(zip(("f1", "ci95"), _classes(row.scores, label))) for label in _LABELS}} for row in multis}}


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
