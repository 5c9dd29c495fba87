"""Paper 001's system, top to bottom: CTs, prepared cases, 3D GAN, pseudo-masks, segmenter, threshold, tables.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms named after the paper's
data sets, and every table says so.
"""

__all__ = ["VARIANTS", "finish", "prepare_all", "reproduce"]

import dataclasses
from pathlib import Path

from covid3dgan import presets, progress
from covid3dgan.data import prepared
from covid3dgan.data.preprocess_dataset import prepare_case
from covid3dgan.errors import InputError
from covid3dgan.files import write_json
from covid3dgan.inference.inputs import Input
from covid3dgan.inference.predict import predict_folder
from covid3dgan.systems.cohorts import DEMO_SIZES, open_cohorts
from covid3dgan.systems.shabani_report import write_report
from covid3dgan.systems.shabani_scores import score_methods
from covid3dgan.systems.stages import Stages
from covid3dgan.training.callbacks import TrainingStopped
from covid3dgan.training.train_gan import train_gan
from covid3dgan.training.train_segmenter import load_segmenter, train_segmenter

# Method of Tables 3 and 4 -> what of the preset differs in its segmenter. Table 4's "low vs high" is the full system.
VARIANTS = {
    "GAN + UNet": ["contrastive.enabled=false"],
    "GAN + UNet + contrastive": [],
    "healthy vs high": ["contrastive.pairs=healthy-high"],
    "healthy vs low": ["contrastive.pairs=healthy-low"],
}
ABLATION = ("GAN + UNet", "GAN + UNet + contrastive")
FULL = "GAN + UNet + contrastive"
ATTEMPTS = 4


def reproduce(out, preset, how, data=None, sizes=DEMO_SIZES, variants=tuple(VARIANTS), predictions=4, command="",
              overwrite=False):
    """Runs the whole system and writes its report.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: a preset of presets.shabani.System.
        how: training.conduct.How.
        data: folder with the real data sets; None for phantoms.
        sizes: systems.cohorts.CohortSizes of the phantoms.
        variants: the segmenters of Tables 3 and 4 to train; the full system always is.
        predictions: test cases per data set that are also written as NIfTI masks.
        command: what the report prints as the command that made it.

    Returns:
        Path of report.html.
    """
    out = Path(out)
    names = ["cases", "preprocess", "GAN", *[f"segmenter: {name}" for name in variants], "scores", "predictions",
             "report"]
    stages = Stages(out, {"system": preset.system, "preset": presets.as_dict(preset), "seed": how.seed,
                          "data": data, "sizes": dataclasses.asdict(sizes) if data is None else None},
                    names, overwrite)
    cohorts = open_cohorts(data, out / "phantoms", how.seed, sizes)
    stages.run("cases", lambda: cohorts.described)
    stages.run("preprocess", lambda: prepare_all(cohorts, out / "prepared", preset))
    train, validation = out / "prepared" / "train", out / "prepared" / "validation"

    stages.run("GAN", lambda: finish(train_gan, train, out / "gan", preset, how))
    runs = {}
    for name in dict.fromkeys((*variants, FULL)):
        runs[name] = out / "segmenters" / name.replace(" + ", "-").replace(" ", "-")
        varied = presets.override(preset, VARIANTS[name])
        stages.run(f"segmenter: {name}", lambda v=varied, p=runs[name]: finish(
            train_segmenter, train, p, v, how, gan=out / "gan", validation=validation))

    tests = {name: out / "prepared" / name for name in cohorts.tests}
    scores = stages.run("scores", lambda: score_methods(out / "gan", runs, validation, tests, preset, how.seed,
                                                        out / "scores"))
    stages.run("predictions", lambda: _predict(load_segmenter(runs[FULL]), cohorts, out / "predictions", predictions))
    stages.run("report", lambda: write_report(out, preset, cohorts, scores, runs, command, how))
    stages.close()
    return out / "report.html"


def prepare_all(cohorts, out, preset):
    """Prepared cases of every role; one that cannot be prepared is listed and left out."""
    options = dataclasses.replace(preset.preprocess, shape=tuple(preset.gan.volume_shape))
    roles = {"train": cohorts.train, "validation": cohorts.validation, **cohorts.tests}
    problems, counts = [], {}
    total = sum(map(len, roles.values()))
    with progress.bar(total=total, description="preprocess", unit="case") as bar:
        for role, cases in roles.items():
            for case in cases:
                path = out / role / f"{case.id}.npz"
                try:
                    if not path.exists():
                        prepared.save(prepare_case(case, options), path)
                    counts[role] = counts.get(role, 0) + 1
                except InputError as error:
                    problems.append(str(error))
                bar.update(1)
    for problem in problems:
        progress.say(f"left out: {problem}")
    write_json(out / "prepared.json", {"counts": counts, "left_out": problems})
    return {"counts": counts, "left_out": problems}


def finish(train, data, path, preset, how, **extra):
    """Trains, continuing a run that an earlier call left unfinished.

    In bfloat16 a CPU kernel now and then hands back NaN that another try does not see; such a run goes on from its
    last good checkpoint. In float32 a NaN is the training's own and ends it.
    """
    for attempt in range(ATTEMPTS):
        resume = (Path(path) / "run.json").is_file()
        try:
            run = train(data=data, path=path, preset=preset,
                        how=dataclasses.replace(how, resume=resume, overwrite=False), **extra)
            break
        except TrainingStopped as error:
            if how.precision == "float32" or attempt == ATTEMPTS - 1:
                raise
            progress.say(f"warning: {error} Trying again from the last checkpoint.")
    return {"path": str(run.path), "seconds": run.manifest["seconds"], "step": run.manifest["step"],
            "collapse": run.manifest.get("collapse", {}), "threshold": run.manifest.get("threshold")}


def _predict(model, cohorts, out, count):
    """Masks of the first test cases as NIfTI, in each CT's own geometry."""
    facts = {}
    for name, cases in cohorts.tests.items():
        inputs = [Input(case.id, case.image, case.lungs, case.window) for case in cases[:count]]
        results, problems = predict_folder(model, inputs, out / name, overlay=True, resume=True)
        facts[name] = {"cases": results, "problems": problems}
    return facts
