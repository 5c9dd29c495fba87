"""Paper 001's system, top to bottom: CTs, prepared cases, 3D GAN, pseudo-masks, segmenter, threshold, tables.

Every stage is skipped where its result is there. Without real data the cohorts are phantoms named after the paper's
data sets, and every table says so.
"""

__all__ = ["VARIANTS", "Reproduction", "open_run", "prepare_all", "prepare_and_train_gan", "reproduce"]

import collections
import dataclasses
from pathlib import Path

from covid3dgan import presets, progress
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.dataset import prepare_each
from covid3dgan.files import write_json
from covid3dgan.inference.lesions import load_segmenter
from covid3dgan.systems import side_by_side
from covid3dgan.systems.cohorts import DEMO_SIZES, TESTS, open_cohorts
from covid3dgan.systems.predicted_masks import predict_cases, write_view
from covid3dgan.systems.shabani_report import write_report
from covid3dgan.systems.shabani_scores import score_methods
from covid3dgan.systems.shabani_tables import FULL
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.shabani.train_gan import train_gan
from covid3dgan.training.shabani.train_segmenter import train_segmenter

# Method of Tables 3 and 4 -> what of the preset differs in its segmenter. Table 4's "low vs high" is the full system.
VARIANTS = {
    "GAN + UNet": ["contrastive.enabled=false"],
    "GAN + UNet + contrastive": [],
    "healthy vs high": ["contrastive.pairs=healthy-high"],
    "healthy vs low": ["contrastive.pairs=healthy-low"],
}
ABLATION = ("GAN + UNet", "GAN + UNet + contrastive")


def reproduce(out, preset, execution, data=None, sizes=DEMO_SIZES, variants=tuple(VARIANTS), predictions=4, command="",
              overwrite=False):
    """Runs the whole system and writes its report: every stage of :class:`Reproduction`, in order.

    Args:
        command: what the report prints as the command that made it.
        The others: see :class:`Reproduction`.

    Returns:
        Path of report.html.
    """
    run = Reproduction(out, preset, execution, data, sizes, variants, predictions, overwrite)
    run.prepare()
    run.train_gan()
    run.train_segmenters()
    run.score()
    run.predict()
    run.report(command)
    run.close()
    return run.out / "report.html"


class Reproduction:
    """The stages of paper 001's system in one folder; the notebooks call them one by one.

    Every stage needs the ones before it, and is skipped where its result is there.

    Args:
        out: the folder of the run; opened again with the same arguments it reuses the finished stages.
        preset: a preset of presets.shabani.System.
        execution: training.loop.TrainingOptions.
        data: folder with the real data sets; None for phantoms.
        sizes: systems.cohorts.CohortSizes of the phantoms.
        variants: the segmenters of Tables 3 and 4 to train; the full system always is.
        predictions: test cases per data set that are also written as NIfTI masks.
        overwrite: start anew where a finished run is.
    """

    def __init__(self, out, preset, execution, data=None, sizes=DEMO_SIZES, variants=tuple(VARIANTS), predictions=4,
                 overwrite=False):
        self.out, self.preset, self.execution, self.predictions = Path(out), preset, execution, predictions
        self.variants = tuple(dict.fromkeys((*variants, FULL)))
        names = ["cases", "preprocess", "GAN", *[f"segmenter: {name}" for name in self.variants], "scores",
                 "predictions", "report"]
        self.stages, self.cohorts = open_run(self.out, preset, execution, data, sizes, names,
                                             ("segmenters", "scores", "predictions"), overwrite)
        self.prepared, self.gan = self.out / "prepared", self.out / "gan"
        self.segmenters = {name: self.out / "segmenters" / name.replace(" + ", "-").replace(" ", "-")
                           for name in self.variants}

    def prepare(self):
        """The cases, network-ready; returns how many of each role, and what was left out."""
        self.stages.run("cases", lambda: self.cohorts.described)
        return self.stages.run("preprocess", lambda: prepare_all(self.cohorts, self.prepared, self.preset,
                                                                 self.execution.workers))

    def train_gan(self):
        """The 3D GAN on the training cases; returns seconds and step."""
        job = self.prepared / "train", self.gan, self.preset, self.execution
        [result] = self._trained(_train_gan, {"GAN": (job, self.gan, self.preset.gan.steps)})
        return result

    def train_segmenters(self):
        """Every variant's segmenter on the GAN's pseudo-masks; returns method -> seconds, step and threshold."""
        stages = {}
        for name, path in self.segmenters.items():
            job = self.prepared, self.gan, path, presets.override(self.preset, VARIANTS[name]), self.execution
            stages[f"segmenter: {name}"] = job, path, self.preset.segmenter.steps
        return dict(zip(self.segmenters, self._trained(_train_variant, stages)))

    def _trained(self, train, stages):
        """Each stage's result, in order; ``stages`` maps names to (job of ``train``, run directory, steps)."""
        waiting = {stage: job for stage, job in stages.items() if stage not in self.stages.done}
        if waiting and side_by_side.wanted(self.execution):
            self.stages.announce(*waiting)
            for stage, seconds, result in side_by_side.train_each(train, waiting, self.execution.workers):
                self.stages.keep(stage, seconds, result)
                for found in result["collapse"].values():
                    progress.say(f"warning: {stage}: {found['message']}")
        # Those that are done are skipped; one whose process was killed, perhaps for want of memory, goes on alone.
        return [self.stages.run(stage, lambda j=job: train(j)) for stage, (job, _, _) in stages.items()]

    def score(self):
        """Scores of every method on the test cohorts: see shabani_scores.score_methods."""
        tests = {name: self.prepared / name for name in self.cohorts.tests}
        return self.stages.run("scores", lambda: score_methods(
            self.gan, self.segmenters, self.prepared / "validation", tests, self.preset, self.execution.seed,
            self.out / "scores"))

    def predict(self):
        """Masks of the first test cases as NIfTI, in each CT's own geometry."""
        return self.stages.run("predictions", lambda: predict_cases(load_segmenter(self.segmenters[FULL]), self.cohorts,
                                                                    self.out, self.predictions))

    def report(self, command=""):
        """Writes report.html, report.md and results.json; returns the report's path and every method's mean Dice."""
        scores = self.stages.done["scores"]["result"]
        return self.stages.run("report", lambda: write_report(
            self.out, self.preset, self.cohorts, scores, (self.gan, *self.segmenters.values()), command,
            self.execution, self.view()))

    def view(self):
        """Writes view.html, which shows the predicted cases in a browser; returns its path, or None where the page's
        template was never built."""
        return write_view(self.cohorts, self.out, f"{self.preset.name}: predicted masks", self.predictions)

    def close(self):
        """Ends the progress bar."""
        self.stages.close()


def open_run(out, preset, execution, data, sizes, names, folders, overwrite, tests=TESTS, validated=True):
    """The folder of a recipe that begins with CTs and a 3D GAN: its Stages and its Cohorts.

    Args:
        out, preset, execution, data, sizes, overwrite: see :class:`Reproduction`.
        names: of the stages.
        folders: what the stages after the GAN make.
        tests, validated: see systems.cohorts.open_cohorts.
    """
    out = Path(out)
    stages = Stages(out, {"system": preset.system, "preset": presets.as_dict(preset), "seed": execution.seed,
                          "data": data, "sizes": dataclasses.asdict(sizes) if data is None else None},
                    names, overwrite, folders=(*(["phantoms"] if data is None else []), "prepared", "gan", *folders))
    return stages, open_cohorts(data, out / "phantoms", execution.seed, sizes, preset, execution.workers, tests,
                                validated)


def prepare_and_train_gan(stages, cohorts, preset, execution):
    """The stages "cases", "preprocess" and "GAN" of such a recipe, one after the other; returns the folders of the
    prepared training and validation cases, and the GAN's run."""
    prepared, gan = stages.out / "prepared", stages.out / "gan"
    stages.run("cases", lambda: cohorts.described)
    stages.run("preprocess", lambda: prepare_all(cohorts, prepared, preset, execution.workers))
    stages.run("GAN", lambda: _train_gan((prepared / "train", gan, preset, execution)))
    return prepared / "train", prepared / "validation", gan


def prepare_all(cohorts, out, preset, workers=1):
    """Prepared cases of every role; one that cannot be prepared is listed and left out.

    Args:
        workers: processes; more than one only where the caller's own script is guarded by ``__name__``.
    """
    options = dataclasses.replace(preset.preprocess, shape=tuple(preset.gan.volume_shape))
    roles = {"train": cohorts.train, "validation": cohorts.validation, **cohorts.tests}
    paths = {role: [out / role / f"{case.id}.npz" for case in cases] for role, cases in roles.items()}
    jobs = [(case, path, options) for role, cases in roles.items() for case, path in zip(cases, paths[role])]
    todo = [job for job in jobs if not job[1].exists()]
    found = {}
    with progress.bar(total=len(jobs), initial=len(jobs) - len(todo), description="preprocess", unit="case") as bar:
        for (_, path, _), _, problem in prepare_each(todo, workers):
            found[path] = problem
            bar.update(problem is None)
        # Once more, one after the other: a process may have ended for want of memory.
        for (_, path, _), _, problem in prepare_each([job for job in todo if found[job[1]] is not None], 1):
            found[path] = problem
            bar.update(1)
    problems = [found[path] for _, path, _ in todo if found[path] is not None]
    counts = {role: sum(path.exists() for path in expected) for role, expected in paths.items()}
    for problem in problems:
        progress.say(f"left out: {problem}")
    lungs = collections.Counter(prepared_case.stored_facts(path)["lung_mask"] for expected in paths.values()
                                for path in expected if path.exists())
    made = {"counts": counts, "lungs": dict(lungs), "left_out": problems}
    write_json(out / "prepared.json", made)
    return made


def _train_gan(job):
    """The GAN, in this process or in one of its own; a job is (cases, path, preset, execution)."""
    cases, path, preset, execution = job
    return train_or_go_on(train_gan, cases, path=path, preset=preset, execution=execution)


def _train_variant(job):
    """One segmenter, in this process or in one of its own; a job is (prepared, gan, path, preset, execution)."""
    prepared, gan, path, preset, execution = job
    return train_or_go_on(train_segmenter, prepared / "train", path=path, preset=preset, execution=execution, gan=gan,
                          validation=prepared / "validation")
