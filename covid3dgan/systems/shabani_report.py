"""The report of paper 001's system: its tables beside the paper's, and its figures."""

__all__ = ["write_report"]

import json

import numpy as np

from covid3dgan.evaluation import image_groups, report, shabani_claims
from covid3dgan.evaluation.comparison import as_json
from covid3dgan.evaluation.paper_tables import tables
from covid3dgan.files import write_json
from covid3dgan.runs.directory import read_manifest
from covid3dgan.systems.first_screen import first_screen
from covid3dgan.systems.predicted_masks import masks_section, view_links
from covid3dgan.systems.shabani_figures import figures, image_sets, main_slice, slice_scores
from covid3dgan.systems.shabani_scores import HU_METHOD
from covid3dgan.systems.shabani_tables import (
    FULL,
    case_table,
    distance_table,
    measured_in,
    missing_table,
    result_table,
    volume_table,
)


def write_report(out, preset, cohorts, scores, trainings, command, execution, view=None):
    """Writes report.html, report.md and results.json; returns what results.json holds.

    Args:
        out: the run's folder, with ``scores/`` and ``prepared/``.
        scores: what shabani_scores.score_methods returned.
        trainings: folders of the GAN's run and the segmenters' runs.
        view: the page that shows the predicted masks, in ``out``; None where there is none.
    """
    scores = _with_nan(scores)
    command = command or f"covid3dgan reproduce {preset.system} --preset {preset.name} --seed {execution.seed}"
    # What trained them, not what was asked for: auto is another policy on another machine.
    precisions = sorted({read_manifest(path / "run.json")["precision"] for path in trainings})
    maps, tests, groups = image_sets(out, cohorts)
    distances = {name: image_groups.bootstrapped_distances(group, seed=0) for name, group in groups.items()}
    claims = {name: image_groups.nearer(group["synthesised healthy"], group["healthy"], group["COVID-19"])
              for name, group in groups.items()}
    found = tables("shabani", preset.evaluation)
    pictures = {picture.name: picture for picture in figures(maps, tests, groups, distances, scores, preset)}
    title, lead = _first_screen(out, preset, cohorts, execution, command, precisions, scores,
                                main_slice(maps, tests, scores, preset.evaluation.within_lung), found[0], view)
    beside = {"Table 2": ("fig3", *(name for name in pictures if name.startswith("fig4"))),
              "Table 3": ("table3", "fig5"), "Table 4": (), "Table 5": ("table5",)}
    shown = {"Table 2": (shabani_claims.shown_slices_table(*slice_scores(maps, scores,
                                                                         preset.evaluation.within_lung)),)}
    phantom = cohorts.phantom
    sections = [report.Section("Data (Table 1)", (case_table(out / "prepared", cohorts),), phantom)]
    sections += [report.Section(f"{table.title} ({table.name})", (
        result_table(table, cohorts, scores, command), *(pictures[name] for name in beside[table.name]),
        *shown.get(table.name, ())), phantom) for table in found]
    dice = {name: dict(zip(map(str, maps[name]["ids"]), 100 * np.array(values, float)))
            for name, values in scores["per_case"].get(FULL, {}).items()}
    levels = scores.get("levels")  # a score stage of a former version has none
    by_level = (shabani_claims.level_table(levels, phantom),) if levels else ()
    sections += [
        report.Section("Whole volumes", (volume_table(scores),), phantom),
        report.Section("What the text claims", (shabani_claims.claims_table(scores, HU_METHOD, phantom), *by_level),
                       phantom),
        report.Section("How near synthesised images are to healthy ones (Fig. 2)", (
            distance_table(distances, claims, phantom), pictures["fig2a"], pictures["fig2b"]), phantom),
        *masks_section(view, phantom, dice),
        report.Section("What is not here", (missing_table(preset, cohorts, scores),))]
    report.write(out / "report.html", title, sections, overwrite=True, lead=lead)
    results = {"phantom": cohorts.phantom, "preset": preset.name, "seed": execution.seed, "precision": precisions,
               "command": command, "tables": [as_json(table, measured_in(table, cohorts, scores, command))
                                              for table in found if table.name != "Table 5"], "data": cohorts.described,
               "lungs": _lungs(out), **{key: scores[key] for key in ("thresholds", "curve", "per_case")},
               **({"levels": levels} if levels else {}),
               "distances": {name: _distances(distances[name], claims[name]) for name in distances},
               "mean_dice": {method: {name: float(np.nanmean(values)) for name, values in sets.items()}
                             for method, sets in scores["per_case"].items()}}
    write_json(out / "results.json", results)
    return {"report": str(out / "report.html"), "mean_dice": results["mean_dice"]}


def _first_screen(out, preset, cohorts, execution, command, precisions, scores, shown, table, view):
    """What was run on what, Table 2's Dice, and one slice through the whole pipeline."""
    lungs = "; ".join(f"{number} {source}" for source, number in (_lungs(out) or {}).items())
    facts = [("trained in", " and ".join(precisions)),
             *cohorts.described.items(),
             ("lung masks", lungs or "not recorded"), ("thresholds", "chosen on the validation cases alone")]
    numbers = [(table, measured_in(table, cohorts, scores, command), "Ours", "dice")]
    return first_screen(preset, execution.seed, facts, numbers, shown, command, view_links(view))


def _distances(found, claim):
    """Fig. 2b of one data set as JSON."""
    return {**{" to ".join(pair): {"mean": mean, "std": std} for pair, (mean, std) in found.items()},
            "nearer_to_healthy": claim}


def _with_nan(value):
    """JSON has no NaN: a mean of nothing comes back as None."""
    if isinstance(value, dict):
        return {key: _with_nan(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_nan(part) for part in value]
    return float("nan") if value is None else value


def _lungs(out):
    """What made the lung masks -> number of cases; None where a preprocess stage of a former version did not say."""
    return json.loads((out / "prepared" / "prepared.json").read_text(encoding="utf-8")).get("lungs")
