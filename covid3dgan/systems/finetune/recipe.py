"""Fine-tuning a segmenter on corrected masks, top to bottom.

Paper 001, Conclusion: what the pipeline finds "can be used to perform lesion labeling that can be refined later by
radiologists". The CTs are prepared; fold by fold the network learns on from the other folds' masks and is scored on the
cases held out; then it learns on from all of them, and that network is exported. The material that it was first trained
on is not at hand, so nothing of it is mixed in: few steps at a small rate keep what it knew.
"""

__all__ = ["PRESET", "finetune"]

import dataclasses
import functools
import shutil
from pathlib import Path
from typing import Any

import covid3dgan
from covid3dgan import environment, presets, progress, weights
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.errors import InputError
from covid3dgan.export.write import export
from covid3dgan.files import sha256, write_json
from covid3dgan.inference.exported.as_keras import segmenter_of_file
from covid3dgan.inference.exported.layout import is_exported
from covid3dgan.inference.lesions import LesionPredictor, load_segmenter
from covid3dgan.inference.predictor import load_predictor
from covid3dgan.systems.finetune.cases import find_corrected, folds_of, prepare_corrected
from covid3dgan.systems.finetune.finetune_report import write_report
from covid3dgan.systems.finetune.scores import score_held_out, sentence_of, summary
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.shabani.fine_tune import best_threshold, fine_tune, fine_tuning_preset

PRESET = "shabani/finetune"
MADE = ("prepared", "lungs", "folds", "all", "export")  # folders of the stages
NOTE = "research software, not a medical device"


@dataclasses.dataclass(frozen=True)
class Start:
    """The segmenter that learns on: as ``predict`` uses it, as a ``keras.Model``, its preset, where it came from."""

    predictor: LesionPredictor
    network: Any
    preset: Any
    origin: dict


def finetune(folder, out, preset, execution, model=None, command="", overwrite=False):
    """Fine-tunes, measures on held-out cases, exports; stages whose result is in ``out`` already are skipped.

    Args:
        folder: the corrected cases, a data set with CTs and masks (docs/DATASETS.md).
        out: the folder of the whole run; ``segmenter.tflite`` in it is the network.
        preset: presets.shabani.FineTunedSystem.
        execution: training.loop.TrainingOptions.
        model: a run of ``train segmenter`` or a float32 TFLite file; None: the segmenter that comes along.
        command: what the results say made them.
        overwrite: do every stage anew.

    Returns:
        What is written to ``results.json``; its "sentence" says whether it helped.
    """
    out, start = Path(out), open_start(model)
    preset = fine_tuning_preset(preset, start.preset, start.predictor.across)
    cases, problems = find_corrected(folder, out, preset.finetune.least_cases)
    folds = folds_of(cases, preset.finetune.folds, execution.seed)
    names = ["prepare", *(f"fold {number}" for number in range(1, len(folds) + 1)), "all cases", "export"]
    stages = Stages(out, _identity(preset, execution, start, cases), names, overwrite, MADE)
    try:
        # Not kept as a stage: what is there already is skipped case by case, and the cases are wanted below.
        ready, more = prepare_corrected(cases, out, start.predictor)
        problems += more
        folds = [[case for case in ready if case.case.id in {held.case.id for held in fold}] for fold in folds]
        _check_prepared(folds, folder, problems)
        stages.run("prepare", lambda: {"cases": [case.case.id for case in ready]})
        rows = []
        for number, held in enumerate(folds, 1):
            training = [case for case in ready if case not in held]
            rows += stages.run(f"fold {number}", functools.partial(_fold, number, training, held, start, preset,
                                                                   execution, out))
        trained = stages.run("all cases", lambda: _train(ready, start, out / "all", preset, execution, []))
        stages.run("export", lambda: _export(out, command))
    finally:
        stages.close()
    found = summary(rows, execution.seed)
    file = out / "segmenter.tflite"
    results = {"command": command, "covid3dgan": covid3dgan.__version__, "data": str(folder),
               "started_from": start.origin,
               "network": {"file": file.name, "sha256": sha256(file), "threshold": trained["threshold"]["value"]},
               "seed": execution.seed, "preset": presets.as_dict(preset), "cases": rows, "summary": found,
               "sentence": sentence_of(found), "problems": problems, "machine": environment.machine(),
               "versions": environment.versions(), "note": NOTE}
    write_json(out / "results.json", results)
    write_report(results, out / "report.html")
    return results


def open_start(model=None):
    """The :class:`Start` of a run of ``train segmenter``, a float32 TFLite file, or the segmenter that comes along."""
    if model is None or (not Path(model).exists() and str(model) in weights.names()):
        model = weights.path(weights.DEFAULT if model is None else str(model))
    model = Path(model)
    if not is_exported(model):
        predictor = load_segmenter(model)
        return Start(predictor, predictor.network, predictor.preset,
                     {**predictor.describe(), "sha256": sha256(model / "run.json")})
    file = model / "segmenter.tflite" if model.is_dir() else model
    if not file.is_file():
        raise InputError(model, "segmenter.tflite in the folder of the export", "none",
                         "name the run that it was exported from")
    network, preset = segmenter_of_file(file)
    predictor = load_predictor(file)
    return Start(predictor, network, preset, predictor.describe())


def _identity(preset, execution, start, cases):
    """What makes two runs the same, for stages.json."""
    return {"system": "finetune", "preset": presets.as_dict(preset), "seed": execution.seed,
            "precision": execution.precision, "network": start.origin["sha256"],
            "data": {one.case.id: [one.patient, *map(_digest, (one.case.image, one.case.infection, one.case.lungs))]
                     for one in cases}}


def _digest(path):
    """A file's sha256; of a DICOM folder the names and sizes of its files."""
    if path is None:
        return None
    path = Path(path)
    return sha256(path) if path.is_file() else sorted([file.name, file.stat().st_size] for file in path.iterdir())


def _check_prepared(folds, folder, problems):
    """An InputError where so many cases could not be prepared that a fold has no lesion left."""
    if any(not any(case.infected for case in fold) for fold in folds):
        raise InputError(folder, "cases that can be prepared", f"{len(problems)} that cannot; the first: {problems[0]}",
                         "repair these files (covid3dgan verify)")


def _train(cases, start, path, preset, execution, held):
    """Trains on these cases, or goes on; the facts of the run."""
    return train_or_go_on(fine_tune, [case.prepared for case in cases], start.network, path=path, preset=preset,
                          execution=execution, facts=("path", "seconds", "step", "threshold"),
                          sure=start.predictor.sure,
                          details={"started_from": start.origin, "held_out": [case.case.id for case in held]})


def _fold(number, training, held, start, preset, execution, out):
    """Trains on the other folds' cases; the rows of those held out."""
    path = out / "folds" / str(number)
    _train(training, start, path, preset, execution, held)
    was = start.predictor
    cut = LesionPredictor(was.network, was.preset, was.threshold, preset.threshold.relative, was.described,
                          across=was.across, sure=was.sure)
    chosen = best_threshold(cut, [prepared_case.load(case.prepared) for case in training], preset.threshold)
    return score_held_out(held, (was, dataclasses.replace(cut, threshold=chosen["value"]), load_segmenter(path)),
                          number)


def _export(out, command):
    """Writes the network of all cases as TFLite, run back and compared."""
    export(out / "all", out / "export", formats="tflite", overwrite=True, command=command)
    shutil.copyfile(out / "export" / "segmenter.tflite", out / "segmenter.tflite")
    progress.say(f"the network: {out / 'segmenter.tflite'}")
    return {"file": "segmenter.tflite"}
