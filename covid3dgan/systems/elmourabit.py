"""Paper 000's comparison, top to bottom: paper 001's pipeline with its own settings, scored on three data sets.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms, and every table says so.
"""

__all__ = ["METHOD", "paper_roles", "reproduce"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan import presets
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import paper_tables, protocols, report
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.figures.charts import grouped_bars
from covid3dgan.evaluation.thresholds import binarise
from covid3dgan.files import write_json
from covid3dgan.inference.lesions import load_segmenter, score_maps
from covid3dgan.systems.cohorts import DEMO_SIZES, open_cohorts
from covid3dgan.systems.elmourabit_tables import data_table, settings_tables
from covid3dgan.systems.shabani import prepare_all
from covid3dgan.systems.shabani_tables import prepared_cases
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.pseudo_slices import as_slices
from covid3dgan.training.shabani.train_gan import train_gan
from covid3dgan.training.shabani.train_segmenter import train_segmenter

METHOD = "GAN + UNet"
METRICS = {"dice": "Dice", "sensitivity": "sensitivity", "specificity": "specificity"}


def paper_roles(cohorts, tuned):
    """Paper 001's cohorts in paper 000's roles: tested on Mosmed, Coronacases and Radiopaedia.

    Args:
        cohorts: systems.cohorts.Cohorts.
        tuned: whether the threshold is tuned; the first half of Coronacases then serves that and is not scored.
    """
    half = len(cohorts.validation) // 2 if tuned else 0
    tests = {"Mosmed": cohorts.tests["Mosmed"], "Coronacases": cohorts.validation[half:],
             "Radiopaedia": cohorts.tests["Radiopaedia"]}
    described = {**cohorts.described, "Coronacases": f"{cohorts.described['validation']}, {len(tests['Coronacases'])} "
                 "of them scored"}
    return dataclasses.replace(cohorts, validation=cohorts.validation[:half], tests=tests, described=described)


def reproduce(out, preset, execution, data=None, sizes=DEMO_SIZES, command="", overwrite=False):
    """Runs the whole system and writes ``out``/report.html and tables.json.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: a preset of presets.shabani.System, such as elmourabit/paper.
        execution: training.loop.TrainingOptions.
        data: folder with the real data sets; None for phantoms.
        sizes: systems.cohorts.CohortSizes of the phantoms.
        command: what the report prints as the command that made it.
        overwrite: start anew where a finished run is.

    Returns:
        Path of report.html.
    """
    out = Path(out)
    stages = Stages(out, {"system": preset.system, "preset": presets.as_dict(preset), "seed": execution.seed,
                          "data": data, "sizes": dataclasses.asdict(sizes) if data is None else None},
                    ["cases", "preprocess", "GAN", "segmenter", "report"], overwrite,
                    folders=(*(["phantoms"] if data is None else []), "prepared", "gan", "segmenter"))
    tuned = preset.threshold.tune
    cohorts = open_cohorts(data, out / "phantoms", execution.seed, sizes, preset.evaluation, execution.workers)
    cohorts = paper_roles(cohorts, tuned)
    stages.run("cases", lambda: cohorts.described)
    stages.run("preprocess", lambda: prepare_all(cohorts, out / "prepared", preset, execution.workers))
    train, validation = out / "prepared" / "train", out / "prepared" / "validation"
    stages.run("GAN", lambda: train_or_go_on(train_gan, train, path=out / "gan", preset=preset, execution=execution))
    stages.run("segmenter", lambda: train_or_go_on(
        train_segmenter, train, path=out / "segmenter", preset=preset, execution=execution, gan=out / "gan",
        validation=validation if tuned else None))
    model = load_segmenter(out / "segmenter")
    stages.run("report", lambda: _report(out, preset, execution, cohorts, model, command))
    stages.close()
    return out / "report.html"


def _report(out, preset, execution, cohorts, model, command):
    """Scores the three test sets and writes Tables 1 to 6 and Figure 12; returns the summaries."""
    results = {name: _scores(model, out / "prepared" / name, preset.evaluation)
               for name in cohorts.tests}
    summaries = {name: result.summary(execution.seed) for name, result in results.items()}
    measured = {(METHOD, name, metric): Measured.of(entry, cohorts.described[name], command, cohorts.phantom)
                for name, summary in summaries.items() for metric, entry in summary.items()}
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": execution.seed, "phantom": cohorts.phantom, "scores": summaries,
        "threshold": {"value": model.threshold, "relative": model.relative}})
    bars = {label: {name: (summary[metric]["mean"], summary[metric]["std"]) for name, summary in summaries.items()}
            for metric, label in METRICS.items()}
    figure = report.Picture(grouped_bars(bars, "mean and standard deviation (%)", ylim=(0, 125)),
                            "Figure 12: results of GAN + U-Net.", "figure12")
    tables = tuple(comparison_table(table, measured) for table in paper_tables.tables("elmourabit", preset.evaluation))
    trained_on, _ = prepared_cases(out / "prepared", "train", "covid")
    report.write(out / "report.html", "GAN + UNet on three data sets (paper 000)", [
        report.Section("Table 1", (data_table(out / "prepared", cohorts),), cohorts.phantom),
        report.Section("Tables 2 to 4", settings_tables(preset, trained_on)),
        report.Section("Tables 5 and 6", tables, cohorts.phantom),
        report.Section("Figure 12", (figure,), cohorts.phantom),
        report.Section("Preset", (report.Code(presets.describe(preset)),)),
    ], overwrite=True)
    return summaries


def _scores(model, folder, options):
    cases = open_prepared(folder)
    cases = cases.take([i for i, case in enumerate(cases.cases) if case.infection is not None])
    volumes, lungs = cases.array("lung"), cases.array("lung_mask")
    scores = score_maps(model.network, as_slices(volumes)).reshape(volumes.shape)
    masks = binarise(scores, model.threshold, model.relative)
    if options.within_lung:
        scores, masks = np.where(lungs > 0.5, scores, 0), masks & (lungs > 0.5)
    return protocols.published(masks, cases.array("infection"), lungs, slice_filters=options.slice_filters,
                               names=cases.ids, continuous=scores if options.continuous_dice else None)
