"""Paper 004, SSInfNet: coach-guided inpainting before Inf-Net learns to segment, top to bottom.

1. slices with ground glass and consolidation labelled, and more slices without labels;
2. single: a U-Net, Inf-Net from scratch (SInfNet), and Inf-Net after inpainting (SSInfNet) find infection;
3. multi: the same three tell ground glass from consolidation; SInfNet's infection maps are the priors of the test;
4. Tables II and III on test slices, the significance of the difference, Figures 5, 6 and 7.

Every stage is skipped where its result is there. Without real data the slices are phantoms, and every table says so.
"""

__all__ = ["reproduce", "train", "train_infnet", "train_painter"]

import dataclasses
import functools
from pathlib import Path

import numpy as np

from covid3dgan import presets, progress
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets.slices import split_slices
from covid3dgan.errors import InputError
from covid3dgan.evaluation.mask_difficulty import mask_difficulty
from covid3dgan.inference.ssinfnet import as_prior, class_probabilities, infection_probability
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.ssinfnet_report import SHOWN, write_report
from covid3dgan.systems.ssinfnet_slices import (
    is_phantom,
    keep_slices,
    load_slices,
    open_slices,
    slice_files,
)
from covid3dgan.systems.stages import Stages
from covid3dgan.training.ssinfnet.networks import load_inpainting, load_network
from covid3dgan.training.ssinfnet.train_ssinfnet import METHODS, train_inpainting, train_multi, train_single


def reproduce(out, preset, execution, data=None, command="", overwrite=False, backbone_weights=None):
    """Runs the whole system and writes ``out``/report.html and tables.json.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: presets.ssinfnet.System.
        execution: training.loop.TrainingOptions.
        data: folder with MedSeg or COVID-SemiSeg, and iCTCF where there is one, in sub-folders; None for phantoms.
        command: what the report prints as the command that made it.
        overwrite: start anew where a finished run is.
        backbone_weights: file of ImageNet weights for Inf-Net's trunk, as published; random without.

    Returns:
        Path of report.html.
    """
    folders = None if data is None else [data]
    system = _Trainings(Path(out), preset, execution, folders, METHODS, METHODS, backbone_weights, overwrite)
    single, multi, test = system.single, system.multi, system.test

    def score():
        networks = {method: load_network(folder)[0] for method, folder in single.items()}
        probability = {method: infection_probability(network, test.images) for method, network in networks.items()}
        prior = system.guessed(test)
        classes = {method: np.argmax(class_probabilities(load_network(folder)[0], test.images,
                                                         None if method == "U-Net" else prior), -1)
                   for method, folder in multi.items()}
        painter = load_inpainting(system.painted)
        painted = (mask_difficulty(painter, test.images, execution.seed),
                   painter.show(slice_batches.inpainting_check(test.images, painter.options, execution.seed, 0), SHOWN))
        return write_report(system.out, preset, execution.seed, test, probability, classes, painted,
                            is_phantom(folders),
                            command, backbone_weights)

    system.stages.run("report", score)
    system.stages.close()
    progress.say(f"report: {system.out / 'report.html'}")
    return system.out / "report.html"


def train(data, path, preset, execution, backbone_weights=None):
    """Trains what the prediction of both kinds of infection needs; returns the Run of the multi-class network.

    As in the paper the priors are SInfNet's. All labelled slices are trained on but for the preset's validation share.

    Args:
        data: folders of data sets, one of them with labels (:func:`ssinfnet_slices.open_slices`).
        path: the folder to make: a run directory for each network; ``covid3dgan predict --model`` takes it.
        preset, execution, backbone_weights: as for :func:`reproduce`.
    """
    path = Path(path)
    begun = (path / "stages.json").is_file()
    if begun and not (execution.resume or execution.overwrite):
        raise InputError(path, "a new or empty folder", "a training of SSInfNet in it",
                         "pass --resume to continue it, --overwrite to start it anew, or name another folder")
    if execution.resume and not begun:
        raise InputError(path, "a training of SSInfNet to continue", "none", "leave --resume out or check the name")
    system = _Trainings(path, _without_test(preset), execution, data, ("SInfNet",), ("SSInfNet",), backbone_weights,
                        execution.overwrite)
    multi = system.multi["SSInfNet"]
    system.stages.close()
    return open_run(multi)[0]


def train_infnet(data, path, preset, execution, start=None, backbone_weights=None):
    """Trains Inf-Net on infection as one class; returns the Run.

    Args:
        data: folders of labelled data sets.
        start: run directory of :func:`train_painter`, whose weights it starts from (SSInfNet); None starts from
            scratch or from ``backbone_weights`` (SInfNet).
    """
    preset = _without_test(preset)
    labelled, _ = open_slices(data, preset.slices, execution.seed)
    training, validation, _ = split_slices(labelled, preset.slices, execution.seed)
    return train_single(training, validation, path, preset, execution, "SInfNet" if start is None else "SSInfNet",
                        start,
                        backbone_weights, inputs=slice_files(data))


def train_painter(data, path, preset, execution, backbone_weights=None):
    """Inf-Net's coach-guided inpainting on slices without labels; returns the Run."""
    preset = _without_test(preset)
    _, slices = open_slices(data, preset.slices, execution.seed, labels=False)
    training, validation, _ = split_slices(slices, preset.slices, execution.seed)
    return train_inpainting(training.images, path, preset, execution, validation=(validation.images, None),
                            backbone_weights=backbone_weights, inputs=slice_files(data))


def _without_test(preset):
    return dataclasses.replace(preset, slices=dataclasses.replace(preset.slices, test_share=0.0))


class _Trainings:
    """The trainings of one folder, in the order in which they need each other; what is done is not done again.

    Args:
        singles, multis: the methods of either kind; SInfNet's single network makes the priors and must be among them.
    """

    def __init__(self, out, preset, execution, data, singles, multis, backbone_weights, overwrite):
        self.out, self.preset, self.execution, self.overwrite = out, preset, execution, overwrite
        self.singles, self.multis, self.backbone_weights = singles, multis, backbone_weights
        names = [*(["single_inpainting"] if "SSInfNet" in singles else []), *(f"single_{m}" for m in singles),
                 "multi_inpainting", *(f"multi_{m}" for m in multis)]
        identity = {"system": preset.system, "preset": presets.as_dict(preset), "seed": execution.seed,
                    "data": None if data is None else [str(folder) for folder in data],
                    "backbone_weights": backbone_weights and str(backbone_weights)}
        self.stages = Stages(out, identity, ["slices", *names, *(["report"] if singles == METHODS else [])], overwrite)
        path = out / "slices.npz"
        self.stages.run("slices", lambda: keep_slices(path, *open_slices(data, preset.slices, execution.seed)))
        labelled, self.unlabelled = load_slices(path)
        self.train, self.validation, self.test = split_slices(labelled, preset.slices, execution.seed)

    # === Infection as one class ===

    @functools.cached_property
    def painted(self):
        """Folder of Inf-Net's inpainting."""
        pictures, _ = self._painted_slices(self.preset.single_inpainting)
        return self._run(train_inpainting, "single_inpainting", pictures, validation=(self.validation.images, None),
                         backbone_weights=self.backbone_weights)

    @functools.cached_property
    def single(self):
        """Method -> folder of its single network."""
        start = self.painted if "SSInfNet" in self.singles else None
        return {method: self._run(train_single, f"single_{method}", self.train, self.validation, method=method,
                                  start=start if method == "SSInfNet" else None,
                                  backbone_weights=self.backbone_weights if method == "SInfNet" else None)
                for method in self.singles}

    # === Ground glass and consolidation: the priors come from SInfNet, for every method ===

    @functools.cached_property
    def _guesser(self):
        return load_network(self.single["SInfNet"])[0]

    def guessed(self, part):
        """The priors (N, S, S) of a SliceSet."""
        return as_prior(infection_probability(self._guesser, part.images), self.preset.multi.prior_minmax)

    @functools.cached_property
    def multi(self):
        """Method -> folder of its multi-class network."""
        parts = self.train, self.validation
        priors = [part.infection if self.preset.multi.training_prior == "truth" else self.guessed(part)
                  for part in parts]
        pictures, unlabelled = self._painted_slices(self.preset.multi_inpainting)
        guesses = priors[0] if unlabelled is None else np.concatenate([priors[0], self.guessed(unlabelled)])
        start = self._run(train_inpainting, "multi_inpainting", pictures, priors=guesses,
                          validation=(self.validation.images, priors[1]))
        return {method: self._run(train_multi, f"multi_{method}", *parts, method=method,
                                  priors=None if method == "U-Net" else priors,
                                  start=start if method == "SSInfNet" else None) for method in self.multis}

    def _painted_slices(self, options):
        """(images to paint, the SliceSet among them that nobody labelled, or None)."""
        if self.unlabelled is None or options.images == "labelled":
            return self.train.images, None
        return np.concatenate([self.train.images, self.unlabelled.images]), self.unlabelled

    def _run(self, function, name, *args, **named):
        """One training's folder; an interrupted training goes on where it stopped."""
        folder = self.out / name

        def work():
            own = dataclasses.replace(self.execution, resume=(folder / "run.json").is_file() and not self.overwrite,
                                      overwrite=self.overwrite)
            manifest = function(*args, folder, self.preset, own, inputs=[self.out / "slices.npz"], **named).manifest
            return {"seconds": manifest["seconds"], "step": manifest["step"]}

        self.stages.run(name, work)
        return folder
