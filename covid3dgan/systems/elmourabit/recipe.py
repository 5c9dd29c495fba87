"""Paper 000's comparison, top to bottom: paper 001's pipeline with its own settings, scored on three data sets.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms, and every table says so.
"""

__all__ = ["paper_roles", "reproduce"]

import dataclasses
from pathlib import Path

from covid3dgan import presets
from covid3dgan.evaluation import paper_tables, report
from covid3dgan.evaluation.comparison import Measured, as_json, comparison_table
from covid3dgan.files import write_json
from covid3dgan.inference.lesions import load_segmenter
from covid3dgan.inference.pseudo_masks import load_generator
from covid3dgan.systems.cohorts import DEMO_SIZES, spread
from covid3dgan.systems.elmourabit.figures import figures, main_slice
from covid3dgan.systems.elmourabit.scores import METHOD, gan_threshold, score_data_set
from covid3dgan.systems.elmourabit.tables import data_table, missing_table, settings_tables
from covid3dgan.systems.first_screen import first_screen
from covid3dgan.systems.predicted_masks import FOLDER, masks_section, predict_cases, view_links, write_view
from covid3dgan.systems.shabani import open_run, prepare_and_train_gan
from covid3dgan.systems.shabani_tables import prepared_cases
from covid3dgan.systems.stages import train_or_go_on
from covid3dgan.training.shabani.train_segmenter import train_segmenter


def paper_roles(cohorts, tuned, most=None):
    """Paper 001's cohorts in paper 000's roles: tested on Mosmed, Coronacases and Radiopaedia.

    Args:
        cohorts: systems.cohorts.Cohorts.
        tuned: whether the threshold is tuned; the first half of Coronacases then serves that and is not scored.
        most: at most so many scored cases of Coronacases; None: all.
    """
    half = len(cohorts.validation) // 2 if tuned else 0
    tests = {"Mosmed": cohorts.tests["Mosmed"], "Coronacases": spread(cohorts.validation[half:], most),
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
    out, tuned = Path(out), preset.threshold.tune
    stages, cohorts = open_run(out, preset, execution, data, sizes,
                               ["cases", "preprocess", "GAN", "segmenter", "predictions", "report"],
                               ("segmenter", FOLDER), overwrite, tests=("Mosmed", "Radiopaedia"))
    cohorts = paper_roles(cohorts, tuned, preset.cohort.test)
    train, validation, gan = prepare_and_train_gan(stages, cohorts, preset, execution)
    stages.run("segmenter", lambda: train_or_go_on(
        train_segmenter, train, path=out / "segmenter", preset=preset, execution=execution, gan=gan,
        validation=validation if tuned else None))
    model, generator = load_segmenter(out / "segmenter"), load_generator(gan)[0]
    stages.run("predictions", lambda: predict_cases(model, cohorts, out))
    stages.run("report", lambda: _report(out, preset, execution, cohorts, model, generator, command,
                                         write_view(cohorts, out, f"{preset.name}: predicted masks")))
    stages.close()
    return out / "report.html"


def _report(out, preset, execution, cohorts, model, generator, command, view=None):
    """Scores the three test sets, writes Tables 1 to 6 and Figures 4 to 12; returns the summaries."""
    cut = gan_threshold(generator, out / "prepared" / "validation", preset, execution.seed)
    found = {name: score_data_set(out / "prepared" / name, model, generator, cut, preset, execution.seed)
             for name in cohorts.tests}
    summaries = {}
    for name, data in found.items():
        for method, scores in data.scores.items():
            summaries.setdefault(method, {})[name] = scores.summary(execution.seed)
    measured = {(method, name, metric): Measured.of(entry, cohorts.described[name], command, cohorts.phantom)
                for method in (METHOD, *(other for other in summaries if other != METHOD))
                for name, summary in summaries[method].items() for metric, entry in summary.items()}
    found_tables = paper_tables.tables("elmourabit", preset.evaluation)
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": execution.seed, "phantom": cohorts.phantom, "scores": summaries[METHOD],
        "gan_scores": summaries["GAN"], "threshold": {"value": model.threshold, "relative": model.relative},
        "gan_threshold": {"value": cut[0], "relative": cut[1]},
        "tables": [as_json(table, measured) for table in found_tables[:2]]})
    by_hand = {key: value for key, value in measured.items() if key == (METHOD, "Radiopaedia", "dice")}
    tables = tuple(comparison_table(table, by_hand if table.name == "Section 2.3" else measured)
                   for table in found_tables)
    trained_on, _ = prepared_cases(out / "prepared", "train", "covid")
    first = next(iter(found))
    case = next(case for case in cohorts.tests[first] if case.id == found[first].cases.ids[0])
    pictures = {picture.name: picture for picture in figures(found, summaries, case, preset)}
    title, lead = first_screen(preset, execution.seed, tuple(cohorts.described.items()),
                               [(found_tables[0], measured, METHOD, "dice")], main_slice(found), command,
                               view_links(view))
    dice = {name: {row["case"]: 100 * row["dice"] for row in data.scores[METHOD].per_case()}
            for name, data in found.items()}
    report.write(out / "report.html", title, _sections(out, preset, cohorts, tables, pictures, trained_on,
                                                       masks_section(view, cohorts.phantom, dice)),
                 overwrite=True, lead=lead)
    return summaries


def _sections(out, preset, cohorts, tables, pictures, trained_on, masks):
    """The report's sections, each with its figures: name -> Picture."""
    def of(*numbers):
        return tuple(pictures[f"figure{number}"] for number in numbers if f"figure{number}" in pictures)

    results, others, quoted = tables
    return [
        report.Section("Data (Table 1)", (data_table(out / "prepared", cohorts), *of(4, 5)), cohorts.phantom),
        report.Section("Results (Table 5)", (results, *of(12)), cohorts.phantom),
        report.Section("Slices (Figures 6 to 11)", of(*range(6, 12)), cohorts.phantom),
        report.Section("Other methods (Table 6, section 2.3)", (others, quoted), cohorts.phantom),
        *masks,
        report.Section("Settings (Tables 2 to 4)", settings_tables(preset, trained_on)),
        report.Section("What is not here", (missing_table(preset, cohorts),)),
        report.Section("Preset", (report.Code(presets.describe(preset), "Every field of the preset"),))]
