"""Paper 004, SSInfNet: coach-guided inpainting before Inf-Net learns to segment, top to bottom.

1. slices with ground glass and consolidation labelled, and more slices without labels;
2. single: a U-Net, Inf-Net from scratch (SInfNet), and Inf-Net after inpainting (SSInfNet) find infection;
3. multi: the same three tell ground glass from consolidation; SInfNet's infection maps are the priors of the test;
4. Tables II and III on test slices, the significance of the difference, Figures 5, 6 and 7.

Every stage is skipped where its result is there. Without real data the slices are phantoms, and every table says so.
"""

__all__ = ["reproduce"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan import presets, progress
from covid3dgan.data import datasets, slice_batches
from covid3dgan.data.phantom_medseg import phantom_slices
from covid3dgan.data.slices import SliceSet, join, read_slices, split_slices
from covid3dgan.errors import InputError
from covid3dgan.evaluation import paper_tables, report, ssinfnet_figures, ssinfnet_tables
from covid3dgan.evaluation.comparison import comparison_table
from covid3dgan.files import atomic_path, write_json
from covid3dgan.inference.ssinfnet import as_prior, class_probabilities, infection_probability
from covid3dgan.systems.stages import Stages
from covid3dgan.training.train_ssinfnet import (
    METHODS,
    load_inpainting,
    load_network,
    train_inpainting,
    train_multi,
    train_single,
)

SHOWN = 4  # slices per figure


def reproduce(out, preset, how, data=None, command="", overwrite=False, backbone_weights=None):
    """Runs the whole system and writes ``out``/report.html and tables.json.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: presets.ssinfnet.System.
        how: training.conduct.How.
        data: folder with MedSeg or COVID-SemiSeg, and iCTCF where there is one, in sub-folders; None for phantoms.
        command: what the report prints as the command that made it.
        overwrite: start anew where a finished run is.
        backbone_weights: file of ImageNet weights for Inf-Net's trunk, as published; random without.

    Returns:
        Path of report.html.
    """
    out = Path(out)
    runs = [f"{network}_{run}" for network in ("single", "multi") for run in ("inpainting", *METHODS)]
    stages = Stages(out, {"system": preset.system, "preset": presets.as_dict(preset), "seed": how.seed, "data": data,
                          "backbone_weights": backbone_weights}, ["slices", *runs, "report"], overwrite)
    path = out / "slices.npz"
    stages.run("slices", lambda: _save(path, *_open_slices(data, preset, how.seed)))
    labelled, unlabelled = _load(path, "labelled"), _load(path, "unlabelled")
    train, validation, test = split_slices(labelled, preset.slices, how.seed)

    def run(function, name, *args, **named):
        """One training; an interrupted one goes on where it stopped."""
        def work():
            own = dataclasses.replace(how, resume=(out / name / "run.json").is_file() and not overwrite,
                                      overwrite=overwrite)
            manifest = function(*args, out / name, preset, own, inputs=[path], **named).manifest
            return {"seconds": manifest["seconds"], "step": manifest["step"]}

        stages.run(name, work)
        return out / name

    # === Infection as one class ===
    pictures = train.images
    if unlabelled is not None and preset.single_inpainting.images == "all":
        pictures = np.concatenate([pictures, unlabelled.images])
    inpainting = run(train_inpainting, "single_inpainting", pictures, validation=(validation.images, None),
                     backbone_weights=backbone_weights)
    single = {method: run(train_single, f"single_{method}", train, validation, method=method,
                          start=inpainting if method == "SSInfNet" else None,
                          backbone_weights=backbone_weights if method == "SInfNet" else None) for method in METHODS}
    networks = {method: load_network(folder)[0] for method, folder in single.items()}

    # === Ground glass and consolidation: the priors come from SInfNet, for both methods ===
    def guessed(part):
        return as_prior(infection_probability(networks["SInfNet"], part.images), preset.multi.prior_minmax)

    def priors_of(part):
        return part.infection if preset.multi.training_prior == "truth" else guessed(part)

    priors = priors_of(train), priors_of(validation)
    pictures, guesses = train.images, priors[0]
    if unlabelled is not None and preset.multi_inpainting.images == "all":
        pictures = np.concatenate([pictures, unlabelled.images])
        guesses = np.concatenate([guesses, guessed(unlabelled)])
    start = run(train_inpainting, "multi_inpainting", pictures, priors=guesses,
                validation=(validation.images, priors[1]))
    multi = {method: run(train_multi, f"multi_{method}", train, validation, method=method,
                         priors=None if method == "U-Net" else priors,
                         start=start if method == "SSInfNet" else None) for method in METHODS}

    def score():
        probability = {method: infection_probability(network, test.images) for method, network in networks.items()}
        prior = guessed(test)
        classes = {method: np.argmax(class_probabilities(load_network(folder)[0], test.images,
                                                         None if method == "U-Net" else prior), -1)
                   for method, folder in multi.items()}
        return _report(out, preset, how, test, probability, classes, _paint(inpainting, test, preset, how),
                       phantom=_is_phantom(data), command=command)

    stages.run("report", score)
    stages.close()
    return out / "report.html"


# === Slices ===

def _open_slices(data, preset, seed):
    """(labelled, unlabelled or None)."""
    if data is None:
        return phantom_slices(preset.slices, seed)
    found = [dataset for dataset in map(datasets.find_dataset, _folders(data)) if dataset is not None]
    found = found or [datasets.open_dataset(data)]
    labelled = [d for d in found if any(case.classes is not None for case in d)]
    if not labelled:
        raise InputError(data, "a data set with ground glass and consolidation labelled", "none",
                         "put MedSeg or COVID-SemiSeg there, or leave --data out to use phantoms")
    others = [read_slices(d, preset.slices, labelled=False) for d in found if d not in labelled]
    return join([read_slices(d, preset.slices, labelled=True) for d in labelled]), join(others) if others else None


def _folders(data):
    return sorted(child for child in Path(data).glob("*") if child.is_dir())


def _is_phantom(data):
    return data is None or any((folder / "cohort.json").is_file() for folder in [Path(data), *_folders(data)])


def _save(path, labelled, unlabelled):
    parts = {"labelled": labelled, "unlabelled": unlabelled}
    content = {f"{kind}_{field.name}": getattr(part, field.name) for kind, part in parts.items() if part is not None
               for field in dataclasses.fields(part) if getattr(part, field.name) is not None}
    with atomic_path(path) as temporary:
        np.savez(temporary, **content)
    return {kind: 0 if part is None else len(part) for kind, part in parts.items()}


def _load(path, kind):
    with np.load(path, allow_pickle=False) as kept:
        if f"{kind}_images" not in kept.files:
            return None
        return SliceSet(*(kept[f"{kind}_{field.name}"] if f"{kind}_{field.name}" in kept.files else None
                          for field in dataclasses.fields(SliceSet)))


# === Results ===

def _paint(path, test, preset, how):
    """How much harder the coach's masks are than random ones, and a few paintings."""
    training = load_inpainting(path)
    options = preset.single_inpainting
    batches = [slice_batches.inpainting_check(test.images, options, how.seed, number)
               for number in range(max(1, min(8, len(test) // options.batch_size)))]
    errors = {kind: float(np.mean([float(training.erased_error({**batch, "random_mask": np.array(kind == "random")}))
                                   for batch in batches])) for kind in ("coach", "random")}
    return errors, training.show(batches[0], SHOWN)


def _report(out, preset, how, test, probability, classes, painted, phantom, command):
    """Writes report.html and tables.json; returns the difficulty of both kinds of masks."""
    difficulty, paintings = painted
    single = {method: ssinfnet_tables.infection_scores(p, test.labels, test.patients, preset.single.threshold)
              for method, p in probability.items()}
    multi = {method: ssinfnet_tables.class_scores(p, test.labels, test.patients) for method, p in classes.items()}
    described = f"{len(test)} slices of {len(np.unique(test.patients))} {'phantoms' if phantom else 'patients'}"
    table2, table3 = paper_tables.tables("ssinfnet")
    tables = (
        comparison_table(table2, ssinfnet_tables.measured_infection(single, described, command, phantom)),
        comparison_table(table3, ssinfnet_tables.measured_classes(multi, described, command, phantom)),
        ssinfnet_tables.significance_table(multi["SSInfNet"], multi["SInfNet"]),
    )
    shown = np.sort(np.argsort(-(test.labels > 0).sum((1, 2)), kind="stable")[:SHOWN])
    images, labels = test.images[shown], test.labels[shown]
    figures = (
        report.Picture(ssinfnet_figures.infection_figure(images, labels > 0, {m: p[shown] for m, p in
                                                                              probability.items()}),
                       "Figure 5: infection as one class, the test slices with most of it.", "figure5"),
        report.Picture(ssinfnet_figures.roc_figure(probability, test.labels), "Figure 6: ROC over all test pixels.",
                       "figure6"),
        report.Picture(ssinfnet_figures.class_figure(images, labels, {m: p[shown] for m, p in classes.items()}),
                       "Figure 7: ground glass and consolidation.", "figure7"),
        report.Picture(ssinfnet_figures.painting_figure(*paintings),
                       "What the coach erases and Inf-Net paints, after pre-training.", "inpainting"),
        report.Paragraph(f"Painting error on erased pixels of test slices: {difficulty['coach']:.3f} under the coach's "
                         f"masks, {difficulty['random']:.3f} under random masks of the same size."),
    )
    report.write(out / "report.html", "SSInfNet", [
        report.Section("Tables", tables, phantom),
        report.Section("Figures", figures, phantom),
        report.Section("Preset", (report.Code(presets.describe(preset)),)),
    ], subtitle=f"preset `{preset.name}`, seed {how.seed}, on {described}", overwrite=True)
    write_json(out / "tables.json", {
        "preset": preset.name, "seed": how.seed, "phantom": phantom, "test": described, "difficulty": difficulty,
        "single": {method: scores.summary() for method, scores in single.items()},
        "multi": {method: _summary(scores) for method, scores in multi.items()},
        "significance": [dict(zip(tables[2].columns, row)) for row in tables[2].rows]})
    progress.say(f"report: {out / 'report.html'}")
    return {"difficulty": difficulty, "overall_f1": {m: scores["overall"]["f1"] for m, scores in multi.items()}}


def _summary(scores):
    """Table III of one method: class -> metric -> numbers, 'overall' with its bootstrap interval."""
    found = {label: part.summary() for label, part in scores.items() if label != "overall"}
    found["overall"] = {metric: {**entry, "ci95": ssinfnet_tables.overall_interval(scores, metric)}
                        for metric, entry in scores["overall"].items()}
    return found
