"""Paper 003, AF-SEG: segmentation of cells or vessels without any annotation, top to bottom.

1. a coarse, classical segmentation of every image;
2. clean backgrounds: Deep Segmentation Prior masks all foreground out, inpainting fills the gaps;
3. a generator makes images whose only foreground is the coarse label's, and a segmenter learns from these pairs;
4. the validation images, made into such pairs, choose the threshold of the scores;
5. Table 1 on the test images: coarse, supervised U-Net (the upper bound), AF-SEG.
"""

__all__ = ["Reproduction", "reproduce", "train"]

import dataclasses
import json
from pathlib import Path

import numpy as np

from covid3dgan import presets
from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.classical.coarse import coarse_mask
from covid3dgan.data.datasets import image_sets, image_split
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError
from covid3dgan.files import atomic_path
from covid3dgan.inference.foreground import load_afseg_networks
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.afseg_report import METHODS, SHOWN, write_report
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.afseg.backgrounds import coarse_labels, make_backgrounds
from covid3dgan.training.afseg.choose_threshold import best_threshold, validation_pairs
from covid3dgan.training.afseg.segmentation_prior import scores_of
from covid3dgan.training.afseg.train_afseg import train_afseg, train_supervised

COHORTS = {"cells": "blood-cells", "vessels": "angiograms"}
PHANTOM_CASES = 20


def reproduce(out, preset, execution, data=None, supervised=True, command="", overwrite=False):
    """Runs the whole system and writes ``out``/report.html and table1.json: every stage of :class:`Reproduction`.

    Args:
        command: what the report prints as the command that made it.
        The others: see :class:`Reproduction`.

    Returns:
        Path of report.html.
    """
    run = Reproduction(out, preset, execution, data, supervised, overwrite)
    run.prepare()
    run.make_backgrounds()
    run.train()
    run.train_supervised()
    run.choose_thresholds()
    run.report(command)
    run.close()
    return run.out / "report.html"


class Reproduction:
    """The stages of paper 003's system in one folder; each needs the ones before it, and is skipped where it is done.

    Args:
        out: the folder of the run; opened again with the same arguments it goes on where it stopped.
        preset: presets.afseg.System.
        execution: training.loop.TrainingOptions.
        data: a folder that ``data.datasets.image_sets`` knows, with true masks (only Table 1 and the upper bound read
            them); None makes synthetic images.
        supervised: train the upper bound as well.
        overwrite: start anew where a finished run is.
    """

    def __init__(self, out, preset, execution, data=None, supervised=True, overwrite=False):
        self.out, self.preset, self.execution = Path(out), preset, execution
        self.data, self.supervised = data, supervised
        self.images = self.out / "images" if data is None else Path(data)
        self.backgrounds, self.afseg = self.out / "backgrounds.npz", self.out / "afseg"
        self.upper_bound = self.out / "supervised"
        names = [*(["images"] if data is None else []), "backgrounds", "AF-SEG",
                 *(["supervised U-Net"] if supervised else []), "thresholds", "report"]
        self.stages = Stages(self.out, {"preset": presets.as_dict(preset), "seed": execution.seed, "data": data,
                                        "supervised": supervised}, names, overwrite,
                             folders=(*(["images"] if data is None else []), "afseg", "supervised"))

    def prepare(self):
        """The images (``loaded``; ``training``, ``validation``, ``test``: indices into it), coarse masks ``weak``."""
        if self.data is None:
            self.stages.run("images", lambda: chest_ct.write_cohort(
                self.images, COHORTS[self.preset.task], PHANTOM_CASES, self.execution.seed,
                size=(self.preset.images.size,) * 2, overwrite=True))
        found = image_split.with_truth(image_sets.find(self.images))
        self.preset, self.loaded = _load(found, self.preset)
        self.files = found.files()
        self.training, self.validation, self.test = image_split.split_of(found, self.preset.images.split,
                                                                        self.execution.seed)
        self.weak = coarse_labels(self.loaded, self.preset.coarse)

    def make_backgrounds(self):
        """Training images without foreground, then the validation images; returns how the prior's area grew."""
        options, shown = self.preset.background, np.concatenate([self.training, self._validated_on_backgrounds()])
        return self.stages.run("backgrounds", lambda: _save(self.backgrounds, make_backgrounds(
            self.loaded.images[shown], self.weak[shown], options, self.execution.seed,
            [self.loaded.names[i] for i in shown], len(self.training))))

    def _validated_on_backgrounds(self):
        """The validation images whose clean backgrounds are needed: where the segmenter is shown any of them."""
        options = self.preset.synthesis
        shown = options.fade < 1.0 or options.segmenter_background == "inpainted"
        return self.validation if options.tune_threshold and shown else self.validation[:0]

    def train(self):
        """AF-SEG's networks."""
        self._train("AF-SEG", train_afseg, self.afseg, lambda: {
            "weak": self.weak[self.training], "background": self._clean_backgrounds()[1][:len(self.training)]})

    def train_supervised(self):
        """The upper bound, on true masks."""
        if self.supervised:
            self._train("supervised U-Net", train_supervised, self.upper_bound,
                        lambda: {"label": self.loaded.masks[self.training]})

    def _train(self, stage, function, path, others):
        """One training on the training images and the arrays that ``others`` gives."""
        self.stages.run(stage, lambda: train_or_go_on(
            function, {"image": self.loaded.images[self.training], **others()}, path=path, preset=self.preset,
            execution=self.execution, facts=("path", "seconds", "step"), inputs=self.files))

    def choose_thresholds(self):
        """The threshold of each network, by the validation images: AF-SEG's without true masks, the bound's with."""
        if self.preset.synthesis.tune_threshold and len(self.validation):
            self.stages.run("thresholds", self._choose_thresholds)

    def _choose_thresholds(self):
        images, weak = (array[self.validation] for array in (self.loaded.images, self.weak))
        backgrounds = self._clean_backgrounds()[1][len(self.training):] if len(
            self._validated_on_backgrounds()) else images
        segmenter, generator, preset = load_afseg_networks(self.afseg)
        pairs = validation_pairs(generator, preset.synthesis, images, weak, backgrounds, self.execution.seed)
        chosen = {"AF-SEG": _keep_threshold(self.afseg, scores_of(segmenter, pairs[..., 0] / 2.0 + 0.5), weak)}
        if self.supervised:
            scores = scores_of(load_afseg_networks(self.upper_bound)[0], images)
            chosen["supervised U-Net"] = _keep_threshold(self.upper_bound, scores, self.loaded.masks[self.validation])
        return chosen

    def _thresholds(self):
        """Method -> threshold of its scores."""
        kept = self.stages.done.get("thresholds", {"result": {}})["result"]
        return {method: chosen["value"] for method, chosen in kept.items()}

    def report(self, command=""):
        """Writes report.html and table1.json: every method on the test images."""
        self.stages.run("report", lambda: str(write_report(
            self.out, self.preset, self.execution.seed, self.loaded, self.test, self._scores(), self._thresholds(),
            self._made(), self.stages.done["backgrounds"]["result"], _is_phantom(self.images), command)))

    def close(self):
        """Ends the progress bar."""
        self.stages.close()

    def _scores(self):
        """Method -> scores or masks of the test images, (N, H, W)."""
        coarse, images, field = METHODS[self.preset.task], self.loaded.images[self.test], self.loaded.fields[self.test]
        scores = {coarse: _before_erosion(self.loaded, self.test, self.preset.coarse)}
        if self.preset.coarse.erosion or self.preset.coarse.trim:
            scores[f"{coarse}, as label"] = self.weak[self.test]
        scores["AF-SEG"] = field * scores_of(load_afseg_networks(self.afseg)[0], images)
        if self.supervised:
            scores["supervised U-Net"] = field * scores_of(load_afseg_networks(self.upper_bound)[0], images)
        return scores

    def _made(self):
        """What was made of the first training images, by name, each (SHOWN, H, W)."""
        first = self.training[:SHOWN]
        images = self.loaded.images[first]
        holes, backgrounds = self._clean_backgrounds()
        generator = load_afseg_networks(self.afseg)[1]
        generated = np.asarray(generator(to_network(images), training=False))[..., 0] / 2.0 + 0.5
        return {"images": images, "holes": holes[:SHOWN], "backgrounds": backgrounds[:SHOWN], "weak": self.weak[first],
                "generated": generated}

    def _clean_backgrounds(self):
        """(what was masked out, the inpainted images) of the training images."""
        with np.load(self.backgrounds) as stored:
            return stored["holes"], stored["images"]


def train(data, path, preset, execution):
    """Trains AF-SEG on all images of a folder; true masks are not read. Returns the Run.

    Args:
        data: a folder that ``data.datasets.image_sets`` knows, or a list that holds one.
        path: the run directory.
        preset: presets.afseg.System.
        execution: training.loop.TrainingOptions.
    """
    if not isinstance(data, (str, Path)):
        if len(data) != 1:
            raise ArgumentError("data", "one folder of images", f"{len(data)}", "put the images into one folder")
        data = data[0]
    found = image_split.training_part(image_sets.find(data))
    preset, loaded = _load(found, preset)
    weak = coarse_labels(loaded, preset.coarse)
    backgrounds = make_backgrounds(loaded.images, weak, preset.background, execution.seed, loaded.names)
    return train_afseg({"image": loaded.images, "weak": weak, "background": backgrounds.images}, path, preset,
                       execution, found.files())


def _load(found, preset):
    """(preset, LoadedSet) of an ImageSet; a retina is read by its green channel, which the run's preset records."""
    if found.layout in image_sets.RETINAS:
        preset = dataclasses.replace(preset, images=dataclasses.replace(preset.images, channel="green"))
    return preset, image_sets.load(found, preset.images)


def _save(path, backgrounds):
    """Keeps the backgrounds for a later call; returns the prior's history."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, holes=backgrounds.holes, images=backgrounds.images)
    return backgrounds.history


def _keep_threshold(path, scores, labels):
    """Chooses a run's threshold and writes it into its run.json, where ``predict`` and ``export`` find it."""
    value, dice = best_threshold(scores, labels)
    open_run(path)[0].update(threshold={"value": value, "relative": False})
    return {"value": value, "dice": {str(threshold): round(mean, 4) for threshold, mean in dice.items()}}


def _before_erosion(loaded, test, options):
    """Coarse masks as the classical method gives them, before the erosion that makes them labels."""
    options = dataclasses.replace(options, erosion=0, trim=0.0)
    return np.stack([coarse_mask(loaded.images[i], options, loaded.names[i], loaded.fields[i]) for i in test])


def _is_phantom(folder):
    facts = Path(folder) / "cohort.json"
    return facts.is_file() and json.loads(facts.read_text(encoding="utf-8")).get("kind") == "phantom"
