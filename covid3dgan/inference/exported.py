"""Exported networks in the place of a run: TFLite files and SavedModels that ``predict`` segments with."""

__all__ = ["ExportedModel", "ExportedNetwork", "exported_purpose", "load_exported", "load_exported_images",
           "open_exported"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan import presets
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.export import tflite_file
from covid3dgan.export.layout import REPORT, read_report, read_saved_model_metadata
from covid3dgan.export.parts import PARTS
from covid3dgan.export.run_back import open_saved_model, open_tflite
from covid3dgan.files import sha256
from covid3dgan.presets.preprocessing import PreprocessOptions
from covid3dgan.presets.shabani import System
from covid3dgan.presets.stages import Gan

BATCH = 32  # slices at once, for a SavedModel


@dataclasses.dataclass(frozen=True)
class ExportedNetwork:
    """A file's network, called as a ``keras.Model`` is: (B, H, W, C) float32 -> (B, H, W, K) float32.

    Attributes:
        run: from ``export.run_back``.
        batch: images at once.
        input_shape: (None, H, W, C) of a TFLite file, which takes no other; (None, None, None, C) of a SavedModel.
        input_name, output_name: as the part names them.
        metadata: what the file says of itself.
        described: what the JSON beside every mask says of the model.
    """

    run: Any
    batch: int
    input_shape: tuple
    input_name: str
    output_name: str
    metadata: dict
    described: dict

    def __call__(self, images, training=False):
        if training:
            raise ArgumentError("training", "False: an exported network does not learn", "True", "leave it out")
        images = np.asarray(images, np.float32)
        return np.concatenate([self.run({self.input_name: images[i:i + self.batch]})[self.output_name]
                               for i in range(0, len(images), self.batch)])


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """What ``predict`` needs of a model that finds lesions in CTs, without Keras: preset, threshold and scores."""

    network: ExportedNetwork
    preset: Any
    threshold: float
    relative: bool

    def scores(self, volume):
        """Lesion scores of a prepared lung image (slices, rows, columns), float32."""
        return self.network(np.asarray(volume)[..., None])[..., 0]

    def describe(self):
        """What the JSON beside every mask says of the model."""
        return {**self.network.described, "threshold": self.threshold, "relative": self.relative}


def exported_purpose(path):
    """What ``predict`` makes with an exported network: "lesions", "foreground" or "classes".

    Raises:
        InputError: it makes nothing with that network.
    """
    path = _model_in(Path(path))
    part = _metadata(path).get("part")
    if part not in PARTS or PARTS[part].predicts is None:
        raise _unfit(path, part, [name for name, spec in PARTS.items() if spec.predicts])
    return PARTS[part].predicts


def open_exported(path, purpose):
    """The :class:`ExportedNetwork` of a TFLite file, of a SavedModel, or of the folder that 'covid3dgan export' made.

    Args:
        purpose: as :func:`exported_purpose` gives it.

    Raises:
        InputError: the file is damaged, was changed after its export, comes from no run, or is for something else.
    """
    path = _model_in(Path(path))
    metadata = _metadata(path)
    part = metadata.get("part")
    if part not in PARTS or PARTS[part].predicts != purpose or not metadata.get("preset"):
        raise _unfit(path, part, [name for name, spec in PARTS.items() if spec.predicts == purpose])
    spec, is_file = PARTS[part], path.suffix == ".tflite"
    run = (open_tflite(path, threads=None) if is_file else open_saved_model(path))[0]
    described = {"file": str(path), "sha256": sha256(path if is_file else path / "saved_model.pb"), "part": part,
                 "run": metadata["source"], "preset": metadata["preset"]["name"], "step": metadata["step"],
                 "precision": metadata.get("precision", "float32")}
    shape = metadata["inputs"][spec.inputs[0]]["shape"]
    return ExportedNetwork(run, 1 if is_file else BATCH, (None, *shape) if is_file else (None, None, None, shape[-1]),
                           spec.inputs[0], spec.output, metadata, described)


def load_exported(path):
    """The :class:`ExportedModel` of an exported segmenter or TransUNet; see :func:`open_exported`."""
    network = open_exported(path, "lesions")
    threshold = network.metadata["threshold"]
    return ExportedModel(network, _preset(path, network.metadata), threshold["value"], threshold["relative"])


def load_exported_images(path):
    """(network, preset) of an exported AF-SEG segmenter, as ``train_afseg.load_segmenter`` gives them."""
    network = open_exported(path, "foreground")
    return network, presets.from_dict(network.metadata["preset"])


def _unfit(path, part, fitting):
    return InputError(path, f"an exported {' or '.join(fitting)} of a run", f"{part}",
                      "export that part of a run, or name another file")


def _metadata(path):
    if not path.exists():
        raise InputError(path, "an exported model", "nothing at that path", "check its name")
    _check_digests(path)
    return tflite_file.read_metadata(path) if path.suffix == ".tflite" else read_saved_model_metadata(path)


def _preset(path, metadata):
    """A preset that preprocesses as the run's did; its other stages are no part of an exported network."""
    facts = metadata["preprocessing"]
    known = {field.name for field in dataclasses.fields(PreprocessOptions)}
    if set(facts["options"]) != known:
        raise InputError(path, "the preprocessing options of this version",
                         f"a difference in {sorted(set(facts['options']) ^ known)}", "export the run again")
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["options"].items()}
    return System(metadata["preset"]["name"], "of an exported network", preprocess=PreprocessOptions(**options),
                  gan=Gan(volume_shape=tuple(facts["volume_shape"])))


def _model_in(path):
    """The model itself where the folder of an export was named; the SavedModel where it holds both."""
    if not (path / REPORT).is_file():
        return path
    names = [entry["path"] for entry in read_report(path)["files"]]
    return path / sorted(names, key=lambda name: name.endswith(".tflite"))[0]


def _check_digests(path):
    """Refuses files that no longer are what was run back, where the export's report still lies beside them."""
    if not (path.parent / REPORT).is_file():
        return
    for entry in read_report(path.parent)["files"]:
        if entry["path"] != path.name:
            continue
        for name, digest in entry["sha256"].items():
            file = path.parent / name
            if not file.is_file() or sha256(file) != digest:
                raise InputError(file, f"the file that {REPORT} was written for",
                                 "another one" if file.is_file() else "none", "export the model again")
