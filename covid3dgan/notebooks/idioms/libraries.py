"""Idioms of NumPy, OpenCV and Python's random that today's versions, or other data, refuse."""

__all__ = ["install_nibabel", "install_numpy", "install_opencv", "install_random"]

import builtins
import functools
import random
import warnings
from pathlib import Path

import numpy as np

from covid3dgan.notebooks.idioms.vanished_modules import called_by_notebook

_ALIASES = {
    "float": float, "int": int, "bool": bool, "object": object, "str": str, "complex": complex, "long": int,
    "unicode": str, "float_": np.float64, "int_": np.int64, "complex_": np.complex128, "Inf": np.inf,
    "Infinity": np.inf, "infty": np.inf, "NaN": np.nan, "product": np.prod, "cumproduct": np.cumprod,
    "sometrue": np.any, "alltrue": np.all, "row_stack": np.vstack, "round_": np.round,
    "string_": np.bytes_, "unicode_": np.str_, "asscalar": lambda array: np.asarray(array).item(), "warnings": warnings,
    "in1d": np.isin, "trapz": getattr(np, "trapezoid", None), "msort": lambda array: np.sort(array, axis=0),
}


def install_numpy(recorder, files):
    """Puts back names that NumPy has dropped, and looks for arrays where the runner has put them.

    Args:
        recorder: gets an event for every name and file used.
        files: (path) -> the path to load instead, making it where it can be made; see `extension.Helper.array_file`.
    """
    former = np.__dict__.get("__getattr__")

    def attribute(name):
        if name in _ALIASES and called_by_notebook():
            recorder.emit("alias", f"numpy.{name}", getattr(_ALIASES[name], "__name__", repr(_ALIASES[name])))
            return _ALIASES[name]
        if former is not None:
            return former(name)
        raise AttributeError(f"module 'numpy' has no attribute {name!r}")

    np.__getattr__ = attribute
    _install_ragged(recorder)
    load = np.load

    @functools.wraps(load)
    def load_known(file, *args, **kwargs):
        if not isinstance(file, (str, Path)):
            return load(file, *args, **kwargs)
        path, loaded = files(file)
        array = load(path, *args, **kwargs)
        loaded(getattr(array, "shape", ()))
        return array

    np.load = load_known


def _install_ragged(recorder):
    """``np.array`` of volumes with different shapes: an array of objects, as it was until NumPy 1.24."""
    array = np.array

    @functools.wraps(array)
    def array_of_any(object, dtype=None, **kwargs):
        try:
            return array(object, dtype, **kwargs)
        except ValueError as error:
            if dtype is not None or "inhomogeneous" not in str(error) or not called_by_notebook():
                raise
            recorder.emit("adaptation", "numpy.array of unequal parts", "an array of objects, as before NumPy 1.24")
            return array(object, builtins.object, **kwargs)

    np.array = array_of_any


def install_nibabel(recorder):
    """``get_data()``, ``get_affine()`` and ``get_header()`` of images, which nibabel 5 refuses."""
    import nibabel

    def former(name, how, value):
        def get(self, *args, **kwargs):
            recorder.emit("adaptation", f"{name}()", how)
            return value(self)

        setattr(nibabel.spatialimages.SpatialImage, name, get)

    former("get_data", "numpy.asanyarray(image.dataobj), as nibabel 5 advises",
           lambda self: np.asanyarray(self.dataobj))
    former("get_affine", "image.affine", lambda self: self.affine)
    former("get_header", "image.header", lambda self: self.header)


def install_random(recorder):
    """Lets ``random.sample`` and ``numpy.random.choice`` draw more than there is (with replacement), and the first
    draw from sets as it once did."""
    sample = random.sample

    @functools.wraps(sample)
    def from_what_there_is(population, k, **kwargs):
        if isinstance(population, (set, frozenset)):
            recorder.emit("adaptation", "random.sample from a set", "from the sorted list of its members")
            population = sorted(population)
        if 0 < len(population) < k and not kwargs:
            recorder.emit("adaptation", f"random.sample of {k}", f"drawn with replacement: there are only "
                          f"{len(population)} to draw from")
            return random.choices(list(population), k=k)
        return sample(population, k, **kwargs)

    random.sample = from_what_there_is
    choice = np.random.choice

    @functools.wraps(choice)
    def choice_of_what_there_is(a, size=None, replace=True, p=None):
        there, wanted = np.size(a) if np.ndim(a) else a, 1 if size is None else np.prod(size)
        if not replace and 0 < there < wanted:
            recorder.emit("adaptation", f"numpy.random.choice of {wanted}", f"drawn with replacement: there are only "
                          f"{there} to draw from")
            replace = True
        return choice(a, size, replace, p)

    np.random.choice = choice_of_what_there_is


def install_opencv(recorder):
    """Lets ``cv2.addWeighted`` add a float64 noise field to float32 images; the published arrays are all float64."""
    try:
        import cv2
    except ImportError:
        return
    add = cv2.addWeighted

    @functools.wraps(add)
    def add_any(src1, alpha, src2, beta, gamma, *args, **kwargs):
        first, second = np.asarray(src1), np.asarray(src2)
        if first.dtype != second.dtype and not args and not kwargs:
            recorder.emit("adaptation", "cv2.addWeighted", f"{second.dtype} taken as {first.dtype}")
            second = second.astype(first.dtype)
        return add(first, alpha, second, beta, gamma, *args, **kwargs)

    cv2.addWeighted = add_any
