"""What the folder of an export holds; read without TensorFlow."""

__all__ = ["METADATA", "REPORT", "SAVED_MODEL", "is_exported", "read_report", "read_saved_model_metadata"]

import json
from pathlib import Path

from covid3dgan.errors import InputError

REPORT = "export_report.json"
SAVED_MODEL = "saved_model"
# TensorFlow's own place for what other libraries keep with a SavedModel.
METADATA = Path("assets.extra") / "covid3dgan.json"


def is_exported(path):
    """Whether ``path`` is a TFLite file, a SavedModel's folder, or the folder of an export that holds one of them."""
    path = Path(path)
    return path.suffix == ".tflite" or (path / "saved_model.pb").is_file() or (path / REPORT).is_file()


def read_report(folder):
    """The report of an export."""
    return _read(Path(folder) / REPORT)


def read_saved_model_metadata(path):
    """The metadata of a SavedModel that this package wrote."""
    file = Path(path) / METADATA
    if not file.is_file():
        raise InputError(path, f"a SavedModel with {METADATA}", "none", "export the model with covid3dgan export")
    return _read(file)


def _read(file):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(file, "JSON written by covid3dgan export", f"something else ({error})",
                         "export the model again") from error
