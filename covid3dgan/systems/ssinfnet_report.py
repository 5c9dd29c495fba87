"""The report of paper 004's system: Tables I to III beside the paper's, significance, Figures 5, 6 and 7."""

__all__ = ["SHOWN", "missing_table", "write_report"]

import numpy as np

from covid3dgan import presets
from covid3dgan.evaluation import paper_tables, report, ssinfnet_tables
from covid3dgan.evaluation.comparison import as_json, comparison_table
from covid3dgan.evaluation.figures import ssinfnet
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.files import write_json
from covid3dgan.systems.first_screen import first_screen

SHOWN = 4  # slices per figure


def write_report(out, preset, seed, parts, probability, classes, painted, phantom, command, backbone_weights=None,
                 ablation=None):
    """Writes report.html and tables.json; returns the main numbers.

    Args:
        out: the folder of the run.
        parts: (train, validation, test, unlabelled or None), SliceSets; nothing was trained or chosen on ``test``.
        probability: method -> (N, S, S) of infection.
        classes: method -> (N, S, S) labels.
        painted: (what ``mask_difficulty`` and ``CoachedInpainting.show`` returned).
        phantom, command: what the tables say of where the numbers come from.
        backbone_weights: the file that Inf-Net's trunk started from, if any.
        ablation: (single, multi: method -> scores) -> rows of both, as ``ssinfnet_ablation.ablation_rows``; or None.
    """
    (difficulty, paintings), test = painted, parts[2]
    single = {method: ssinfnet_tables.infection_scores(p, test.labels, test.patients, preset.single.threshold)
              for method, p in probability.items()}
    multi = {method: ssinfnet_tables.class_scores(p, test.labels, test.patients) for method, p in classes.items()}
    described = f"{len(test)} slices of {len(np.unique(test.patients))} {'phantoms' if phantom else 'patients'}"
    table2, table3 = paper_tables.tables("ssinfnet")
    significance = [ssinfnet_tables.significance_table(of["SSInfNet"], of["SInfNet"]) for of in (
        {method: {"infection": scores} for method, scores in single.items()}, multi)]
    measured = (ssinfnet_tables.measured_infection(single, described, command, phantom),
                ssinfnet_tables.measured_classes(multi, described, command, phantom))
    rows = ablation(single, multi) if ablation else None
    maps, roc, labels, painting = _figures(test, probability, classes, paintings)
    start = (f"Inf-Net's trunk started from {backbone_weights}." if backbone_weights else
             "Inf-Net's trunk started from random weights, the published one from ImageNet's (--backbone-weights).")
    title, lead = first_screen(
        preset, seed, (("data", described), ("start", start)),
        [(table2, measured[0], "SSInfNet", "f1"), (table3, measured[1], "SSInfNet", "f1")],
        _main_slice(test, probability, preset.single.threshold), command)
    report.write(out / "report.html", title, [
        report.Section("Data (Table I)", (ssinfnet_tables.data_table(*parts, phantom),), phantom),
        report.Section("Infection as one class (Table II)", (
            comparison_table(table2, measured[0]), maps, roc, significance[0]), phantom),
        report.Section("Ground glass and consolidation (Table III)", (
            comparison_table(table3, measured[1]), labels, significance[1]), phantom),
        *([report.Section("Ablation", ssinfnet_tables.ablation_tables(*rows, phantom), phantom)] if rows else []),
        report.Section("Inpainting", (painting, _painting_error(difficulty)), phantom),
        report.Section("What is not here", (missing_table(preset, phantom, bool(rows), backbone_weights),)),
        report.Section("Preset", (report.Paragraph(start),
                                  report.Code(presets.describe(preset), "Every field of the preset"))),
    ], overwrite=True, lead=lead)
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": seed, "phantom": phantom, "test": described, "difficulty": difficulty,
        "single": {method: scores.summary() for method, scores in single.items()},
        "multi": {method: _summary(scores) for method, scores in multi.items()},
        "tables": [as_json(table, found) for table, found in zip((table2, table3), measured)],
        "significance": [dict(zip(table.columns, row)) for table in significance for row in table.rows],
        **({"ablation": ssinfnet_tables.ablation_json(*rows)} if rows else {})})
    return {"difficulty": difficulty, "overall_f1": {m: scores["overall"]["f1"] for m, scores in multi.items()}}


def missing_table(preset, phantom, ablation, backbone_weights):
    """What the paper has and the report has not, and why.

    Args:
        preset: presets.ssinfnet.System.
        phantom, backbone_weights: see :func:`write_report`.
        ablation: whether the report has the ablation's tables.
    """
    paper = presets.get("ssinfnet/paper")
    rows = [("Figures 1 to 4", "drawings of the networks; they have no result"),
            ("the slices of Figures 5 and 7", "the paper does not name them; ours are of the test slices at hand")]
    if phantom:
        rows.append(("all results on patients", "need MedSeg and ICTCF (docs/DATASETS.md) and `--data`"))
    if not ablation:
        rows.append(("the networks without a part of the paper, and on pseudo-labels", "`--ablation` trains them"))
    if backbone_weights is None:
        rows.append(("ImageNet weights of Inf-Net's trunk", "are the published start; `--backbone-weights` reads them"))
    if preset.slices.size < paper.slices.size:
        rows.append(("the size of the slices", f"{preset.slices.size} of {paper.slices.size} pixels a side"))
    rows += [(f"the length of the {name} network's training",
              f"{ours.epochs} of {theirs.epochs} epochs; it needs a GPU")
             for name, ours, theirs in (("single", preset.single, paper.single), ("multi-class", preset.multi,
                                                                                 paper.multi))
             if ours.epochs < theirs.epochs]
    return report.Table("Of the paper, but not in this report", ("what", "why"), tuple(rows))


def _main_slice(test, probability, threshold):
    """The most infected slice of the patient with most, as first_screen takes it."""
    at = _most_infected(test)[0]
    found = probability["SSInfNet"][at]
    steps = (("CT", hounsfield(test.images[at]), "hu"), ("infection, by SSInfNet", found, "score"),
             ("mask without inpainting", probability["SInfNet"][at] >= threshold, "mask"))
    return (f"Slice of {test.patients[at]}, the test patient with most infection", steps, found >= threshold,
            test.labels[at] > 0)


def _figures(test, probability, classes, paintings):
    shown = _most_infected(test)
    images, labels = test.images[shown], test.labels[shown]
    return (
        report.Picture(ssinfnet.infection_figure(images, labels > 0, {m: p[shown] for m, p in
                                                                      probability.items()}),
                       "Figure 5: infection as one class; of the test patients with most of it, the slice with "
                       "most.", "figure5"),
        report.Picture(ssinfnet.roc_figure(probability, test.labels), "Figure 6: ROC over all test pixels.",
                       "figure6"),
        report.Picture(ssinfnet.class_figure(images, labels, {m: p[shown] for m, p in classes.items()}),
                       "Figure 7: ground glass and consolidation in the same slices.", "figure7"),
        report.Picture(ssinfnet.painting_figure(*paintings),
                       "What the coach erases and Inf-Net paints, after pre-training.", "inpainting"),
    )


def _painting_error(difficulty):
    return report.Paragraph(
        f"Painting error on erased pixels of test slices: {difficulty['coach']:.3f} under the coach's masks, "
        f"{difficulty['random']:.3f} under random masks of the same size, over {difficulty['batches']} batches of "
        f"crops; the difference is {difficulty['difference']:+.3f} ± {difficulty['error95']:.3f} (1.96 standard "
        "errors).")


def _most_infected(test):
    """The slice with most infection of each of the patients with most of it."""
    sizes = (test.labels > 0).sum((1, 2))
    own = np.array([np.flatnonzero(test.patients == name)[np.argmax(sizes[test.patients == name])]
                    for name in np.unique(test.patients)])
    return own[np.argsort(-sizes[own], kind="stable")[:SHOWN]]


def _summary(scores):
    """Table III of one method: class -> metric -> numbers, 'overall' with its bootstrap interval."""
    found = {label: part.summary() for label, part in scores.items() if label != "overall"}
    found["overall"] = {metric: {**entry, "ci95": ssinfnet_tables.overall_interval(scores, metric)}
                        for metric, entry in scores["overall"].items()}
    return found
