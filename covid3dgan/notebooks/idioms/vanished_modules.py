"""Imports of modules that are gone from today's libraries, or of packages that are not installed.

The finder comes after Python's own, so whatever exists is imported as ever.
"""

__all__ = ["FORWARDED", "VanishedModules", "called_by_notebook", "is_installed"]

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import types

from covid3dgan.notebooks.idioms.inert import inert_module

_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python3|^<frozen")
_BETWEEN = ("importlib", "covid3dgan.notebooks.idioms.vanished_modules", "covid3dgan.notebooks.idioms.libraries")
_LAYERS = ("keras.layers",)
# Module of an earlier library -> today's modules that hold its names.
FORWARDED = {
    **{f"keras.layers.{name}": _LAYERS for name in (
        "advanced_activations", "convolutional", "convolutional_recurrent", "core", "embeddings", "local", "merge",
        "noise", "normalization", "pooling", "recurrent", "wrappers")},
    "keras.layers.normalization.batch_normalization": _LAYERS,
    "keras.engine": ("keras", "keras.layers"), "keras.engine.topology": ("keras.layers", "keras"),
    "keras.engine.training": ("keras.models", "keras"), "keras.engine.base_layer": _LAYERS,
    "keras.objectives": ("keras.losses",), "keras.utils.np_utils": ("keras.utils",),
    "keras.utils.vis_utils": ("keras.utils",), "keras.utils.generic_utils": ("keras.utils",),
    "keras.legacy": ("keras",), "keras.legacy.interfaces": ("keras",),
    **{f"keras.{name}": ("keras.optimizers",) for name in (
        "optimizers.legacy", "optimizers.adam_v2", "optimizers.gradient_descent_v2", "optimizers.rmsprop_v2",
        "optimizer_v2", "optimizer_v2.adam", "optimizer_v2.gradient_descent", "optimizer_v2.rmsprop")},
    "keras.preprocessing.image": ("keras.utils",), "keras.backend": ("keras.ops",),
    "keras.wrappers": ("keras",), "keras.wrappers.scikit_learn": ("keras",),
    "scipy.ndimage.interpolation": ("scipy.ndimage",), "scipy.ndimage.filters": ("scipy.ndimage",),
    "scipy.ndimage.morphology": ("scipy.ndimage",), "scipy.ndimage.measurements": ("scipy.ndimage",),
}
# The same names below tensorflow.keras.
FORWARDED.update({f"tensorflow.{name}": tuple(f"tensorflow.{target}" for target in targets)
                  for name, targets in list(FORWARDED.items()) if name.startswith("keras.")})

def is_installed(package):
    """Whether a package is there, which the finder below must not answer."""
    spec = importlib.util.find_spec(package)
    return spec is not None and not isinstance(spec.loader, VanishedModules)


def called_by_notebook():
    """Whether a cell, a file of the user's or the runner asks; a library that looks for pandas must not find it.

    The first frame outside the import machinery tells: cells are ``__main__``, the user's files are in no folder of
    installed packages.
    """
    frame = sys._getframe(2)
    while frame is not None:
        name, file = frame.f_globals.get("__name__", ""), frame.f_code.co_filename
        if not (name.startswith(_BETWEEN) or file.startswith("<frozen importlib")):
            if name.startswith("covid3dgan"):
                return name.startswith("covid3dgan.notebooks")
            return name == "__main__" or not _INSTALLED.search(file)
        frame = frame.f_back
    return False


class VanishedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A finder and loader for sys.meta_path.

    A package that is not installed can be imported and does nothing: many notebooks import more than they use. Below
    ``try`` it is missing, as the notebook expects.

    Args:
        recorder: gets an event for every module that it makes.
        stand_ins: module name -> function that fills a new module with ours.
        hidden: names of packages to treat as not installed.
    """

    def __init__(self, recorder, stand_ins=None, hidden=()):
        self.optional = set()  # packages that the notebook imports below ``try``; see cells.imports
        self.recorder = recorder
        self.stand_ins = dict(stand_ins or {})
        self.hidden = frozenset(hidden)

    def install(self):
        """Puts the finder at the end of sys.meta_path, and hides ``hidden`` in front."""
        if self.hidden:
            sys.meta_path.insert(0, _Hider(self.hidden, self))
        sys.meta_path.append(self)

    def uninstall(self):
        """Takes both finders out again."""
        sys.meta_path[:] = [finder for finder in sys.meta_path
                            if finder is not self and getattr(finder, "behind", None) is not self]

    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        known = name in self.stand_ins or name in FORWARDED or (
            package not in self.optional if package == name else self._is_inert(package))
        if not known or not called_by_notebook():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def _is_inert(self, package):
        """Whether a package that was imported before is one of those that are not installed."""
        spec = getattr(sys.modules.get(package), "__spec__", None)
        return spec is not None and spec.loader is self and package not in self.stand_ins

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        name = module.__name__
        if name in self.stand_ins:
            execution = self.stand_ins[name](module)
            if execution:
                self.recorder.emit("stand-in", name, execution)
        elif name in FORWARDED:
            self._forward(module, FORWARDED[name])
            self.recorder.emit("alias", name, f"names of {', '.join(FORWARDED[name])}")
        else:
            inert_module(module)
            if "." not in name:
                self.recorder.emit("inert", name, "imported without effect; a cell that uses it fails")

    def _forward(self, module, targets):
        def attribute(name):
            for target in targets:
                found = getattr(importlib.import_module(target), name, None)
                if found is not None:
                    return found
            raise AttributeError(f"module {module.__name__!r} is gone, and {' and '.join(targets)} have no {name!r}")

        module.__getattr__ = attribute
        module.__all__ = []


class _Hider(importlib.abc.MetaPathFinder):
    """Answers for hidden packages before Python's own finders can."""

    def __init__(self, hidden, behind):
        self.hidden = hidden
        self.behind = behind

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.hidden or not called_by_notebook():
            return None
        spec = self.behind.find_spec(name, path, target)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec
