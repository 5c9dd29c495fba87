"""Scoring files: predictions against references under a named protocol; cases that cannot be read are listed."""

__all__ = ["Evaluated", "PROTOCOLS", "evaluate"]

import dataclasses
import inspect
from typing import Callable

import numpy as np

from covid3dgan import progress
from covid3dgan.errors import ArgumentError, InputError, nearest_names
from covid3dgan.evaluation import metrics, protocols
from covid3dgan.evaluation.pairs import Pair, find_pairs, read_pair
from covid3dgan.evaluation.scores import Scores
from covid3dgan.evaluation.thresholds import binarise


@dataclasses.dataclass(frozen=True)
class _Protocol:
    """A function of protocols.py, whose signature says all that is asked for here."""

    score: Callable

    def default(self, name):
        """The default of one of its arguments; None where it has no such argument."""
        argument = inspect.signature(self.score).parameters.get(name)
        return None if argument is None else argument.default

    @property
    def lungs(self):
        """Whether it cannot do without lung masks."""
        return self.default("lung") is inspect.Parameter.empty

    @property
    def maps(self):
        """Whether it can score maps as they are, by the continuous Dice coefficient."""
        return "continuous" in inspect.signature(self.score).parameters


# What --protocol takes. "khali" is protocols.khali_pixel_max, the only protocol of that paper.
PROTOCOLS = {"published": _Protocol(protocols.published), "per_volume": _Protocol(protocols.per_volume),
             "khali": _Protocol(protocols.khali_pixel_max), "ssinfnet": _Protocol(protocols.ssinfnet),
             "afseg": _Protocol(protocols.afseg)}


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What ``evaluate`` found.

    Attributes:
        scores: ``Scores`` of all cases that could be read.
        slices: one dictionary per slice (or picture): ``case``, ``slice``, ``counted``, pixels, scores.
        volumes: one dictionary per case with ``true`` and ``predicted`` in ``volume_unit`` ("ml", or "pixels").
        pairs: case -> ``Pair``.
        problems: one sentence per case or file that could not be used.
    """

    scores: Scores
    slices: tuple[dict, ...]
    volumes: tuple[dict, ...]
    volume_unit: str
    pairs: dict[str, Pair]
    problems: tuple[str, ...]

    def predicted_mask(self, prediction):
        """The mask that the protocol's threshold makes of a prediction (slices, rows, columns)."""
        settings = self.scores.settings
        if self.scores.protocol == "ssinfnet":
            return prediction >= settings["threshold"]
        return binarise(prediction, settings["threshold"], settings.get("relative", False))


def evaluate(prediction, reference, protocol="published", lungs=None, ct=None, threshold=None, relative=None,
             slice_filters=True, continuous=False):
    """Scores files or folders of predictions against references.

    Args:
        prediction, reference, lungs, ct: see ``pairs.find_pairs``.
        protocol: a name in ``PROTOCOLS``.
        threshold: the cut on the predictions; the protocol's own if None. It leaves masks as they are.
        relative: whether it is a share of each slice's maximum (``published`` and ``per_volume`` only).
        slice_filters: False lets ``published`` count every infected slice (F24).
        continuous: adds the continuous Dice coefficient of the predictions as they are, before any cut, which paper 001
            cites (F24; ``published`` and ``per_volume`` only). Of masks it is their Dice score.

    Returns:
        ``Evaluated``. Cases that cannot be read are in its ``problems``; only if none can be is InputError raised.
    """
    rules = _rules(protocol)
    options = _options(protocol, rules, threshold, relative, slice_filters)
    if continuous and not rules.maps:
        raise ArgumentError("continuous Dice", "the protocol published or per_volume", protocol, "leave the option out")
    pairs, problems = find_pairs(prediction, reference, lungs, ct)
    if rules.lungs and not any(pair.lungs for pair in pairs):
        raise ArgumentError("lungs", f"lung masks, which the protocol {protocol} needs", "none",
                            "pass --lungs, or as the reference a data set that has them")
    parts, slices, volumes, used, units, failed = [], [], [], {}, set(), None
    for pair in progress.bar(pairs, description=protocol, unit="case"):
        try:
            part, rows, sizes, unit = _score(pair, protocol, rules, options, continuous)
        except InputError as error:
            if isinstance(error, ArgumentError):
                raise
            problems.append(str(error).rstrip("."))
            failed = error
            continue
        parts.append(part)
        slices += rows
        volumes.append(sizes)
        units.add(unit)
        used[pair.case] = pair
    if not parts and len(problems) == 1:
        raise failed
    if not parts:
        raise InputError(prediction, "at least one case that can be scored",
                         f"none; the first of {len(problems)} problems: {problems[0]}", "repair the files")
    if len(units) > 1:
        raise InputError(prediction, "volumes or pictures", "both", "evaluate them apart")
    return Evaluated(Scores.joined(parts), tuple(slices), tuple(volumes), units.pop(), used, tuple(problems))


def _rules(protocol):
    if protocol not in PROTOCOLS:
        raise ArgumentError("protocol", f"one of {', '.join(PROTOCOLS)}",
                            f"{protocol!r}{nearest_names(protocol, PROTOCOLS)}", "choose one of them")
    return PROTOCOLS[protocol]


def _options(protocol, rules, threshold, relative, slice_filters):
    options = {"threshold": rules.default("threshold") if threshold is None else float(threshold)}
    if not np.isfinite(options["threshold"]):
        raise ArgumentError("threshold", "a number", f"{options['threshold']}", "choose another")
    if rules.default("relative") is None:
        if relative is not None:
            raise ArgumentError("relative", "published or per_volume for a choice of rule", protocol,
                                "leave the rule to the protocol")
    else:
        options["relative"] = rules.default("relative") if relative is None else bool(relative)
    if options.get("relative", protocol == "khali") and not 0 <= options["threshold"] < 1:
        raise ArgumentError("threshold", "a share of each slice's maximum, from 0 to below 1",
                            f"{options['threshold']:g}", "choose another, or the rule absolute where there is one")
    if protocol == "published":
        options["slice_filters"] = bool(slice_filters)
    elif not slice_filters:
        raise ArgumentError("slice filters", "the protocol published", protocol, "leave the option out")
    return options


def _score(pair, protocol, rules, options, continuous):
    """(Scores, slice rows, sizes, their unit) of one case."""
    if rules.lungs and pair.lungs is None:
        raise InputError(pair.reference, f"a lung mask for case {pair.case!r}, which the protocol {protocol} needs",
                         "none", "pass --lungs")
    read = read_pair(pair)
    if protocol == "per_volume" and read.spacing is None:
        raise ArgumentError("protocol", "published, khali, ssinfnet or afseg for 2D pictures", "per_volume",
                            "choose one that needs no voxel sizes")
    arguments = {"names": [pair.case], **options}
    if protocol == "per_volume":
        arguments.update(lung=read.lungs, spacing=read.spacing)
    elif rules.lungs:
        arguments.update(lung=read.lungs)
    if continuous:
        arguments.update(continuous=read.prediction)
    scores = rules.score(read.prediction, read.reference, **arguments)
    rows = _slice_rows(pair.case, read, options) if scores.level == "volume" else scores.rows
    unit = "pixels" if read.spacing is None else "ml"
    size = 1.0 if read.spacing is None else float(np.prod(read.spacing)) / 1000
    sizes = {"case": pair.case}
    sizes.update({name: size * sum(row[f"{name}_pixels"] for row in rows) for name in ("true", "predicted")})
    return scores, rows, sizes, unit


def _slice_rows(case, read, options):
    """Plain Dice per slice, for the tables and figures of a protocol that scores whole volumes."""
    predicted = binarise(read.prediction, options["threshold"], options["relative"])
    rows = []
    for index, (p, t) in enumerate(zip(predicted, read.reference)):
        found = metrics.counts(p, t)
        row = {"case": case, "slice": index, "counted": True, "true_pixels": found.tp + found.fn,
               "predicted_pixels": found.tp + found.fp, "dice": found.dice}
        if read.lungs is not None:
            row["infection_percent"] = 100.0 * row["true_pixels"] / max(int(read.lungs[index].sum()), 1)
        rows.append(row)
    return rows
