"""Saving and loading as Keras 2.7 did: HDF5 under any name, models that are not there, SavedModels."""

__all__ = ["install_saving"]

import functools
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import keras

from covid3dgan import compat
from covid3dgan.notebooks.idioms.former_names import keras_modules
from covid3dgan.notebooks.placeholders import entries


def install_saving(recorder, model_file):
    """Changes Keras in this process; see `models.install_keras` for the arguments."""
    save = keras.Model.save

    @functools.wraps(save)
    def save_as_before(self, filepath, overwrite=True, save_format=None, include_optimizer=True, **kwargs):
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        suffix = Path(filepath).suffix
        if not compat.KERAS_3 or suffix == ".keras":
            kwargs = kwargs if save_format is None else {**kwargs, "save_format": save_format}
            return save(self, filepath, overwrite=overwrite, **kwargs)
        if _has_operations(self):
            return _save_as_keras(self, filepath, save, recorder)
        if suffix not in (".h5", ".hdf5") or save_format:
            recorder.emit("adaptation", f"save({Path(filepath).name!r}"
                          + (f", save_format={save_format!r})" if save_format else ")"), "as HDF5 under that very name")
        from keras.src.legacy.saving import legacy_h5_format

        return legacy_h5_format.save_model_to_hdf5(self, str(filepath), overwrite, include_optimizer)

    keras.Model.save = save_as_before
    if compat.KERAS_3:
        _save_weights(recorder)
        keras_modules("models")
        save_function = keras.models.save_model
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get("save_model") is save_function and ".src." not in module.__name__:
                module.save_model = lambda model, filepath, *args, **kwargs: model.save(filepath, *args, **kwargs)
    _load_weights(recorder)
    originals = {id(getattr(module, "load_model", None)) for module in (keras.models, keras.saving)} - {id(None)}
    load = keras.models.load_model

    @functools.wraps(load)
    def load_as_before(filepath, custom_objects=None, compile=True, **kwargs):
        path, model = model_file(filepath)
        if model is not None:
            return model
        if compat.KERAS_3 and path.is_dir():
            return _saved_model(path, recorder)
        if compat.KERAS_3 and zipfile.is_zipfile(path):
            with tempfile.TemporaryDirectory() as folder:
                named = Path(folder) / "model.keras"  # the only name that Keras 3 takes
                named.symlink_to(path.absolute())
                return load(str(named), custom_objects=custom_objects, compile=compile, **kwargs)
        if not (compat.KERAS_3 and path.is_file() and path.suffix != ".keras"):
            return load(str(path), custom_objects=custom_objects, compile=compile, **kwargs)
        return _from_hdf5(path, custom_objects, compile, recorder)

    # Modules that hold the function under this name, the lazily loaded ones of tf.keras among them.
    for module in list(sys.modules.values()):
        if id(getattr(module, "__dict__", {}).get("load_model")) in originals:
            module.load_model = load_as_before


def _has_operations(model):
    """Whether a model holds more than layers, such as ``a * b``: Keras 3 cannot read those back from HDF5."""
    return any(not isinstance(part, keras.Layer) for part in getattr(model, "operations", ()))


def _save_as_keras(model, filepath, save, recorder):
    recorder.emit("adaptation", f"save({Path(filepath).name!r})", "in Keras' own format under that very name: the "
                  "model holds operations such as a * b, which Keras 3 cannot read back from HDF5")
    with tempfile.TemporaryDirectory() as folder:
        save(model, str(Path(folder) / "model.keras"))
        shutil.copyfile(Path(folder) / "model.keras", filepath)


def _load_weights(recorder):
    """Weights that are not there: the network stays as it is, and the report says so, as with ``load_model``."""
    load = keras.Model.load_weights

    @functools.wraps(load)
    def load_if_there(self, filepath, *args, **kwargs):
        path = Path(str(filepath))
        if path.parent.is_dir() and any(name.startswith(path.name) for name in entries(path.parent)):
            if compat.KERAS_3 and not path.name.endswith((".h5", ".keras")) and _holds_hdf5(path):
                return _weights_from_hdf5(self, path)
            return load(self, str(filepath), *args, **kwargs)
        recorder.emit("phantom", f"weights {path.name}", "not there: the network stays UNTRAINED, its output means "
                      f"nothing (--map '{path.name}=FILE' names yours)")
        return None

    keras.Model.load_weights = load_if_there


def _holds_hdf5(path):
    import h5py

    return path.is_file() and h5py.is_hdf5(path)


def _weights_from_hdf5(model, path):
    """Weights that `_save_weights` wrote under a name without a suffix, which Keras 3 does not take."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "r") as file:
        legacy_h5_format.load_weights_from_hdf5_group(file.get("model_weights", file), model)


def _save_weights(recorder):
    """Weights under any name, as Keras 2's HDF5; Keras 3 wants a name that ends in .weights.h5, and reads both."""
    save = keras.Model.save_weights

    @functools.wraps(save)
    def save_as_named(self, filepath, overwrite=True, **kwargs):
        if str(filepath).endswith(".weights.h5"):
            return save(self, filepath, overwrite=overwrite, **kwargs)
        import h5py
        from keras.src.legacy.saving import legacy_h5_format

        recorder.emit("adaptation", f"save_weights({Path(filepath).name!r})", "as Keras 2's HDF5 under that very name")
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(filepath, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, self)
        return None

    keras.Model.save_weights = save_as_named


def _from_hdf5(path, custom_objects, compile, recorder):
    from keras.src.legacy.saving import legacy_h5_format

    if path.suffix not in (".h5", ".hdf5"):
        recorder.emit("adaptation", f"load_model({path.name!r})", "as HDF5, without a suffix")
    try:
        return legacy_h5_format.load_model_from_hdf5(str(path), custom_objects=custom_objects, compile=compile)
    except (TypeError, ValueError) as error:
        if not compile:
            raise
        recorder.emit("adaptation", f"load_model({path.name!r})", "not compiled: its loss or metrics have names that "
                      f"Keras no longer knows ({str(error).splitlines()[0][:80]})")
        return legacy_h5_format.load_model_from_hdf5(str(path), custom_objects=custom_objects, compile=False)


def _saved_model(path, recorder):
    """Keras 3 reads a SavedModel only as a layer: good for prediction, not for training."""
    recorder.emit("adaptation", f"load_model({path.name!r})", "a SavedModel, for prediction only")
    layer = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")
    [signature] = layer._call_fn.structured_input_signature[1].values()
    inputs = keras.Input(signature.shape[1:], dtype=signature.dtype)
    outputs = layer(inputs)
    return compat.never_xla(keras.Model(inputs, next(iter(outputs.values())) if isinstance(outputs, dict) else outputs))
