"""From slices or files to infection maps, priors and multi-class masks with trained networks of paper 004."""

__all__ = ["Predictor", "as_prior", "build_predictor", "class_probabilities", "infection_probability",
           "join_runs", "load_predictor", "predict_files"]

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat, progress
from covid3dgan.data import images as picture_files
from covid3dgan.data import slice_batches, slices, volumes
from covid3dgan.data.cases import stem
from covid3dgan.errors import InputError
from covid3dgan.training.train_ssinfnet import load_network

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


def as_prior(probability, minmax=True):
    """What the multi-class network gets as its prior.

    As published every image is stretched to 0..1 and rounded to 8 bits, which also blows up the noise of a healthy one.
    """
    if minmax:
        low = probability.min((1, 2), keepdims=True)
        probability = (probability - low) / np.maximum(probability.max((1, 2), keepdims=True) - low, 1e-8)
    return (np.rint(255 * probability) / 255).astype(np.float32)


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
class Predictor:
    """Both networks of a trained system: infection first, then its kinds.

    Attributes:
        single, multi: networks of a single and of a multi run.
        preset: presets.ssinfnet.System of the multi run.
    """

    single: Any
    multi: Any
    preset: Any

    def labels(self, images):
        """(N, S, S) uint8: 0, 1 ground glass, 2 consolidation, for slices of the preset's size in [0, 1]."""
        if self.multi.input_shape[-1] == 3:
            return np.argmax(class_probabilities(self.multi, images), -1).astype(np.uint8)
        priors = as_prior(infection_probability(self.single, images), self.preset.multi.prior_minmax)
        return np.argmax(class_probabilities(self.multi, images, priors), -1).astype(np.uint8)

    def predict_volume(self, ct):
        """A uint8 Volume of labels on the CT's own grid.

        Args:
            ct: data.volumes.Volume in HU.
        """
        options = self.preset.slices
        found = slices.from_volume(ct, None, "ct", options.size, options.window)
        shape = slices.axial(ct.canonical().array).shape[1:]
        labels = np.stack([_nearest(labels, shape) for labels in self.labels(found.images)])
        return ct.from_canonical(slices.from_axial(labels))

    def predict_image(self, image):
        """(H, W) uint8 labels of a grey picture (H, W) in [0, 1]."""
        size = self.preset.slices.size
        small = picture_files.resize(image, (size, size))
        return _nearest(self.labels(small[None])[0], image.shape)


def _nearest(labels, shape):
    rows, columns = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, labels.shape))
    return labels[np.ix_(rows, columns)]


def predict_files(predictor, sources, out, overwrite=False):
    """Writes ``out``/NAME_classes.nii.gz (or .png): 0, 1 ground glass, 2 consolidation.

    A bad file is reported and the others are done.

    Args:
        sources: CTs (NIfTI files, DICOM folders) and pictures.
        out: folder of the masks.

    Returns:
        (written paths, list of InputError).
    """
    written, problems = [], []
    for source in progress.bar([Path(s) for s in sources], description="predict", unit="file"):
        target = Path(out) / f"{stem(source)}_classes"
        try:
            if source.suffix.lower() in picture_files.SUFFIXES:
                target = target.with_name(f"{target.name}.png")
                picture_files.write(predictor.predict_image(picture_files.read(source)) / 255.0, target, overwrite)
            else:
                target = target.with_name(f"{target.name}.nii.gz")
                volumes.write(predictor.predict_volume(volumes.read(source)), target, overwrite)
            written.append(target)
        except InputError as error:
            problems.append(error)
    return written, problems


def load_predictor(path, method="SSInfNet"):
    """The Predictor of a folder that ``covid3dgan reproduce ssinfnet`` filled.

    Args:
        path: the folder.
        method: whose multi-class network; the priors are SInfNet's, as in the paper.
    """
    return join_runs(Path(path) / "single_SInfNet", Path(path) / f"multi_{method}")


def join_runs(single, multi):
    """A Predictor from the run of a single network, whose maps are the priors, and that of a multi-class one."""
    first, _, manifest = load_network(single)
    if manifest["kind"] != "ssinfnet-single":
        raise InputError(single, "a run of kind 'ssinfnet-single'", f"kind {manifest['kind']!r}", "swap the two runs")
    second, preset, manifest = load_network(multi)
    if manifest["kind"] != "ssinfnet-multi":
        raise InputError(multi, "a run of kind 'ssinfnet-multi'", f"kind {manifest['kind']!r}", "swap the two runs")
    return Predictor(first, second, preset)


def build_predictor(predictor):
    """Both networks as one ``keras.Model`` of fixed size, for export: (B, S, S, 1) grey in [0, 1] -> (B, S, S, 3).

    The output holds the probabilities of background, ground glass and consolidation.
    """
    size = predictor.preset.slices.size
    grey = keras.Input((size, size, 1), name="slice")
    image = _three_channels(grey, "image")
    if predictor.multi.input_shape[-1] == 3:
        logits = predictor.multi(image)
    else:
        found = predictor.single(image)
        found = found["s3"] if isinstance(found, dict) else found
        prior = PriorFrom(predictor.preset.multi.prior_minmax, name="prior")(found)
        both = [image, _three_channels(prior, "prior_image")]
        logits = predictor.multi(keras.layers.Concatenate(name="image_and_prior")(both))
    output = keras.layers.Activation("sigmoid", dtype="float32", name="classes")(logits)
    return compat.never_xla(keras.Model(grey, output, name="ssinfnet"))


def _three_channels(grey, name):
    repeated = keras.layers.Concatenate(name=f"{name}_channels")([grey] * 3)
    return keras.layers.Normalization(mean=list(slice_batches.CHANNEL_MEAN),
                                      variance=list(slice_batches.CHANNEL_STD**2), name=f"{name}_normalised")(repeated)


@keras.saving.register_keras_serializable(package="covid3dgan")
class PriorFrom(keras.layers.Layer):
    """Logits (B, H, W, 1) to the prior that ``as_prior`` makes of their sigmoid."""

    def __init__(self, minmax=True, **kwargs):
        super().__init__(**kwargs)
        self.minmax = minmax

    def call(self, inputs):
        prior = tf.sigmoid(inputs)
        if self.minmax:
            low = tf.reduce_min(prior, (1, 2), keepdims=True)
            prior = (prior - low) / tf.maximum(tf.reduce_max(prior, (1, 2), keepdims=True) - low, 1e-8)
        return tf.round(255.0 * prior) / 255.0

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "minmax": self.minmax}
