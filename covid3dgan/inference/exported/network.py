"""An exported network called as a ``keras.Model`` is, after its files were checked."""

__all__ = ["ExportedNetwork", "open_exported"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.files import sha256
from covid3dgan.inference.exported import tflite_file
from covid3dgan.inference.exported.layout import REPORT, read_report, read_saved_model_metadata
from covid3dgan.inference.exported.parts import PARTS
from covid3dgan.inference.exported.run_back import open_saved_model, open_tflite
from covid3dgan.quiet_start import without_information

BATCH = 32  # slices at once, for a SavedModel


@dataclasses.dataclass(frozen=True)
class ExportedNetwork:
    """A file's network, called as a ``keras.Model`` is: (B, H, W, C) float32 -> (B, H, W, K) float32.

    Attributes:
        run: from ``run_back``.
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


def open_exported(path):
    """The :class:`ExportedNetwork` of a TFLite file, of a SavedModel, or of the folder that 'covid3dgan export' made.

    Raises:
        InputError: the file is damaged, was changed after its export, comes from no run, or ``predict`` makes nothing
            with it.
    """
    path = _model_in(Path(path))
    metadata = _metadata(path)
    part = metadata.get("part")
    if part not in PARTS or PARTS[part].predicts is None or not metadata.get("preset"):
        fitting = [name for name, spec in PARTS.items() if spec.predicts]
        raise InputError(path, f"an exported {' or '.join(fitting)} of a run", f"{part}",
                         "export that part of a run, or name another file")
    spec, is_file = PARTS[part], path.suffix == ".tflite"
    with without_information():
        run = (open_tflite(path, threads=None) if is_file else open_saved_model(path))[0]
    described = {"file": str(path), "sha256": sha256(path if is_file else path / "saved_model.pb"), "part": part,
                 "run": metadata["source"], "preset": metadata["preset"]["name"], "step": metadata["step"],
                 "precision": metadata.get("precision", "float32")}
    shape = metadata["inputs"][spec.inputs[0]]["shape"]
    return ExportedNetwork(run, 1 if is_file else BATCH, (None, *shape) if is_file else (None, None, None, shape[-1]),
                           spec.inputs[0], spec.output, metadata, described)


def _metadata(path):
    if not path.exists():
        raise InputError(path, "an exported model", "nothing at that path", "check its name")
    _check_digests(path)
    return tflite_file.read_metadata(path) if path.suffix == ".tflite" else read_saved_model_metadata(path)


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
