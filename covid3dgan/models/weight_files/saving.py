"""Reading back what ``model.save("name.keras")`` wrote."""

import importlib
import json
import pkgutil
import zipfile
from pathlib import Path

import keras

from covid3dgan import compat
from covid3dgan.errors import InputError

__all__ = ["load_model"]

ROOM = Path(__file__).parents[1]
KERAS_MODULES = ("keras", "keras.layers", "keras.initializers", "keras.src.engine.functional",
                 "keras.src.models.functional")
# What the networks of this package are made of. Keras resolves a class by any module's name that a file gives, so
# nothing else may get that far: a Lambda layer or a function of another package would run code.
KERAS_CLASSES = {
    "Activation", "Add", "AveragePooling2D", "BatchNormalization", "Concatenate", "Constant", "Conv2D",
    "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "DTypePolicy", "Dense", "Dropout", "Functional",
    "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlorotUniform", "GroupNormalization", "HeNormal", "InputLayer",
    "LayerNormalization", "LeakyReLU", "MaxPooling2D", "MaxPooling3D", "Multiply", "Normalization", "Ones",
    "Orthogonal", "RandomFlip", "RandomNormal", "RandomRotation", "RandomUniform", "ReLU", "Reshape", "Sequential",
    "UpSampling2D", "VarianceScaling", "ZeroPadding2D", "Zeros",
}


def load_model(path):
    """A model of this package from its ``.keras`` file, not compiled and with XLA off; it runs no code from the file.

    Raises:
        InputError: the file is missing, is no ``.keras`` file, or holds layers that are not this package's.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "a saved model", "a folder" if path.exists() else "no file", "check the path")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise InputError(path, "a .keras file", f"{path.stat().st_size} bytes of another kind",
                         "save models with model.save('name.keras'); covid3dgan import-weights reads HDF5")
    _refuse_foreign_classes(path)
    # Importing a file registers the layers it defines, which the saved model refers to by name.
    for folder, package in ((ROOM, "covid3dgan.models"), (ROOM / "blocks", "covid3dgan.models.blocks")):
        for file in pkgutil.iter_modules([str(folder)]):
            importlib.import_module(f"{package}.{file.name}")
    try:
        return compat.never_xla(keras.models.load_model(path, compile=False))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(path, "a model that this version can rebuild", f"{type(error).__name__}",
                         f"load it with the environment that saved it ({str(error).splitlines()[0][:200]})") from error


def _refuse_foreign_classes(path):
    """Raises InputError if the file names any class but Keras' harmless ones and this package's own."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (KeyError, ValueError, OSError, RecursionError, zipfile.BadZipFile) as error:
        raise InputError(path, "a whole .keras file", f"a damaged one ({type(error).__name__})",
                         "save it again") from error
    # The optimizer is not rebuilt.
    waiting = [{key: value for key, value in config.items() if key != "compile_config"}]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item and not _is_known(item):
                raise InputError(path, "a model that this version can rebuild, of Keras' layers and covid3dgan's own",
                                 f"{item.get('module')}.{item['class_name']}, which is not run",
                                 "save it with covid3dgan")
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _is_known(item):
    module, name, registered = item.get("module"), item["class_name"], item.get("registered_name")
    if registered == f"covid3dgan>{name}":
        return str(module).startswith("covid3dgan.")
    if name == "__keras_tensor__":
        return True
    return module in KERAS_MODULES and name in KERAS_CLASSES and registered in (None, name)
