"""What segments: one protocol for the networks of runs and for exported ones, whatever they find."""

__all__ = ["Predictor", "load_predictor"]

from pathlib import Path
from typing import Any, Protocol

from covid3dgan import papers, weights
from covid3dgan.errors import InputError
from covid3dgan.inference.exported.layout import is_exported
from covid3dgan.runs.directory import read_manifest, recipe_of


class Predictor(Protocol):
    """A trained network with all that it needs to segment files.

    Attributes:
        noun: what it takes one of: "CT", "image" or "file".
        preset: the preset that it was trained with.
    """

    noun: str
    preset: Any

    def find(self, path, lungs=None):
        """The inference.inputs.Input of everything at ``path`` that it can segment; an error where it takes no lung
        masks and is given some."""

    def paths(self, item, out, probability, overlay):
        """What is written for an input: name -> path; always with "mask" and "json"."""

    def predict_file(self, item, paths):
        """Reads an input, segments it, writes ``paths`` but for the JSON; returns the facts that go into it."""

    def record(self, item):
        """What else the JSON says of the prediction."""

    def describe(self):
        """What the JSON says of the model."""

    def say(self, facts):
        """The facts of one input as a line for the terminal."""

    def finish(self, results, out):
        """Writes what belongs to all inputs together."""


def load_predictor(path=None):
    """The :class:`Predictor` of a run directory, the folder of ``train ssinfnet``, or an exported network.

    Args:
        path: the model; None, or the name of one of ``weights.names()`` where nothing lies at that path, for a network
            that comes along (without TensorFlow where ai-edge-litert is installed).

    Raises:
        InputError: nothing at that path, a damaged file, or a network that finds nothing.
    """
    if path is None or (not Path(path).exists() and str(path) in weights.names()):
        from covid3dgan.inference.exported.predictors import load_exported

        return load_exported(weights.path(weights.DEFAULT if path is None else str(path)))
    path = Path(path)
    if is_exported(path):
        from covid3dgan.inference.exported.predictors import load_exported

        return load_exported(path)
    if path.is_file():
        raise InputError(path, "a run directory, a .tflite file or the folder of a SavedModel", "another file",
                         "name one of these; 'covid3dgan export' makes a .tflite file of a .keras or HDF5 file")
    kind = "ssinfnet-multi" if recipe_of(path) == "ssinfnet" else read_manifest(path / "run.json")["kind"]
    loaders = papers.loaders()
    if kind not in loaders:
        raise InputError(path, f"a run of kind {', '.join(loaders)}", f"kind {kind}",
                         "name the folder of a network that segments")
    return papers.resolve(loaders[kind])(path)
