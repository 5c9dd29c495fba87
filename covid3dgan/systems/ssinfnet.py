"""Paper 004, SSInfNet: coach-guided inpainting before Inf-Net learns to segment, top to bottom.

1. slices with ground glass and consolidation labelled, and more slices without labels;
2. single: a U-Net, Inf-Net from scratch (SInfNet), and Inf-Net after inpainting (SSInfNet) find infection;
3. multi: the same three tell ground glass from consolidation; SInfNet's infection maps are the priors of the test;
4. Tables I to III, on test slices, the significance of the difference, Figures 5, 6 and 7.

Every stage is skipped where its result is there. Without real data the slices are phantoms, and every table says so.
"""

__all__ = ["Reproduction", "reproduce", "train", "train_infnet", "train_painter"]

import dataclasses
import functools
from pathlib import Path

import numpy as np

from covid3dgan import presets, progress
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets.slices import split_slices
from covid3dgan.errors import InputError
from covid3dgan.evaluation.mask_difficulty import mask_difficulty
from covid3dgan.inference.classes import load_network
from covid3dgan.inference.ssinfnet import as_prior, class_probabilities, infection_probability
from covid3dgan.runs.directory import open_run
from covid3dgan.systems.ssinfnet_ablation import ABLATION, PSEUDO_LABELS, ablation_rows, train_ablation
from covid3dgan.systems.ssinfnet_report import SHOWN, write_report
from covid3dgan.systems.ssinfnet_slices import is_phantom, keep_slices, load_slices, open_slices, slice_files
from covid3dgan.systems.stages import Stages, train_or_go_on
from covid3dgan.training.ssinfnet.networks import load_inpainting
from covid3dgan.training.ssinfnet.train_ssinfnet import METHODS, train_inpainting, train_multi, train_single


def reproduce(out, preset, execution, data=None, command="", overwrite=False, backbone_weights=None, ablation=False):
    """Runs the whole system and writes ``out``/report.html and tables.json.

    Args:
        out: the folder of the run; called again with the same arguments it reuses the finished stages.
        preset: presets.ssinfnet.System.
        execution: training.loop.TrainingOptions.
        data: folder with MedSeg or COVID-SemiSeg, and iCTCF where there is one, in sub-folders; None for phantoms.
        command: what the report prints as the command that made it.
        overwrite: start anew where a finished run is.
        backbone_weights: file of ImageNet weights for Inf-Net's trunk, as published; random without.
        ablation: also trains the networks with a part of the paper left out, and on pseudo-labels.

    Returns:
        Path of report.html.
    """
    run = Reproduction(out, preset, execution, None if data is None else [data], METHODS, METHODS, backbone_weights,
                       overwrite, ablation)
    run.prepare()
    run.train_painter()
    run.train_single()
    run.train_multi_painter()
    run.train_multi()
    if ablation:
        train_ablation(run)
    run.report(command)
    run.close()
    progress.say(f"report: {run.out / 'report.html'}")
    return run.out / "report.html"


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
    run = Reproduction(path, _without_test(preset), execution, data, ("SInfNet",), ("SSInfNet",), backbone_weights,
                       execution.overwrite)
    run.prepare()
    run.train_single()
    run.train_multi_painter()
    run.train_multi()
    run.close()
    return open_run(run.multi["SSInfNet"])[0]


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
                        start, backbone_weights, inputs=slice_files(data))


def train_painter(data, path, preset, execution, backbone_weights=None):
    """Inf-Net's coach-guided inpainting on slices without labels; returns the Run."""
    preset = _without_test(preset)
    _, slices = open_slices(data, preset.slices, execution.seed, labels=False)
    training, validation, _ = split_slices(slices, preset.slices, execution.seed)
    return train_inpainting(training.images, path, preset, execution, validation=(validation.images, None),
                            backbone_weights=backbone_weights, inputs=slice_files(data))


def _without_test(preset):
    return dataclasses.replace(preset, slices=dataclasses.replace(preset.slices, test_share=0.0))


class Reproduction:
    """The stages of paper 004's system in one folder.

    Each needs the ones before it, and is skipped where its result is there.

    Args:
        out: the folder of the run.
        preset, execution, backbone_weights, overwrite: as for :func:`reproduce`.
        data: folders of data sets, or None for phantoms.
        singles, multis: the methods of either kind; SInfNet's single network makes the priors and must be among them.
        ablation: whether the report has systems/ssinfnet_ablation.py's tables too.

    Attributes:
        painter, multi_painter: folders of the inpaintings that the two kinds of networks start from.
        single, multi: method -> folder of its network.
    """

    def __init__(self, out, preset, execution, data=None, singles=METHODS, multis=METHODS, backbone_weights=None,
                 overwrite=False, ablation=False):
        self.out, self.preset, self.execution, self.data = Path(out), preset, execution, data
        self.backbone_weights, self.ablation = backbone_weights, ablation
        self.painter, self.multi_painter = self.out / "single_inpainting", self.out / "multi_inpainting"
        self.single = {method: self.out / f"single_{method}" for method in singles}
        self.multi = {method: self.out / f"multi_{method}" for method in multis}
        trained = [path.name for path in (*([self.painter] if "SSInfNet" in singles else []), *self.single.values(),
                                          self.multi_painter, *self.multi.values())]
        trained += [*ABLATION, PSEUDO_LABELS] if ablation else []
        identity = {"system": preset.system, "preset": presets.as_dict(preset), "seed": execution.seed,
                    "data": None if data is None else [str(folder) for folder in data],
                    "backbone_weights": backbone_weights and str(backbone_weights)}
        names = ["slices", *trained, *(["report"] if singles == METHODS else [])]
        self.stages = Stages(self.out, identity, names, overwrite,
                             folders={*trained, *ABLATION, PSEUDO_LABELS})

    def prepare(self):
        """The slices, kept in slices.npz, as the SliceSets ``train``, ``validation``, ``test`` and ``unlabelled``."""
        path = self.out / "slices.npz"
        self.stages.run("slices", lambda: keep_slices(path, *open_slices(self.data, self.preset.slices,
                                                                         self.execution.seed)))
        labelled, self.unlabelled = load_slices(path)
        self.train, self.validation, self.test = split_slices(labelled, self.preset.slices, self.execution.seed)

    def close(self):
        """Ends the progress bar."""
        self.stages.close()

    # === Infection as one class ===

    def train_painter(self):
        """Inf-Net's inpainting, which SSInfNet's single network starts from."""
        pictures, _ = self._painted_slices(self.preset.single_inpainting)
        self.train_stage(self.painter, train_inpainting, pictures, validation=(self.validation.images, None),
                         backbone_weights=self.backbone_weights)

    def train_single(self):
        """Every method's single network."""
        for method, path in self.single.items():
            self.train_stage(path, train_single, self.train, self.validation, method=method,
                             start=self.painter if method == "SSInfNet" else None,
                             backbone_weights=self.backbone_weights if method == "SInfNet" else None)

    # === Ground glass and consolidation: the priors come from SInfNet, for every method ===

    def train_multi_painter(self):
        """The inpainting that SSInfNet's multi-class network starts from."""
        training, validation = self.priors
        pictures, unlabelled = self._painted_slices(self.preset.multi_inpainting)
        priors = training if unlabelled is None else np.concatenate([training, self.guessed(unlabelled)])
        self.train_stage(self.multi_painter, train_inpainting, pictures, priors=priors,
                         validation=(self.validation.images, validation))

    def train_multi(self):
        """Every method's multi-class network."""
        for method, path in self.multi.items():
            self.train_stage(path, train_multi, self.train, self.validation, method=method,
                             priors=None if method == "U-Net" else self.priors,
                             start=self.multi_painter if method == "SSInfNet" else None)

    @functools.cached_property
    def priors(self):
        """(of the training slices, of the validation slices), each (N, S, S)."""
        return tuple(part.infection if self.preset.multi.training_prior == "truth" else self.guessed(part)
                     for part in (self.train, self.validation))

    def guessed(self, part):
        """What SInfNet's trained single network makes of a SliceSet: priors (N, S, S)."""
        return as_prior(infection_probability(self._guesser, part.images), self.preset.multi.prior_minmax)

    @functools.cached_property
    def _guesser(self):
        """SInfNet's trained single network."""
        return load_network(self.single["SInfNet"])[0]

    def _painted_slices(self, options):
        """(images to paint, the SliceSet among them that nobody labelled, or None)."""
        if self.unlabelled is None or options.images == "labelled":
            return self.train.images, None
        return np.concatenate([self.train.images, self.unlabelled.images]), self.unlabelled

    def train_stage(self, path, function, *data, preset=None, **named):
        """A stage of the folder's name: one training, which goes on where an earlier call was interrupted."""
        self.stages.run(path.name, lambda: train_or_go_on(
            function, *data, path=path, preset=preset or self.preset, execution=self.execution,
            facts=("seconds", "step"), inputs=[self.out / "slices.npz"], **named))

    def seconds(self, *folders):
        """What the trainings in these folders took together."""
        return sum(self.stages.done[folder.name]["result"]["seconds"] for folder in folders)

    # === On the test slices ===

    def report(self, command=""):
        """Writes report.html and tables.json: every network on the test slices."""
        parts = self.train, self.validation, self.test, self.unlabelled
        self.stages.run("report with ablation" if self.ablation else "report", lambda: write_report(
            self.out, self.preset, self.execution.seed, parts, self._infection(), self._classes(), self._painted(),
            is_phantom(self.data), command, self.backbone_weights,
            functools.partial(ablation_rows, self) if self.ablation else None))

    def _infection(self):
        """Method -> infection probabilities (N, S, S)."""
        return {method: infection_probability(load_network(path)[0], self.test.images)
                for method, path in self.single.items()}

    def _classes(self):
        """Method -> labels (N, S, S)."""
        prior = self.guessed(self.test)
        return {method: np.argmax(class_probabilities(load_network(path)[0], self.test.images,
                                                      None if method == "U-Net" else prior), -1)
                for method, path in self.multi.items()}

    def _painted(self):
        """(how much harder the coach's masks are than random ones, some slices with both and what is painted)."""
        painter, seed = load_inpainting(self.painter), self.execution.seed
        batch = slice_batches.inpainting_check(self.test.images, painter.options, seed, 0)
        return mask_difficulty(painter, self.test.images, seed), painter.show(batch, SHOWN)
