"""Ground glass and consolidation, or infection as one class, in CTs and pictures on their own grids (paper 004)."""

__all__ = ["ClassPredictor", "Labelled", "join_runs", "load_classes", "load_network", "multi_class_run"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan.data import volumes
from covid3dgan.data.datasets import slices
from covid3dgan.data.files import images as picture_files
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.evaluation import metrics
from covid3dgan.inference.inputs import find_inputs


@dataclasses.dataclass(frozen=True)
class Labelled:
    """What was found in a CT or a picture, on its own grid.

    Attributes:
        labels: uint8: 0, then 1, 2 ... in the order of ``scores``.
        scores: kind of infection -> float32 probabilities.
    """

    labels: np.ndarray
    scores: dict


@dataclasses.dataclass(frozen=True)
class ClassPredictor:
    """Paper 004's system: infection first, then its kinds; or one of the two networks where that is enough.

    Attributes:
        single: network of a single run; None where the multi-class network needs no prior.
        multi: network of a multi run; None finds infection as one class.
        preset: presets.ssinfnet.System of the last of them.
        described: what the JSON beside every mask says of the model.
        form: what the labels of DICOM series are written as: "nifti" or "dicom-seg", a segment for each kind.
    """

    single: Any
    multi: Any
    preset: Any
    described: dict = dataclasses.field(default_factory=dict)
    form: str = "nifti"
    noun = "file"

    @property
    def kinds(self):
        """The kinds of infection that labels 1, 2 ... stand for."""
        return slices.INFECTION if self.multi is None else slices.CLASSES[1:]

    def probabilities(self, images):
        """(N, S, S, K) float32 for slices of the preset's size in [0, 1]: K = 3 classes, or 1 of infection alone."""
        # Networks of runs need TensorFlow, which exported ones do without.
        from covid3dgan.inference.ssinfnet import as_prior, class_probabilities, infection_probability

        if self.multi is None:
            return infection_probability(self.single, images)[..., None]
        if self.multi.input_shape[-1] == 3:
            return class_probabilities(self.multi, images)
        priors = as_prior(infection_probability(self.single, images), self.preset.multi.prior_minmax)
        return class_probabilities(self.multi, images, priors)

    def labels(self, images):
        """(N, S, S) uint8: 0, 1 ground glass, 2 consolidation; or 0 and 1 of infection alone."""
        return self._labels(self.probabilities(images))

    def _labels(self, probabilities):
        if self.kinds == slices.INFECTION:
            return (probabilities[..., 0] >= self.preset.single.threshold).astype(np.uint8)
        return np.argmax(probabilities, -1).astype(np.uint8)

    def predict_volume(self, ct):
        """``Labelled`` with arrays (X, Y, Z) in the CT's own voxel order.

        Args:
            ct: data.volumes.Volume in HU.
        """
        options = self.preset.slices
        found = slices.from_volume(ct, None, "ct", options.size, options.window)
        shape = slices.axial(ct.canonical().array).shape[1:]
        labels, scores = self._resized(found.images, shape)

        def back(stack):
            return ct.from_canonical(slices.from_axial(stack)).array

        return Labelled(back(labels), {kind: back(score) for kind, score in scores.items()})

    def predict_image(self, image):
        """``Labelled`` with arrays (H, W) for a grey picture (H, W) in [0, 1]."""
        size = self.preset.slices.size
        labels, scores = self._resized(picture_files.resize(image, (size, size))[None], image.shape)
        return Labelled(labels[0], {kind: score[0] for kind, score in scores.items()})

    def _resized(self, images, shape):
        """(labels, kind -> scores), each (N, *shape): labels by nearest neighbour, scores bilinearly."""
        probabilities = self.probabilities(images)
        labels = np.stack([_nearest(found, shape) for found in self._labels(probabilities)])
        offset = probabilities.shape[-1] - len(self.kinds)  # the background comes first where it has a score
        return labels, {kind: np.stack([picture_files.resize(score, shape) for score in probabilities[..., offset + i]])
                        for i, kind in enumerate(self.kinds)}

    def find(self, path, lungs=None):
        """The CTs or pictures at ``path``."""
        if lungs is not None:
            raise ArgumentError("--lungs", "no lung masks: SSInfNet looks at whole slices", lungs, "leave it out")
        return find_inputs(path)

    def paths(self, item, out, probability, overlay):
        """ID_classes.nii.gz (.png for a picture, .dcm as a DICOM Segmentation) and ID_classes.json; on request ID_KIND
        and ID_overlay.png."""
        if self.form == "dicom-overlay":
            raise ArgumentError("--format", "nifti or dicom-seg: SSInfNet's slices are drawn by --overlay", self.form,
                                "choose one of them")
        if self.form != "nifti" and item.series is None:
            raise InputError(item.named(item.path), f"a DICOM series for --format {self.form}", "another kind of file",
                             "leave --format out")
        suffix = ".png" if item.is_picture else ".nii.gz"
        mask = suffix if self.form == "nifti" else ".dcm"
        return {"mask": Path(out) / f"{item.id}_classes{mask}", "json": Path(out) / f"{item.id}_classes.json",
                **({kind: Path(out) / f"{item.id}_{kind}{suffix}" for kind in self.kinds} if probability else {}),
                **({"overlay": Path(out) / f"{item.id}_overlay.png"} if overlay else {})}

    def predict_file(self, item, paths):
        """Millilitres of each kind in a CT, pixels in a picture."""
        return (self._predict_picture if item.is_picture else self._predict_ct)(item, paths)

    def _predict_ct(self, item, paths):
        ct = volumes.read(item.path, window=item.window, series=item.series)
        found = self.predict_volume(ct)
        if self.form == "dicom-seg":
            # pydicom and highdicom are loaded only where they are needed.
            from covid3dgan.data.files.dicom_seg import write_segmentation

            write_segmentation(paths["mask"], item.series, {
                kind: found.labels == label for label, kind in enumerate(self.kinds, 1)}, self._model())
        else:
            volumes.write(ct.like(found.labels), paths["mask"], overwrite=True)
        for kind in self.kinds:
            if kind in paths:
                volumes.write(ct.like(found.scores[kind]), paths[kind], overwrite=True)
        if "overlay" in paths:
            self._draw(*(slices.axial(ct.like(array).canonical().array) for array in (ct.array, found.labels)), item,
                       paths)
        return {f"{kind}_ml": metrics.volume_ml(found.labels == label, ct.spacing)
                for label, kind in enumerate(self.kinds, 1)}

    def _model(self):
        """(name, checksum or step) of what found the classes, for DICOM."""
        last = self.described.get("multi") or self.described.get("single") or self.described
        name = str(last.get("run") or last.get("file") or "SSInfNet")
        return name.rstrip("/").rpartition("/")[2], str(last.get("sha256") or last.get("step") or "none")

    def _predict_picture(self, item, paths):
        image = picture_files.read(item.path)
        found = self.predict_image(image)
        picture_files.write(found.labels / 255.0, paths["mask"], overwrite=True)
        for kind in self.kinds:
            if kind in paths:
                picture_files.write(found.scores[kind], paths[kind], overwrite=True)
        if "overlay" in paths:
            low, high = self.preset.slices.window
            self._draw(image[None] * (high - low) + low, found.labels[None], item, paths)
        return {f"{kind}_pixels": int((found.labels == label).sum()) for label, kind in enumerate(self.kinds, 1)}

    def _draw(self, images_hu, labels, item, paths):
        # Drawing loads matplotlib, which nothing else here needs.
        from covid3dgan.evaluation.figures.ssinfnet import prediction_figure
        from covid3dgan.evaluation.figures.style import save

        save(prediction_figure(images_hu, labels, self.kinds, item.id), paths["overlay"])

    def record(self, item):
        """What the labels mean."""
        return {"labels": {0: "none", **dict(enumerate(self.kinds, 1))}}

    def describe(self):
        """The runs or the file."""
        return self.described

    def say(self, facts):
        """The size of each kind."""
        sizes = [(name.rpartition("_"), value) for name, value in facts.items() if name != "id"]
        return ", ".join(f"{kind} {value:g} {unit}" for (kind, _, unit), value in sizes)

    def finish(self, results, out):
        """Nothing belongs to all files together."""


def _nearest(labels, shape):
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape))
    return labels[np.ix_(rows, columns)]


def load_classes(path, method="SSInfNet"):
    """The :class:`ClassPredictor` of a folder of ``train ssinfnet`` or ``reproduce ssinfnet``, or of one run in it.

    A single run finds infection as one class. A multi-class run takes its priors from the run ``single_SInfNet``
    beside it, as in the paper.

    Args:
        path: the folder or run directory.
        method: whose multi-class network of a folder.
    """
    from covid3dgan.runs.directory import recipe_of

    path = Path(path)
    if recipe_of(path) == "ssinfnet":
        path = multi_class_run(path, method)
    network, preset, manifest = load_network(path)
    if manifest["kind"] == "ssinfnet-single":
        return ClassPredictor(network, None, preset, _described(single=(path, manifest)))
    if network.input_shape[-1] == 3:
        return ClassPredictor(None, network, preset, _described(multi=(path, manifest)))
    return join_runs(path.parent / "single_SInfNet", path)


def join_runs(single, multi):
    """A ClassPredictor from the run of a single network, whose maps are the priors, and that of a multi-class one."""
    first, _, of_first = load_network(single)
    if of_first["kind"] != "ssinfnet-single":
        raise InputError(single, "a run of kind 'ssinfnet-single'", f"kind {of_first['kind']!r}", "swap the two runs")
    second, preset, of_second = load_network(multi)
    if of_second["kind"] != "ssinfnet-multi":
        raise InputError(multi, "a run of kind 'ssinfnet-multi'", f"kind {of_second['kind']!r}", "swap the two runs")
    return ClassPredictor(first, second, preset, _described(single=(single, of_first), multi=(multi, of_second)))


def _described(**runs):
    return {name: {"run": str(path), "preset": manifest["preset"]["name"], "method": manifest["method"],
                   "step": manifest["step"]} for name, (path, manifest) in runs.items()}


# === Runs ===

def load_network(path):
    """A trained network that segments: (model, preset, run.json); the best weights where the preset keeps those.

    It computes in float32, whatever it was trained in.
    """
    from covid3dgan import compat
    from covid3dgan.models.from_presets import infnet_or_unet, multi_class_network
    from covid3dgan.runs.directory import open_run
    from covid3dgan.runs.state import put_kept_weights

    run, preset = open_run(path)
    kind, method = run.manifest["kind"], run.manifest.get("method")
    build, stage = {"ssinfnet-single": (infnet_or_unet, "single"),
                    "ssinfnet-multi": (multi_class_network, "multi")}.get(kind, (None, None))
    if build is None:
        raise InputError(path, "a run of kind 'ssinfnet-single' or 'ssinfnet-multi'", f"kind {kind!r}",
                         "name a run that segments")
    with compat.precision("float32"):
        network = build(preset, method)
    put_kept_weights(network, getattr(preset, stage).keep, run.newest_checkpoint().arrays, path)
    return network, preset, run.manifest


def multi_class_run(folder, method="SSInfNet"):
    """The run of a method's multi-class network in the folder of paper 004's recipe."""
    return Path(folder) / f"multi_{method}"

