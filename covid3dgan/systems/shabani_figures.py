"""The figures of paper 001's report."""

__all__ = ["figures", "image_sets", "main_slice", "slice_scores"]

import numpy as np

from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import paper_tables, report
from covid3dgan.evaluation.figures import charts, group_charts, panels, views3d
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.evaluation.shabani_claims import STEPS
from covid3dgan.evaluation.thresholds import binarise
from covid3dgan.presets.preprocessing import HU_SPAN
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


def main_slice(maps, tests, scores, within_lung):
    """One slice through the whole pipeline, as first_screen takes it: of the first data set's infected slices the one
    in the middle by size; None where no case has an infection."""
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        if not true.any():
            continue
        case, index = _shown(true)["middle"]
        steps = (("CT", hounsfield(tests[name].array("base")[case, index]), "hu"),
                 ("lungs as if healthy", hounsfield(arrays["healthy"][case, index]), "hu"),
                 ("difference", arrays["scores/GAN"][case, index].astype(np.float32) * HU_SPAN, "difference"))
        predicted = _mask(arrays, scores, FULL, case, within_lung)[index]
        return (f"{name}, case {arrays['ids'][case]}, slice {index}: the infected slice of median size; Dice "
                f"{_dice(predicted, true[case, index]):.1f} %"), steps, predicted, true[case, index]
    return None


def figures(maps, tests, groups, distances, scores, preset):
    """The report's pictures, one after the other.

    Args:
        maps, tests, groups: see :func:`image_sets`.
        distances: data set -> what image_groups.bootstrapped_distances returned.
        scores: what shabani_scores.score_methods returned.
    """
    within_lung = preset.evaluation.within_lung
    yield report.Picture(group_charts.pca_scatter(groups), "Fig. 2a: whole volumes of each data set on their first two "
                         "principal components.", "fig2a")
    yield report.Picture(group_charts.group_distances(distances), "Fig. 2b: mean Euclidean distance between the groups "
                         "with the deviation over bootstrap draws.", "fig2b")
    yield report.Picture(_slices_figure(maps, tests, scores, within_lung),
                         "Fig. 3: slice, output, mask at the threshold, true mask.", "fig3")
    for name, arrays in maps.items():
        yield report.Picture(_lung_figure(arrays, scores, within_lung), f"Fig. 4, {name}: lung (blue) and infection "
                             "(red), predicted beside true, of the case with the most infected slice.",
                             f"fig4_{name.lower()}")
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


def _shown(infection):
    """Kind -> (case, slice): the slice with the largest lesion, and the one in the middle of all that have any."""
    sizes = infection.sum((2, 3))
    order = np.argsort(sizes, axis=None, kind="stable")
    infected = order[np.count_nonzero(sizes == 0):]
    chosen = {"largest": order[-1], "middle": infected[(len(infected) - 1) // 2] if len(infected) else order[-1]}
    return {kind: tuple(map(int, np.unravel_index(int(at), sizes.shape))) for kind, at in chosen.items()}


def _shown_slices(maps):
    """Name of a slice -> (its data set, true masks of the data set, case, slice)."""
    for name, arrays in maps.items():
        true = arrays["infection"] > 0.5
        for kind, (case, index) in _shown(true).items():
            yield f"{name}\n{kind}", (name, true, case, index)


def slice_scores(maps, scores, within_lung):
    """({name of a slice of Figs. 3 and 5: Dice in percent by step}, the steps that there are)."""
    steps = [step for step in STEPS if step in scores["summaries"]]
    found = {}
    for label, (name, true, case, index) in _shown_slices(maps):
        found[label.replace("\n", ", ")] = [
            _dice(_mask(maps[name], scores, step, case, within_lung)[index], true[case, index]) for step in steps]
    return found, steps


def _mask(maps, scores, method, case, within_lung):
    cut = scores["thresholds"][method]
    found = binarise(maps[f"scores/{method}"][case].astype(np.float32), cut["value"], cut["relative"])
    return found & (maps["lung_mask"][case] > 0.5) if within_lung else found


def _dice(predicted, true):
    return 200.0 * np.count_nonzero(predicted & true) / max(1, np.count_nonzero(predicted) + np.count_nonzero(true))


def _slices_figure(maps, tests, scores, within_lung):
    rows = []
    for label, (name, true, case, s) in _shown_slices(maps):
        predicted = _mask(maps[name], scores, FULL, case, within_lung)[s]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s],
                     "output": maps[name][f"scores/{FULL}"][case, s].astype(np.float32), "predicted": predicted,
                     "dice": _dice(predicted, true[case, s]), "label": label})
    return panels.segmentation_panel(rows)


def _lung_figure(arrays, scores, within_lung):
    true = arrays["infection"] > 0.5
    case, _ = _shown(true)["largest"]
    lung = arrays["lung_mask"][case] > 0.5
    predicted = _mask(arrays, scores, FULL, case, within_lung)
    return views3d.lung_view({"predicted": (lung, predicted), "true": (lung, true[case])}, arrays["spacing"][case])


def _ablation_figure(maps, tests, scores, within_lung):
    stages = [name for name in STEPS if name in scores["summaries"]]
    rows = []
    for label, (name, true, case, s) in _shown_slices(maps):
        masks = [_mask(maps[name], scores, stage, case, within_lung)[s] for stage in stages]
        rows.append({"image": hounsfield(tests[name].array("base")[case, s]), "true": true[case, s], "masks": masks,
                     "dice": [_dice(mask, true[case, s]) for mask in masks], "label": label})
    return panels.ablation_panel(rows, stages)
