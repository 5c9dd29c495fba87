"""The report of paper 001's system: its tables beside the paper's, and its figures."""

__all__ = ["write_report"]

import numpy as np

from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import image_groups, report
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.figures import charts, panels, views3d
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.paper_tables import tables
from covid3dgan.evaluation.thresholds import binarise
from covid3dgan.files import write_json
from covid3dgan.runs.directory import read_manifest
from covid3dgan.systems.shabani_scores import HU_METHOD

FULL = "GAN + UNet + contrastive"
METRICS = ("dice", "specificity", "sensitivity")
# Our methods under the names that each table of the paper gives them.
NAMES = {
    "Table 2": {"Ours": FULL, HU_METHOD: HU_METHOD},
    "Table 3": {name: name for name in (HU_METHOD, "GAN", "GAN + UNet", FULL)},
    "Table 4": {"low vs high": FULL, "healthy vs high": "healthy vs high", "healthy vs low": "healthy vs low"},
}


def write_report(out, preset, cohorts, scores, trainings, command, execution):
    """Writes report.html, report.md and results.json; returns what results.json holds.

    Args:
        out: the run's folder, with ``scores/`` and ``prepared/``.
        scores: what shabani_scores.score_methods returned.
        trainings: folders of the GAN's run and the segmenters' runs.
    """
    scores = _with_nan(scores)
    command = command or f"covid3dgan reproduce {preset.system} --preset {preset.name} --seed {execution.seed}"
    # What trained them, not what was asked for: auto is another policy on another machine.
    precisions = sorted({read_manifest(path / "run.json")["precision"] for path in trainings})
    sections = [_about(preset, cohorts, execution, command, precisions)]
    sections += [report.Section(f"{table.name}: {table.title}", (_table(table, cohorts, scores, command),),
                                phantom=cohorts.phantom) for table in tables("shabani", preset.evaluation)]
    sections.append(report.Section("Per volume", (_volume_table(scores),), phantom=cohorts.phantom))
    sections.append(report.Section("Figures", tuple(_figures(out, preset, cohorts, scores)), phantom=cohorts.phantom))
    report.write(out / "report.html", f"Paper 001, preset {preset.name}", sections,
                 subtitle="Research software, not a medical device.", overwrite=True)
    results = {"phantom": cohorts.phantom, "preset": preset.name, "seed": execution.seed, "precision": precisions,
               "command": command, "data": cohorts.described,
               **{key: scores[key] for key in ("thresholds", "curve", "per_case")},
               "mean_dice": {method: {name: float(np.nanmean(values)) for name, values in sets.items()}
                             for method, sets in scores["per_case"].items()}}
    write_json(out / "results.json", results)
    return {"report": str(out / "report.html"), "mean_dice": results["mean_dice"]}


def _with_nan(value):
    """JSON has no NaN: a mean of nothing comes back as None."""
    if isinstance(value, dict):
        return {key: _with_nan(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_nan(part) for part in value]
    return float("nan") if value is None else value


def _about(preset, cohorts, execution, command, precisions):
    rows = tuple((role, text) for role, text in cohorts.described.items())
    return report.Section("What was run", (
        report.Code(command),
        report.Paragraph(f"Preset `{preset.name}`: {preset.summary}. Seed {execution.seed}. Trained in "
                         f"{' and '.join(precisions)}. Thresholds were chosen on the validation cases alone."),
        report.Table("Cases", ("role", "made of"), rows)), phantom=cohorts.phantom)


def _table(table, cohorts, scores, command):
    if table.name == "Table 5":
        curve = scores["curve"]
        measured = {(f"threshold {value:g}", "CoronaCases", "dice"): Measured(
            100 * dice, cohorts.described["validation"], command, cohorts.phantom)
                    for value, dice in zip(curve["grid"], curve["dice"])}
        return comparison_table(table, measured, competitors=False)
    measured = {}
    for shown, method in NAMES[table.name].items():
        for name, summary in scores["summaries"].get(method, {}).items():
            for metric in METRICS:
                measured[shown, name, metric] = Measured.of(summary["published"][metric], cohorts.described[name],
                                                            command, cohorts.phantom)
    return comparison_table(table, measured)


def _volume_table(scores):
    """Whole-volume scores of every method: what the papers do not give, and what a user would ask first."""
    columns = ("method", "data set", "Dice (%)", "95 % CI", "sensitivity (%)", "precision (%)", "HD95 (mm)",
               "volume error (ml)")
    rows = []
    for method, sets in scores["summaries"].items():
        for name, summary in sets.items():
            s = summary["per_volume"]
            low, high = s["dice"]["ci95"]
            rows.append((method, name, _pm(s["dice"], 1), "-" if np.isnan(low) else f"{low:.1f} to {high:.1f}",
                         _pm(s["sensitivity"], 1), _pm(s["precision"], 1), _pm(s["hd95_mm"], 1),
                         _pm(s["volume_error_ml"], 0)))
    return report.Table("Whole volumes, on the network's grid", columns, tuple(rows), merged=1,
                        numeric=tuple(range(2, len(columns))),
                        notes=("mean ± standard deviation over cases; 95 % intervals: bootstrap over cases",))


def _pm(entry, digits):
    if not entry["n"]:
        return "-"
    return f"{entry['mean']:.{digits}f} ± {entry['std']:.{digits}f}"


def _figures(out, preset, cohorts, scores):
    maps = {name: np.load(out / "scores" / f"{name}.npz") for name in cohorts.tests}
    tests = {name: open_prepared(out / "prepared" / name) for name in cohorts.tests}
    train = open_prepared(out / "prepared" / "train")
    healthy = train.only("healthy").array("lung")
    groups = {name: {"COVID-19": tests[name].array("lung"), "healthy": healthy[:len(tests[name])],
                     "synthesised healthy": maps[name]["healthy"]} for name in tests}
    first = next(iter(groups))
    yield report.Picture(charts.pca_scatter(groups[first]), f"Fig. 2a: whole volumes of {first} on their first two "
                         "principal components.", "fig2a")
    distances = {name: image_groups.bootstrapped_distances(group, seed=0) for name, group in groups.items()}
    yield report.Picture(charts.group_distances(distances), "Fig. 2b: mean Euclidean distance between the groups, with "
                         "the deviation over bootstrap draws.", "fig2b")
    yield report.Picture(_slices_figure(maps, tests, scores),
                         "Fig. 3: slice, output, mask at the threshold, true mask.", "fig3")
    yield report.Picture(_lung_figure(maps, scores), "Fig. 4: lung (blue) and infection (red), predicted beside true.",
                         "fig4")
    yield report.Picture(_ablation_figure(maps, tests, scores), "Fig. 5: what each phase of the pipeline adds.", "fig5")
    bars = {method: {name: (s["published"]["dice"]["mean"], s["published"]["dice"]["std"]) for name, s in sets.items()}
            for method, sets in scores["summaries"].items() if method in NAMES["Table 3"].values()}
    yield report.Picture(charts.grouped_bars(bars, "Dice (%), published protocol"),
                         "Table 3 as a chart: mean ± standard deviation over slices.", "table3")
    curve = scores["curve"]
    yield report.Picture(charts.threshold_curve(curve["grid"], [100 * d for d in curve["dice"]], chosen=curve["best"],
                                                relative=preset.threshold.relative),
                         "Table 5: Dice on the validation cases against the threshold.", "table5")


def _worst_hit(infection):
    """(case, slice) with the largest lesion."""
    case, index = np.unravel_index(int(infection.sum((2, 3)).argmax()), infection.shape[:2])
    return int(case), int(index)


def _mask(maps, scores, method, case):
    cut = scores["thresholds"][method]
    found = binarise(maps[f"scores/{method}"][case].astype(np.float32), cut["value"], cut["relative"])
    return found & (maps["lung_mask"][case] > 0.5)


def _dice(predicted, true):
    return 200.0 * np.count_nonzero(predicted & true) / max(1, np.count_nonzero(predicted) + np.count_nonzero(true))


def _slices_figure(maps, tests, scores):
    rows = []
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        case, s = _worst_hit(true)
        predicted = _mask(arrays, scores, FULL, case)[s]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s],
                     "output": arrays[f"scores/{FULL}"][case, s].astype(np.float32), "predicted": predicted,
                     "dice": _dice(predicted, true[case, s]), "label": name})
    return panels.segmentation_panel(rows)


def _lung_figure(maps, scores):
    arrays = list(maps.values())[-1]
    true = arrays["infection"] > 0.5
    case, _ = _worst_hit(true)
    lung = arrays["lung_mask"][case] > 0.5
    return views3d.lung_view({"predicted": (lung, _mask(arrays, scores, FULL, case)), "true": (lung, true[case])},
                             arrays["spacing"][case])


def _ablation_figure(maps, tests, scores):
    stages = [name for name in ("GAN", "GAN + UNet", FULL) if name in scores["summaries"]]
    rows = []
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        case, s = _worst_hit(true)
        masks = [_mask(arrays, scores, stage, case)[s] for stage in stages]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s], "masks": masks,
                     "dice": [_dice(mask, true[case, s]) for mask in masks], "label": name})
    return panels.ablation_panel(rows, [stage.replace(" + ", "\n+ ") for stage in stages])
