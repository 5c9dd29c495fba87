"""The report of paper 003's system: Table 1 beside the paper's, Figures 4, 5 and 6."""

__all__ = ["METHODS", "SHOWN", "missing_table", "write_report"]

import numpy as np

from covid3dgan import presets
from covid3dgan.evaluation import paper_tables, protocols, report
from covid3dgan.evaluation.comparison import Measured, as_json, comparison_table
from covid3dgan.evaluation.figures import afseg
from covid3dgan.evaluation.figures.style import hounsfield
from covid3dgan.files import write_json
from covid3dgan.systems.first_screen import first_screen

METHODS = {"cells": "level set", "vessels": "Hessian"}  # the paper's names of the coarse rows
SHOWN = 4  # images per figure


def write_report(out, preset, seed, loaded, test, scores, thresholds, made, prior, phantom, command):
    """Writes report.html and table1.json; returns the report's path.

    Args:
        out: the folder of the run.
        loaded: data.datasets.image_sets.LoadedSet with true masks.
        test: indices of the test images in it.
        scores: method -> scores or masks of the test images, (N, H, W).
        thresholds: method -> threshold of its scores, where it is not the preset's.
        made: of some training images (SHOWN, H, W): "images", "holes", "backgrounds", "weak" masks and "generated".
        prior: (step, predicted area over coarse area) of the segmentation prior.
        phantom, command: what the table says of where the numbers come from.
    """
    names = [loaded.names[i] for i in test]
    chosen = dict(thresholds)
    thresholds = {method: thresholds.get(method, preset.synthesis.threshold) for method in scores}
    results = {method: protocols.afseg([np.asarray(m, np.float32) for m in maps], list(loaded.masks[test]),
                                       thresholds[method], names) for method, maps in scores.items()}
    summaries = {method: result.summary() for method, result in results.items()}
    described = f"{len(test)} {'synthetic' if phantom else 'real'} test images"
    measured = {(method, preset.task, metric): Measured.of(entry, described, command, phantom)
                for method, summary in summaries.items() for metric, entry in summary.items()}
    table = next(t for t in paper_tables.tables("afseg") if t.name.endswith(preset.task))
    write_json(out / "table1.json", {
        "preset": preset.name, "seed": seed, "phantom": phantom, "command": command, "test_images": names,
        "thresholds": thresholds, "prior": [{"step": step, "area_ratio": ratio} for step, ratio in prior],
        "methods": summaries, "tables": [as_json(table, measured)]})
    backgrounds, synthesis, segmentation = _figures(made, loaded, test[:SHOWN], scores, results, thresholds)
    title, lead = first_screen(preset, seed, (("data", described),), [(table, measured, "AF-SEG", "dice")],
                               _main_image(loaded, test, scores, thresholds, results, preset.task), command)
    return report.write(out / "report.html", f"{title} ({preset.task})", [
        report.Section(f"{table.title} (Table 1)", (comparison_table(table, measured), segmentation,
                                                    _threshold_table(thresholds, chosen)), phantom),
        report.Section("How the training images are made (Figures 4 and 5)", (backgrounds, synthesis), phantom),
        report.Section("What is not here", (missing_table(preset, phantom),)),
        report.Section("Preset", (report.Code(presets.describe(preset), "Every field of the preset"),)),
    ], overwrite=True, lead=lead)[0]


def _main_image(loaded, test, scores, thresholds, results, task):
    """The test image of median Dice, as first_screen takes it."""
    dice = results["AF-SEG"].values("dice")
    at = int(np.argsort(dice, kind="stable")[(len(dice) - 1) // 2])
    found = np.asarray(scores["AF-SEG"][at], np.float32)
    steps = (("image", hounsfield(loaded.images[test[at]]), "hu"),
             (f"coarse: {METHODS[task]}", np.asarray(scores[METHODS[task]][at], np.float32), "mask"),
             ("score of AF-SEG", found, "score"))
    return (f"{loaded.names[test[at]]}: the test image of median Dice, {dice[at]:.3f}", steps,
            found > thresholds["AF-SEG"], loaded.masks[test[at]])


def missing_table(preset, phantom):
    """What the paper has and the report has not, and why.

    Args:
        preset: presets.afseg.System.
        phantom: whether the images are synthetic.
    """
    paper = presets.get(f"afseg/{preset.task}")
    rows = [("Figures 1 to 3", "drawings of the method; they have no result"),
            ("the images of Figures 4 to 6", "the paper does not name them; ours are of the images at hand")]
    if phantom:
        rows.append(("all results on real images", "need a data set (docs/DATASETS.md) and `--data`"))
    sides = preset.images.size, paper.images.size
    if sides[0] < sides[1]:
        rows.append(("the size of the images", f"{sides[0]} of {sides[1]} pixels a side"))
    ours, theirs = (stage.constant_epochs + stage.decay_epochs for stage in (preset.synthesis, paper.synthesis))
    if ours < theirs:
        rows.append(("the length of the training", f"{ours} of {theirs} epochs; it needs a GPU"))
    if preset.synthesis.segmenter_width < paper.synthesis.segmenter_width:
        rows.append(("the networks' size", f"the segmenter has {preset.synthesis.segmenter_width} filters at its first "
                     f"level, that of `{paper.name}` {paper.synthesis.segmenter_width}"))
    return report.Table("Of the paper, but not in this report", ("what", "why"), tuple(rows))


def _threshold_table(thresholds, chosen):
    """At which threshold each network's scores became masks, and what chose it."""
    choosers = {"AF-SEG": "validation images and their coarse labels, no true mask",
                "supervised U-Net": "validation images and their true masks"}
    rows = tuple((method, f"{thresholds[method]:g}", chooser if method in chosen else "the preset")
                 for method, chooser in choosers.items() if method in thresholds)
    return report.Table("Thresholds of the scores", ("method", "threshold", "chosen by"), rows, numeric=(1,))


def _figures(made, loaded, shown, scores, results, thresholds):
    columns = {method: np.asarray(maps[:SHOWN], np.float32) > thresholds[method] for method, maps in scores.items()}
    columns["truth"] = loaded.masks[shown]
    dice = {method: result.values("dice") for method, result in results.items()}
    return (
        report.Picture(afseg.background_figure(made["images"], made["holes"], made["backgrounds"]),
                       "Figure 4: background synthesis.", "figure4"),
        report.Picture(afseg.synthesis_figure(made["images"], made["weak"], made["generated"]),
                       "Figure 5: corresponding image synthesis.", "figure5"),
        report.Picture(afseg.segmentation_figure(loaded.images[shown], columns, dice),
                       "Figure 6: segmentation of test images.", "figure6"),
    )
