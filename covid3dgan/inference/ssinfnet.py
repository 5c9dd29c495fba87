"""From slices, CTs and pictures to infection maps, priors and multi-class masks with paper 004's trained networks."""

__all__ = ["Labelled", "Predictor", "as_prior", "build_predictor", "class_probabilities", "infection_probability",
           "join_runs", "load_predictor"]

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.data.batches import slice_batches
from covid3dgan.data.datasets import slices
from covid3dgan.data.files import images as picture_files
from covid3dgan.errors import InputError
from covid3dgan.runs.directory import recipe_of
from covid3dgan.training.ssinfnet.networks import load_network, multi_class_run

BATCH = 8


def infection_probability(network, images):
    """(N, S, S) float32: Inf-Net's last map (or a U-Net's) through a sigmoid.

    Args:
        network: of a single run.
        images: (N, S, S) in [0, 1].
    """
    def probability(image):
        found = network(image, training=False)
        return tf.sigmoid(tf.cast(found["s3"] if isinstance(found, dict) else found, tf.float32))[..., 0]

    return _in_batches(probability, slice_batches.normalised(images))


def as_prior(probability, minmax=True, eight_bits=True):
    """What the multi-class network gets as its prior.

    As published every image is stretched to 0..1, which also blows up the noise of a healthy one, and is rounded to
    8 bits.
    """
    if minmax:
        low = probability.min((1, 2), keepdims=True)
        probability = (probability - low) / np.maximum(probability.max((1, 2), keepdims=True) - low, 1e-8)
    return (np.rint(255 * probability) / 255 if eight_bits else probability).astype(np.float32)


def class_probabilities(network, images, priors=None):
    """(N, S, S, 3) float32: a sigmoid per class; the largest is the label.

    Args:
        network: of a multi run.
        priors: (N, S, S) in [0, 1]; None for the U-Net.
    """
    inputs = slice_batches.normalised(images)
    if priors is not None:
        inputs = np.concatenate([inputs, slice_batches.normalised(priors)], -1)
    return _in_batches(lambda x: tf.sigmoid(tf.cast(network(x, training=False), tf.float32)), inputs)


def _in_batches(function, inputs):
    compiled = tf.function(function, reduce_retracing=True)
    return np.concatenate([np.asarray(compiled(tf.constant(inputs[start:start + BATCH], tf.float32)))
                           for start in range(0, len(inputs), BATCH)])


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
class Predictor:
    """A trained system: infection first, then its kinds; or one of the two networks where that is enough.

    Attributes:
        single: network of a single run; None where the multi-class network needs no prior.
        multi: network of a multi run; None finds infection as one class.
        preset: presets.ssinfnet.System of the last of them.
        described: what the JSON beside every mask says of the model.
    """

    single: Any
    multi: Any
    preset: Any
    described: dict = dataclasses.field(default_factory=dict)

    @property
    def kinds(self):
        """The kinds of infection that labels 1, 2 ... stand for."""
        return slices.INFECTION if self.multi is None else slices.CLASSES[1:]

    def probabilities(self, images):
        """(N, S, S, K) float32 for slices of the preset's size in [0, 1]: K = 3 classes, or 1 of infection alone."""
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


def _nearest(labels, shape):
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape))
    return labels[np.ix_(rows, columns)]


def load_predictor(path, method="SSInfNet"):
    """The Predictor of a folder of ``covid3dgan train ssinfnet`` or ``reproduce ssinfnet``, or of one run in it.

    A single run finds infection as one class. A multi-class run takes its priors from the run ``single_SInfNet``
    beside it, as in the paper.

    Args:
        path: the folder or run directory.
        method: whose multi-class network of a folder.
    """
    path = Path(path)
    if recipe_of(path) == "ssinfnet":
        path = multi_class_run(path, method)
    network, preset, manifest = load_network(path)
    if manifest["kind"] == "ssinfnet-single":
        return Predictor(network, None, preset, _described(single=(path, manifest)))
    if manifest["kind"] != "ssinfnet-multi":
        raise InputError(path, "a run of kind 'ssinfnet-single' or 'ssinfnet-multi'", f"kind {manifest['kind']!r}",
                         "name a run that segments")
    if network.input_shape[-1] == 3:
        return Predictor(None, network, preset, _described(multi=(path, manifest)))
    return join_runs(path.parent / "single_SInfNet", path)


def join_runs(single, multi):
    """A Predictor from the run of a single network, whose maps are the priors, and that of a multi-class one."""
    first, _, of_first = load_network(single)
    if of_first["kind"] != "ssinfnet-single":
        raise InputError(single, "a run of kind 'ssinfnet-single'", f"kind {of_first['kind']!r}", "swap the two runs")
    second, preset, of_second = load_network(multi)
    if of_second["kind"] != "ssinfnet-multi":
        raise InputError(multi, "a run of kind 'ssinfnet-multi'", f"kind {of_second['kind']!r}", "swap the two runs")
    return Predictor(first, second, preset, _described(single=(single, of_first), multi=(multi, of_second)))


def _described(**runs):
    return {name: {"run": str(path), "preset": manifest["preset"]["name"], "method": manifest["method"],
                   "step": manifest["step"]} for name, (path, manifest) in runs.items()}


def build_predictor(predictor):
    """All networks as one ``keras.Model`` of fixed size, for export: (B, S, S, 1) grey in [0, 1] -> (B, S, S, K).

    The output holds what ``Predictor.probabilities`` gives: of background, ground glass and consolidation, or of
    infection alone. The prior between the networks is not rounded to 8 bits: that would turn the 1e-7 by which two
    machines differ into 4e-3, and no file would compute the same.
    """
    size = predictor.preset.slices.size
    grey = keras.Input((size, size, 1), name="slice")
    image = _three_channels(grey, "image")
    if predictor.multi is not None and predictor.multi.input_shape[-1] == 3:
        logits = predictor.multi(image)
    else:
        logits = predictor.single(image)
        logits = logits["s3"] if isinstance(logits, dict) else logits
        if predictor.multi is not None:
            prior = PriorFrom(predictor.preset.multi.prior_minmax, name="prior")(logits)
            both = [image, _three_channels(prior, "prior_image")]
            logits = predictor.multi(keras.layers.Concatenate(name="image_and_prior")(both))
    output = keras.layers.Activation("sigmoid", dtype="float32", name="probabilities")(logits)
    return compat.never_xla(keras.Model(grey, output, name="ssinfnet"))


def _three_channels(grey, name):
    repeated = keras.layers.Concatenate(name=f"{name}_channels")([grey] * 3)
    return keras.layers.Normalization(mean=list(slice_batches.CHANNEL_MEAN),
                                      variance=list(slice_batches.CHANNEL_STD**2), name=f"{name}_normalised")(repeated)


@keras.saving.register_keras_serializable(package="covid3dgan")
class PriorFrom(keras.layers.Layer):
    """Logits (B, H, W, 1) to the prior that ``as_prior`` makes of their sigmoid, before it is rounded."""

    def __init__(self, minmax=True, **kwargs):
        super().__init__(**kwargs)
        self.minmax = minmax

    def call(self, inputs):
        prior = tf.sigmoid(inputs)
        if self.minmax:
            low = tf.reduce_min(prior, (1, 2), keepdims=True)
            prior = (prior - low) / tf.maximum(tf.reduce_max(prior, (1, 2), keepdims=True) - low, 1e-8)
        return prior

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "minmax": self.minmax}
