"""Exported segmenters in the place of a run: a TFLite file or a SavedModel that scores the slices of CTs."""

__all__ = ["ExportedModel", "load_exported"]

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from covid3dgan.errors import InputError
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
class ExportedModel:
    """What ``predict`` needs of a model, without Keras: preset, threshold and scores."""

    run: Any
    batch: int
    input_name: str
    output_name: str
    preset: Any
    threshold: float
    relative: bool
    described: dict

    def scores(self, volume):
        """Lesion scores of a prepared lung image (slices, rows, columns), float32."""
        slices = np.asarray(volume, np.float32)[..., None]
        found = [self.run({self.input_name: slices[i:i + self.batch]})[self.output_name]
                 for i in range(0, len(slices), self.batch)]
        return np.concatenate(found)[..., 0]

    def describe(self):
        """What the JSON beside every mask says of the model."""
        return self.described


def load_exported(path):
    """The :class:`ExportedModel` of a TFLite file, of a SavedModel, or of the folder that 'covid3dgan export' made.

    Raises:
        InputError: the file is damaged, was changed after its export, or is no segmenter of CTs.
    """
    path = _model_in(Path(path))
    is_file = path.suffix == ".tflite"
    if not path.exists():
        raise InputError(path, "an exported model", "nothing at that path", "check its name")
    _check_digests(path)
    metadata = tflite_file.read_metadata(path) if is_file else read_saved_model_metadata(path)
    part = metadata.get("part")
    if part not in PARTS or not PARTS[part].scores_ct or not metadata.get("preset"):
        fitting = " or ".join(name for name, spec in PARTS.items() if spec.scores_ct)
        raise InputError(path, f"an exported {fitting} of a run", f"a {part}", "name another file")
    preset = _preset(path, metadata)
    run = (open_tflite(path, threads=None) if is_file else open_saved_model(path))[0]
    threshold = metadata["threshold"]
    described = {"file": str(path), "sha256": sha256(path if is_file else path / "saved_model.pb"), "part": part,
                 "run": metadata["source"], "preset": metadata["preset"]["name"], "step": metadata["step"],
                 "precision": metadata.get("precision", "float32"), "threshold": threshold["value"],
                 "relative": threshold["relative"]}
    return ExportedModel(run, 1 if is_file else BATCH, PARTS[part].inputs[0], PARTS[part].output,
                         preset, threshold["value"], threshold["relative"], described)


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
