"""What a SavedModel's folder says of itself; read without TensorFlow."""

__all__ = ["METADATA", "read_metadata"]

import json
from pathlib import Path

from covid3dgan.errors import InputError

# TensorFlow's own place for what other libraries keep with a model.
METADATA = Path("assets.extra") / "covid3dgan.json"


def read_metadata(path):
    """The metadata of a SavedModel that this package wrote."""
    file = Path(path) / METADATA
    if not file.is_file():
        raise InputError(path, f"a SavedModel with {METADATA}", "none", "export the model with covid3dgan export")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(file, "JSON written by covid3dgan export", f"something else ({error})",
                         "export again") from error
