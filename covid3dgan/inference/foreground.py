"""Masks for whole 2D images of any size, in the image's own pixels: AF-SEG's segmenter (paper 003)."""

__all__ = ["ForegroundPredictor", "load_afseg_networks", "load_foreground"]

import dataclasses
from pathlib import Path
from typing import Any, Optional

import numpy as np

from covid3dgan.data.batches.patches import to_network
from covid3dgan.data.datasets import image_sets
from covid3dgan.data.datasets.field_of_view import field_of_view, without_surround
from covid3dgan.data.files import images
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.inference.inputs import find_images
from covid3dgan.runs.directory import read_manifest

KINDS = ("afseg", "afseg-supervised")


@dataclasses.dataclass(frozen=True)
class ForegroundPredictor:
    """The segmenter of an AF-SEG or supervised run, or exported (inference.predictor.Predictor).

    Args:
        network: (B, H, W, 1) in [-1, 1] -> probabilities (B, H, W, 1).
        preset: presets.afseg.System.
        described: what the JSON says of the model.
        threshold: of the probability; the preset's by default (a run's own, where it has chosen one).
    """

    network: Any
    preset: Any
    described: dict
    threshold: Optional[float] = None
    noun = "image"

    def __post_init__(self):
        if self.threshold is None:
            object.__setattr__(self, "threshold", self.preset.synthesis.threshold)
        if not 0.0 < self.threshold < 1.0:
            raise ArgumentError("--threshold", "a number between 0 and 1", f"{self.threshold}", "use for example 0.5")

    def predict(self, image, name="the image"):
        """Probabilities for one image, (H, W) float32 in [0, 1].

        Args:
            image: (H, W) in [0, 1]; its shorter side is brought to the preset's working size. A black surround of a
                field of view scores 0.
            name: what an error calls the image.
        """
        field = field_of_view(image)
        image = without_surround(image, field)
        size = self.preset.images.size
        shape = tuple(max(round(side * size / min(image.shape)), 1) for side in image.shape)
        small = image_sets.prepare(images.resize(image, shape), self.preset.images)
        divisor = 2**self.preset.synthesis.segmenter_depth
        padded = np.pad(small, [(0, -side % divisor) for side in shape], mode="symmetric")
        takes = tuple(self.network.input_shape[1:3])
        if None not in takes and takes != padded.shape:
            raise InputError(name, f"{takes[0]}x{takes[1]} pixels once its shorter side has {size}, which is all that "
                             "this file takes", f"{padded.shape[0]}x{padded.shape[1]}",
                             "use the run or its SavedModel, which take any size")
        scores = np.asarray(self.network(to_network(padded[None]), training=False))[0, :shape[0], :shape[1], 0]
        return np.clip(images.resize(scores, image.shape), 0.0, 1.0) * field

    def find(self, path, lungs=None):
        """The image at ``path``, or those in the folder; masks of earlier calls are left out."""
        if lungs is not None:
            raise ArgumentError("--lungs", "no lung masks: AF-SEG segments 2D images", lungs, "leave it out")
        return find_images(path)

    def paths(self, item, out, probability, overlay):
        """ID_mask.png and ID_mask.json; on request ID_probability.png and ID_overlay.png."""
        names = ["mask", *(["probability"] if probability else []), *(["overlay"] if overlay else [])]
        return {"json": Path(out) / f"{item.id}_mask.json", **{name: Path(out) / f"{item.id}_{name}.png"
                                                               for name in names}}

    def predict_file(self, item, paths):
        """Pixels of the foreground, and their share."""
        image = images.read(item.path, self.preset.images.channel)
        scores = self.predict(image, item.path)
        mask = scores > self.threshold
        images.write_mask(mask, paths["mask"], overwrite=True)
        if "probability" in paths:
            images.write(scores, paths["probability"], overwrite=True)
        if "overlay" in paths:
            # Drawing loads matplotlib, which nothing else here needs.
            from covid3dgan.evaluation.figures.afseg import segmentation_figure
            from covid3dgan.evaluation.figures.style import save

            save(segmentation_figure(image[None], {"found": mask[None]}, {}), paths["overlay"])
        return {"foreground_pixels": int(mask.sum()), "foreground_percent": 100.0 * float(mask.mean())}

    def record(self, item):
        """Nothing else."""
        return {}

    def describe(self):
        """The run or file, its preset, and the threshold."""
        return {**self.described, "preset": self.preset.name, "threshold": self.threshold}

    def say(self, facts):
        """The foreground's share."""
        return f"{facts['foreground_percent']:.2f} % foreground"

    def finish(self, results, out):
        """Nothing belongs to all images together."""


# === Runs ===

def load_foreground(path):
    """The :class:`ForegroundPredictor` of an AF-SEG or supervised run."""
    segmenter, _, preset = load_afseg_networks(path)
    manifest = read_manifest(Path(path) / "run.json")
    return ForegroundPredictor(segmenter, preset, {"run": str(path), "step": manifest["step"]},
                               manifest.get("threshold", {}).get("value"))


def load_afseg_networks(path, input_shape=(None, None, 1)):
    """(segmenter, generator, preset) of an AF-SEG run; the generator is None for a supervised one.

    Args:
        path: the run directory.
        input_shape: (H, W, 1); TFLite needs fixed sides, inference takes any that the network's depth divides.
    """
    # Networks of runs need TensorFlow, which exported ones do without.
    from covid3dgan import compat
    from covid3dgan.models import from_presets
    from covid3dgan.runs import state
    from covid3dgan.runs.directory import open_run

    run, preset = open_run(path)
    if run.manifest["kind"] not in KINDS:
        raise InputError(path, "a run of kind 'afseg' or 'afseg-supervised'", f"kind {run.manifest['kind']!r}",
                         "name the run's folder, for example OUT/afseg")
    arrays, generator = run.newest_checkpoint().arrays, None
    with compat.precision("float32"):  # whatever it was trained in
        segmenter = from_presets.afseg_segmenter(preset.synthesis, input_shape)
        if run.manifest["kind"] == "afseg":
            generator = from_presets.afseg_generator(preset.synthesis, input_shape)
            state.put_weights(generator, "generator", arrays, path)
    state.put_weights(segmenter, "segmenter", arrays, path)
    return segmenter, generator, preset
