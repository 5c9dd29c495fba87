"""Paper 003, AF-SEG: segmentation of cells or vessels without any annotation, top to bottom.

1. a coarse, classical segmentation of every image;
2. clean backgrounds: Deep Segmentation Prior masks all foreground out, inpainting fills the gaps;
3. a generator makes images whose only foreground is the coarse label's, and a segmenter learns from these pairs;
4. Table 1 on the test images: coarse, supervised U-Net (the upper bound), AF-SEG.
"""

__all__ = ["METHODS", "predict", "reproduce", "train"]

import dataclasses
import json
from pathlib import Path

import numpy as np

from covid3dgan import presets
from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.classical.coarse import coarse_mask
from covid3dgan.data.datasets import image_sets
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.evaluation import paper_tables, protocols, report
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.figures import afseg
from covid3dgan.export.layout import is_exported
from covid3dgan.files import atomic_path, write_json
from covid3dgan.inference.exported import load_exported_images
from covid3dgan.inference.predict_images import predict_images
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.stages import Stages
from covid3dgan.training.afseg.backgrounds import coarse_labels, make_backgrounds
from covid3dgan.training.afseg.segmentation_prior import scores_of
from covid3dgan.training.afseg.train_afseg import load_segmenter, train_afseg, train_supervised

METHODS = {"cells": "level set", "vessels": "Hessian"}  # the paper's names of the coarse rows
COHORTS = {"cells": "blood-cells", "vessels": "angiograms"}
PHANTOM_CASES = 20
SHOWN = 4  # images per figure


def reproduce(out, preset, execution, data=None, supervised=True, command="", overwrite=False):
    """Runs the whole system and writes its report and ``out``/table1.json.

    Args:
        out: the folder of the run; called again with the same arguments it goes on where it stopped.
        preset: presets.afseg.System.
        execution: training.loop.TrainingOptions.
        data: a folder that ``data.datasets.image_sets`` knows, with true masks (only Table 1 and the upper bound read
            them); None makes synthetic images.
        supervised: train the upper bound as well.
        command: what the report prints as the command that made it.

    Returns:
        Path of report.html.
    """
    out = Path(out)
    stages = Stages(out, {"preset": presets.as_dict(preset), "seed": execution.seed, "data": data,
                          "supervised": supervised},
                    ["images", "backgrounds", "AF-SEG", "supervised U-Net", "report"], overwrite)
    folder = out / "images" if data is None else Path(data)
    if data is None:
        stages.run("images", lambda: chest_ct.write_cohort(folder, COHORTS[preset.task], PHANTOM_CASES, execution.seed,
                                                           overwrite=True))
    preset, found, loaded = _load(folder, preset)
    if loaded.masks is None:
        raise InputError(data, "a true mask for every image", "images without",
                         "add the masks, or use 'covid3dgan train afseg', which needs none")
    training, _, test = image_sets.split(len(loaded.names), preset.images.split, execution.seed)
    images, truth = loaded.images[training], loaded.masks[training]
    weak = coarse_labels(loaded, preset.coarse)

    history = stages.run("backgrounds", lambda: _save(out / "backgrounds.npz", make_backgrounds(
        images, weak[training], preset.background, execution.seed)))
    with np.load(out / "backgrounds.npz") as stored:
        holes, backgrounds = stored["holes"], stored["images"]

    stages.run("AF-SEG", lambda: _finish(train_afseg, {
        "image": images, "weak": weak[training], "background": backgrounds}, out / "afseg", preset, execution, found))
    segmenter, _, generator = load_segmenter(out / "afseg", with_generator=True)
    coarse = METHODS[preset.task]
    scores = {coarse: _before_erosion(loaded, test, preset.coarse)}
    if preset.coarse.erosion:
        scores[f"{coarse}, as label"] = weak[test]
    scores["AF-SEG"] = scores_of(segmenter, loaded.images[test])
    if supervised:
        stages.run("supervised U-Net", lambda: _finish(train_supervised, {"image": images, "label": truth},
                                                       out / "supervised", preset, execution, found))
        scores["supervised U-Net"] = scores_of(load_segmenter(out / "supervised")[0], loaded.images[test])

    names = [loaded.names[i] for i in test]
    results = {method: protocols.afseg([np.asarray(m, np.float32) for m in maps], list(loaded.masks[test]),
                                       preset.synthesis.threshold, names) for method, maps in scores.items()}
    generated = np.asarray(generator(to_network(images[:SHOWN]), training=False))[..., 0] / 2.0 + 0.5
    pictures = (
        report.Picture(afseg.background_figure(images[:SHOWN], holes, backgrounds),
                       "Figure 4: background synthesis.", "figure4"),
        report.Picture(afseg.synthesis_figure(images[:SHOWN], weak[training], generated),
                       "Figure 5: corresponding image synthesis.", "figure5"),
        _segmentation_picture(loaded, test[:SHOWN], scores, results, preset.synthesis.threshold))
    path = _write(out, preset, folder, results, execution, pictures, history, command)
    stages.run("report", lambda: str(path))
    stages.close()
    return path


def train(data, path, preset, execution):
    """Trains AF-SEG on all images of a folder; true masks are not read. Returns the Run.

    Args:
        data: a folder that ``data.datasets.image_sets`` knows, or a list that holds one.
        path: the run directory; :func:`predict` reads it.
        preset: presets.afseg.System.
        execution: training.loop.TrainingOptions.
    """
    if not isinstance(data, (str, Path)):
        if len(data) != 1:
            raise ArgumentError("data", "one folder of images", f"{len(data)}", "put the images into one folder")
        data = data[0]
    preset, found, loaded = _load(data, preset)
    weak = coarse_labels(loaded, preset.coarse)
    backgrounds = make_backgrounds(loaded.images, weak, preset.background, execution.seed)
    return train_afseg({"image": loaded.images, "weak": weak, "background": backgrounds.images}, path, preset,
                       execution,
                       found.files())


def predict(run, sources, out, **options):
    """Masks of images by a trained run, or by its segmenter exported; see ``inference.predict_images``.

    Returns:
        (facts by name, list of InputError).
    """
    if is_exported(run):
        segmenter, preset = load_exported_images(run)
        described = segmenter.described
    else:
        segmenter, preset = load_segmenter(run)
        described = {"run": str(run), "step": open_run(run)[0].manifest["step"]}
    return predict_images(segmenter, preset, sources, out, described=described, **options)


def _load(data, preset):
    """(preset, ImageSet, LoadedSet); a retina is read by its green channel, which the run's preset then records."""
    found = image_sets.find(data)
    if found.layout in image_sets.RETINAS:
        preset = dataclasses.replace(preset, images=dataclasses.replace(preset.images, channel="green"))
    return preset, found, image_sets.load(found, preset.images)


def _save(path, backgrounds):
    """Keeps the backgrounds for a later call; returns the prior's history."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, holes=backgrounds.holes, images=backgrounds.images)
    return backgrounds.history


def _finish(train_one, arrays, path, preset, execution, found):
    """Trains, continuing what an interrupted call left; returns facts for stages.json."""
    resume = (path / "run.json").is_file() and not execution.overwrite
    run = train_one(arrays, path, preset, dataclasses.replace(execution, resume=resume), found.files())
    return {"path": str(run.path), "seconds": run.manifest["seconds"], "step": run.manifest["step"]}


def _before_erosion(loaded, test, options):
    """Coarse masks as the classical method gives them, before the erosion that makes them labels."""
    options = dataclasses.replace(options, erosion=0)
    return np.stack([coarse_mask(loaded.images[i], options, loaded.names[i], loaded.fields[i]) for i in test])


def _segmentation_picture(loaded, shown, scores, results, threshold):
    columns = {method: np.asarray(maps[:SHOWN], np.float32) > threshold for method, maps in scores.items()}
    columns["truth"] = loaded.masks[shown]
    dice = {method: result.values("dice") for method, result in results.items()}
    return report.Picture(afseg.segmentation_figure(loaded.images[shown], columns, dice),
                          "Figure 6: segmentation of test images.", "figure6")


def _write(out, preset, folder, results, execution, pictures, history, command):
    phantoms = _is_phantom(folder)
    summaries = {method: result.summary() for method, result in results.items()}
    count = len(next(iter(results.values())).rows)
    described = f"{count} {'synthetic' if phantoms else 'real'} test images"
    measured = {(method, preset.task, metric): Measured.of(entry, described, command, phantoms)
                for method, summary in summaries.items() for metric, entry in summary.items()}
    table = next(t for t in paper_tables.tables("afseg") if t.name.endswith(preset.task))
    write_json(out / "table1.json", {
        "preset": preset.name, "seed": execution.seed, "phantom": phantoms, "command": command,
        "test_images": next(iter(results.values())).cases,
        "prior": [{"step": step, "area_ratio": ratio} for step, ratio in history], "methods": summaries})
    return report.write(out / "report.html", f"AF-SEG on {preset.task}", [
        report.Section("Table 1", (comparison_table(table, measured),), phantoms),
        report.Section("Figures", pictures, phantoms),
        report.Section("Preset", (report.Code(presets.describe(preset)),)),
    ], overwrite=True)[0]


def _is_phantom(folder):
    facts = Path(folder) / "cohort.json"
    return facts.is_file() and json.loads(facts.read_text(encoding="utf-8")).get("kind") == "phantom"
