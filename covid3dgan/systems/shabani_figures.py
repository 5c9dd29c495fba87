"""The figures of paper 001's report."""

__all__ = ["figures", "image_sets"]

import numpy as np

from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import paper_tables, report
from covid3dgan.evaluation.figures import charts, panels, views3d
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.thresholds import binarise
from covid3dgan.systems.shabani_tables import FULL, NAMES


def image_sets(out, cohorts):
    """(data set -> kept score maps, data set -> PreparedSet of the scored cases, data set -> Fig. 2's groups)."""
    maps = {name: np.load(out / "scores" / f"{name}.npz") for name in cohorts.tests}
    tests = {name: open_prepared(out / "prepared" / name) for name in cohorts.tests}
    tests = {name: cases.take([i for i, case in enumerate(cases.cases) if case.infection is not None])
             for name, cases in tests.items()}
    healthy = open_prepared(out / "prepared" / "train").only("healthy").array("lung")
    groups = {name: {"COVID-19": tests[name].array("lung"), "healthy": healthy[:len(tests[name])],
                     "synthesised healthy": maps[name]["healthy"]} for name in tests}
    return maps, tests, groups


def figures(maps, tests, groups, distances, scores, preset):
    """The report's pictures, one after the other.

    Args:
        maps, tests, groups: see :func:`image_sets`.
        distances: data set -> what image_groups.bootstrapped_distances returned.
        scores: what shabani_scores.score_methods returned.
    """
    first, within_lung = next(iter(groups)), preset.evaluation.within_lung
    yield report.Picture(charts.pca_scatter(groups[first]), f"Fig. 2a: whole volumes of {first} on their first two "
                         "principal components.", "fig2a")
    yield report.Picture(charts.group_distances(distances), "Fig. 2b: mean Euclidean distance between the groups, with "
                         "the deviation over bootstrap draws.", "fig2b")
    yield report.Picture(_slices_figure(maps, tests, scores, within_lung),
                         "Fig. 3: slice, output, mask at the threshold, true mask.", "fig3")
    yield report.Picture(_lung_figure(maps, scores, within_lung),
                         "Fig. 4: lung (blue) and infection (red), predicted beside true.", "fig4")
    yield report.Picture(_ablation_figure(maps, tests, scores, within_lung),
                         "Fig. 5: what each phase of the pipeline adds.", "fig5")
    bars = {method: {name: (s["published"]["dice"]["mean"], s["published"]["dice"]["std"]) for name, s in sets.items()}
            for method, sets in scores["summaries"].items() if method in NAMES["Table 3"].values()}
    yield report.Picture(charts.grouped_bars(bars, "Dice (%), published protocol"),
                         "Table 3 as a chart: mean ± standard deviation over slices.", "table3")
    yield _curve_picture(scores["curve"], preset)


def _curve_picture(curve, preset):
    """Table 5 as a curve with the paper's five points."""
    paper = {float(value): dice for value, dice in paper_tables.numbers()["001"]["table5_threshold"].items()}
    return report.Picture(
        charts.threshold_curve(curve["grid"], [100 * d for d in curve["dice"]], chosen=curve["best"], paper=paper,
                               relative=preset.threshold.relative),
        "Table 5: Dice against the threshold. Ours: each validation case one sample, mean over those with an "
        f"infection{', inside the lungs' if preset.evaluation.within_lung else ''}. The paper's five points are on "
        "CoronaCases; it does not say whether a sample is a slice or a CT.", "table5")


def _worst_hit(infection):
    """(case, slice) with the largest lesion."""
    case, index = np.unravel_index(int(infection.sum((2, 3)).argmax()), infection.shape[:2])
    return int(case), int(index)


def _mask(maps, scores, method, case, within_lung):
    cut = scores["thresholds"][method]
    found = binarise(maps[f"scores/{method}"][case].astype(np.float32), cut["value"], cut["relative"])
    return found & (maps["lung_mask"][case] > 0.5) if within_lung else found


def _dice(predicted, true):
    return 200.0 * np.count_nonzero(predicted & true) / max(1, np.count_nonzero(predicted) + np.count_nonzero(true))


def _slices_figure(maps, tests, scores, within_lung):
    rows = []
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        case, s = _worst_hit(true)
        predicted = _mask(arrays, scores, FULL, case, within_lung)[s]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s],
                     "output": arrays[f"scores/{FULL}"][case, s].astype(np.float32), "predicted": predicted,
                     "dice": _dice(predicted, true[case, s]), "label": name})
    return panels.segmentation_panel(rows)


def _lung_figure(maps, scores, within_lung):
    arrays = list(maps.values())[-1]
    true = arrays["infection"] > 0.5
    case, _ = _worst_hit(true)
    lung = arrays["lung_mask"][case] > 0.5
    predicted = _mask(arrays, scores, FULL, case, within_lung)
    return views3d.lung_view({"predicted": (lung, predicted), "true": (lung, true[case])}, arrays["spacing"][case])


def _ablation_figure(maps, tests, scores, within_lung):
    stages = [name for name in ("GAN", "GAN + UNet", FULL) if name in scores["summaries"]]
    rows = []
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        case, s = _worst_hit(true)
        masks = [_mask(arrays, scores, stage, case, within_lung)[s] for stage in stages]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s], "masks": masks,
                     "dice": [_dice(mask, true[case, s]) for mask in masks], "label": name})
    return panels.ablation_panel(rows, [stage.replace(" + ", "\n+ ") for stage in stages])
