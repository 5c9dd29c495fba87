"""Ours in the place of packages that a published notebook imports and that are not installed.

Each function fills one new module and returns what the report says of it (None: nothing, a mere package).
"""

__all__ = ["stand_ins"]

import importlib

from covid3dgan.notebooks.idioms.answers import WIDGETS
from covid3dgan.notebooks.idioms.colab import COLAB
from covid3dgan.notebooks.idioms.imaging import IMAGING
from covid3dgan.notebooks.idioms.inert import inert_module
from covid3dgan.notebooks.idioms.lung_masks import lung_masks

# The package that had InstanceNormalization before tensorflow-addons, and the module that holds it.
_CONTRIB = ("keras_contrib", "keras_contrib.layers", "keras_contrib.layers.normalization",
            "keras_contrib.layers.normalization.instancenormalization")


def stand_ins(recorder, tensorflow_addons=True):
    """Module name -> function that fills it; ``tensorflow_addons`` where the real one is absent or cannot work."""
    found = {**COLAB, **IMAGING, **lung_masks(recorder), "noise": _noise, "Functions": _functions, **WIDGETS,
             **{name: _package for name in _CONTRIB[:-1]}, _CONTRIB[-1]: _addons_layers}
    if tensorflow_addons:
        found.update({"tensorflow_addons": _addons, "tensorflow_addons.losses": _addons_losses,
                      "tensorflow_addons.layers": _addons_layers, "tensorflow_addons.optimizers": _addons_optimizers,
                      "tensorflow_addons.metrics": inert_module})
    return found


def _package(module):
    """A package that holds nothing but further modules."""


# Perlin noise

def _noise(module):
    inert_module(module)
    module.pnoise2 = _PixelByPixel()
    return "pnoise2 is ours (equal to 1e-6, computed a field at a time)"


class _PixelByPixel:
    """``noise.pnoise2`` for callers that walk over a field pixel by pixel, i / scale and j / scale.

    The first step along an axis tells the scale; the field is then computed at once and looked up.
    """

    def __init__(self):
        self._key = self._scale = self._field = None

    def __call__(self, x, y, octaves=1, persistence=0.5, lacunarity=2.0, repeatx=1024, repeaty=1024, base=0):
        from covid3dgan.errors import InputError

        if repeatx != repeaty:
            raise InputError("noise.pnoise2", "the same period in both directions", f"{repeatx} and {repeaty}",
                             "install the package noise for others")
        key = (octaves, persistence, lacunarity, repeatx, base)
        if key != self._key:
            self._key, self._scale, self._field = key, 1.0, None  # at (0, 0) every scale gives the same
        pixel = self._pixel(x, y)
        if pixel is None and 0 in (x, y):
            self._scale, self._field = 1.0 / max(x, y), None
            pixel = self._pixel(x, y)
        if pixel is None:
            raise InputError("noise.pnoise2", "a walk over a field: (0, 0), (0, 1 / scale), ...", f"({x}, {y})",
                             "install the package noise for single points")
        return self._value(*pixel)

    def _pixel(self, x, y):
        """(row, column) of the point, or None where it lies between pixels."""
        i, j = x * self._scale, y * self._scale
        row, column = round(i), round(j)
        return (row, column) if abs(i - row) < 1e-6 and abs(j - column) < 1e-6 and min(row, column) >= 0 else None

    def _value(self, row, column):
        from covid3dgan.data.noise.perlin import pnoise2

        side = 128 if self._field is None else len(self._field)
        while side <= max(row, column):
            side *= 2
        if self._field is None or side > len(self._field):
            self._field = pnoise2((side, side), self._scale, *self._key)
        return float(self._field[row, column])


# tensorflow-addons and the authors' own module

def _addons(module):
    inert_module(module)
    for name in ("losses", "layers", "optimizers"):
        setattr(module, name, importlib.import_module(f"tensorflow_addons.{name}"))
    return "npairs_loss, focal loss, InstanceNormalization and Lookahead are ours; anything else fails"


def _addons_losses(module):
    from covid3dgan import compat

    inert_module(module)
    module.npairs_loss, module.sigmoid_focal_crossentropy = compat.npairs_loss, compat.sigmoid_focal_crossentropy


def _addons_layers(module):
    from covid3dgan import compat

    inert_module(module)
    module.InstanceNormalization = compat.InstanceNormalization
    _from_keras(module, "layers", "GroupNormalization", "SpectralNormalization")


def _addons_optimizers(module):
    from covid3dgan import compat

    inert_module(module)
    module.Lookahead = compat.Lookahead
    _from_keras(module, "optimizers", "AdamW")


def _from_keras(module, room, *names):
    """What Keras has by now taken over from tensorflow-addons."""
    import keras

    for name in names:
        if hasattr(getattr(keras, room), name):
            setattr(module, name, getattr(getattr(keras, room), name))


def _functions(module):
    from covid3dgan.notebooks.idioms import published_functions

    for name in published_functions.__all__:
        setattr(module, name, getattr(published_functions, name))
    return "the authors' Functions.py is not here: the same scores from their formulas (--map names your copy's folder)"
