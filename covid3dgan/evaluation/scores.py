"""What a protocol returns: one row per slice, image or volume, and the means that follow from the rows."""

__all__ = ["Scores", "format_mean"]

import dataclasses
import math

import numpy as np

from covid3dgan.evaluation import statistics
from covid3dgan.evaluation.metrics import METRICS


@dataclasses.dataclass(frozen=True)
class Scores:
    """The rows of an evaluation and their summary.

    Attributes:
        protocol: name of the protocol.
        level: what a row is: "slice", "image" or "volume".
        unit: of the ratios in ``summary``: "percent" or "fraction"; the rows always hold fractions.
        spread: "std" or "error95" (1.96 standard errors): what the protocol's paper prints after its +-.
        metrics: names of the row entries that are averaged, in print order.
        settings: the options that the protocol ran with.
        rows: dictionaries with ``case``, ``counted`` (False: no mean sees the row), the metrics, and more facts.
    """

    protocol: str
    level: str
    unit: str
    spread: str
    metrics: tuple[str, ...]
    settings: dict[str, object]
    rows: tuple[dict, ...]

    @classmethod
    def joined(cls, parts):
        """The rows of several evaluations under one protocol and the same settings as one."""
        return dataclasses.replace(parts[0], rows=tuple(row for part in parts for row in part.rows))

    @property
    def cases(self):
        """Names of the cases in the order they were given."""
        return list(dict.fromkeys(row["case"] for row in self.rows))

    def unit_of(self, metric):
        """The unit that ``summary`` gives ``metric`` in: '%', 'mm', 'ml' or '' for a fraction."""
        return METRICS[metric].unit or {"percent": "%", "fraction": ""}[self.unit]

    def values(self, metric):
        """The counted values of ``metric`` as an array of fractions; NaN where a row has none."""
        return np.array([row[metric] for row in self.rows if row["counted"]], float)

    def summary(self, seed=0, repeats=2000):
        """metric -> {mean, std, error95, ci95, n, cases}, ratios in ``unit``.

        ``std`` is the population's; ``ci95`` is the bootstrap interval of the mean over cases (NaNs for one case).
        """
        owners = [row["case"] for row in self.rows if row["counted"]]
        result = {}
        for metric in self.metrics:
            values = self.values(metric) * self._scale(metric)
            mean, std, number = statistics.mean_std(values)
            result[metric] = {
                "mean": mean, "std": std, "error95": statistics.standard_error_196(values),
                "ci95": statistics.bootstrap_interval(values, owners, repeats=repeats, seed=seed),
                "n": number, "cases": len({o for o, v in zip(owners, values) if not math.isnan(v)}),
            }
        return result

    def per_case(self):
        """One dictionary per case: its name, how many rows count, and each metric's mean over those (fractions)."""
        table = []
        for case in self.cases:
            rows = [row for row in self.rows if row["case"] == case]
            counted = [row for row in rows if row["counted"]]
            line = {"case": case, f"{self.level}s": len(rows), "counted": len(counted)}
            line.update({m: statistics.mean_std([row[m] for row in counted])[0] for m in self.metrics})
            table.append(line)
        return table

    def _scale(self, metric):
        return 100.0 if self.unit_of(metric) == "%" else 1.0


def format_mean(entry, spread="std", unit=""):
    """'62.04 ± 14.95' from an entry of ``summary``; '-' where nothing counted."""
    if not entry["n"]:
        return "-"
    digits = 3 if unit == "" else 2
    return f"{entry['mean']:.{digits}f} ± {entry[spread]:.{digits}f}"
