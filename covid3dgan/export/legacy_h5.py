"""HDF5 files as Keras 2 saved them, a whole model or its weights alone, under any file name.

Such files come from strangers. They are read with h5py as what they are, numbers under names: no model is deserialised,
so a Lambda layer's code, custom classes and pickles in a file are never run. Links to other files and data kept outside
the file are refused, and nothing is read before its shape is known to be wanted.
"""

__all__ = ["LegacyFile", "LegacyLayer", "is_hdf5", "open_legacy"]

import contextlib
import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np

from covid3dgan.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SIGNATURE_PLACES = (0, 512, 1024, 2048)  # HDF5 may follow a user block
RESTORE = "get the file again from where it came"


def is_hdf5(path):
    """Whether the file begins as HDF5 files do; its name does not matter."""
    path = Path(path)
    if not path.is_file():
        return False
    with open(path, "rb") as handle:
        for place in SIGNATURE_PLACES:
            handle.seek(place)
            if handle.read(len(SIGNATURE)) == SIGNATURE:
                return True
    return False


@dataclasses.dataclass(frozen=True)
class LegacyLayer:
    """A layer that has weights: its name, the datasets by kind ("kernel", "bias", ...) and, where known, its config."""

    name: str
    weights: dict
    config: dict

    def read(self, kind, shape):
        """One weight as float32, of exactly that shape."""
        found = self.weights[kind]
        if tuple(found.shape) != tuple(shape):
            raise InputError(f"layer {self.name}", f"{kind} {tuple(shape)}", f"{tuple(found.shape)}", RESTORE)
        value = np.asarray(found[()], np.float32)
        if not np.isfinite(value).all():
            raise InputError(f"layer {self.name}", f"numbers in {kind}", "NaN or infinity", RESTORE)
        return value


@dataclasses.dataclass(frozen=True)
class LegacyFile:
    """An open file: its weighted layers in the model's order, the configs of all layers, Keras' version, its form."""

    path: Path
    layers: tuple
    configs: tuple
    keras_version: str
    form: str


@contextlib.contextmanager
def open_legacy(path):
    """Yields a :class:`LegacyFile`; every fault of the file becomes an InputError that says so."""
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "a file of HDF5 weights", "a folder" if path.exists() else "no such file",
                         "check its name")
    if not is_hdf5(path):
        raise InputError(path, "HDF5 weights as Keras 2 saved them", f"{path.stat().st_size} bytes of another kind",
                         "pass the HDF5 file (pickles and Python code are never read)")
    try:
        with h5py.File(path, "r") as file:
            yield _describe(path, file)
    except InputError:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, IndexError) as error:
        raise InputError(path, "a whole HDF5 file", f"a damaged or cut one ({str(error)[:120]})", RESTORE) from error


def _describe(path, file):
    if "layer_names" in file.attrs or "layer_names0" in file.attrs:
        root, form = file, "weights"
    elif "model_weights" in file:
        root, form = _child(path, file, "model_weights", h5py.Group), "full model"
    else:
        held = ", ".join(list(file)[:4]) or "nothing"
        raise InputError(path, "HDF5 weights as Keras 2 saved them", f"HDF5 with {held}",
                         "pass a file that Keras 2's save or save_weights wrote")
    configs = _configs(path, file.attrs.get("model_config"))
    by_name = {config.get("name"): config for config in configs}
    layers = []
    for name in _names(root.attrs, "layer_names"):
        group = _child(path, root, name, h5py.Group)
        weights = {full.rpartition("/")[2].partition(":")[0]: _child(path, group, full, h5py.Dataset)
                   for full in _names(group.attrs, "weight_names")}
        if weights:
            layers.append(LegacyLayer(name, weights, by_name.get(name, {})))
    return LegacyFile(path, tuple(layers), configs, _text(root.attrs.get("keras_version", "unknown")), form)


def _names(attributes, name):
    """A list of names, which Keras cuts into numbered parts where it is long."""
    if name in attributes:
        return [_text(item) for item in attributes[name]]
    found, part = [], 0
    while f"{name}{part}" in attributes:
        found += [_text(item) for item in attributes[f"{name}{part}"]]
        part += 1
    return found


def _text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _child(path, parent, name, kind):
    """A group or data set inside this very file."""
    here = parent
    for part in name.split("/"):
        link = here.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise InputError(path, f"{name!r} inside the file", "a link to elsewhere" if link else "nothing", RESTORE)
        here = here[part]
    if not isinstance(here, kind):
        raise InputError(path, f"{name!r} as a {kind.__name__.lower()}", f"a {type(here).__name__.lower()}", RESTORE)
    if kind is h5py.Dataset and (here.external or here.is_virtual or here.dtype.kind not in "fiu"):
        raise InputError(path, f"{name!r} as numbers inside the file", f"{here.dtype} or data kept elsewhere", RESTORE)
    return here


def _configs(path, text):
    """The configurations of all layers, those of nested models too, each with its ``class_name``; () where unknown.

    Only read, never deserialised.
    """
    if text is None:
        return ()
    try:
        return tuple(_walk(json.loads(_text(text))))
    except (ValueError, RecursionError) as error:
        raise InputError(path, "a model_config in JSON", "something else", RESTORE) from error


def _walk(model):
    layers = model.get("config", {}).get("layers", []) if isinstance(model.get("config"), dict) else []
    for layer in layers:
        yield {**layer.get("config", {}), "class_name": layer.get("class_name"),
               "name": layer.get("name") or layer.get("config", {}).get("name")}
        yield from _walk(layer)
