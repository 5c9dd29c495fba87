"""Reading back what ``model.save("name.keras")`` wrote."""

import importlib
import pkgutil
import zipfile
from pathlib import Path

import keras

from covid3dgan import compat
from covid3dgan.errors import InputError

__all__ = ["load_model"]


def load_model(path):
    """A model of this package from its ``.keras`` file, not compiled and with XLA off; it runs no code from the file.

    Raises:
        InputError: the file is missing, is no ``.keras`` file, or holds layers that are not this package's.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "a saved model", "no file", "check the path")
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise InputError(path, "a .keras file", f"{path.stat().st_size} bytes of another kind",
                         "save models with model.save('name.keras'), or import HDF5 weights with covid3dgan export")
    # Importing a file registers the layers it defines, which the saved model refers to by name.
    for file in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"covid3dgan.models.{file.name}")
    try:
        return compat.never_xla(keras.models.load_model(path, compile=False))
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(path, "a model that this version can rebuild", f"{type(error).__name__}",
                         f"load it with the environment that saved it ({str(error).splitlines()[0][:200]})") from error
