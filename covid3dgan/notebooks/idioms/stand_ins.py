"""Ours in the place of packages that a published notebook imports and that are not installed.

Each function fills one new module and returns what the report says of it (None: nothing, a mere package).
"""

__all__ = ["add_weighted", "lung_labels", "resize_image", "stand_ins"]

import importlib

import numpy as np

from covid3dgan.notebooks.idioms.inert import inert_module


def stand_ins(recorder, tensorflow_addons=True):
    """Module name -> function that fills it; ``tensorflow_addons`` where the real one is absent or cannot work."""
    found = {
        "google": _package, "google.colab": _colab, "google.colab.drive": _drive, "google.colab.files": _files,
        "google.colab.patches": _patches, "google.colab.output": _output, "google.colab.auth": _auth,
        **{f"google.colab.{name}": _inert for name in ("userdata", "data_table", "widgets")},
        "cv2": _cv2, "noise": _noise, "Functions": _functions,
        "skimage": _skimage, "skimage.transform": _transform,
        **{f"skimage.{name}": _inert for name in ("data", "filters", "io", "measure", "morphology", "util", "color",
                                                  "exposure", "segmentation")},
        "lungmask": lambda module: _lungmask(module, recorder),
        "lungmask.mask": lambda module: _lungmask(module, recorder, whole=False),
        "lungmask.utils": _inert, "lungmask.resunet": _inert,
    }
    if tensorflow_addons:
        found.update({"tensorflow_addons": _addons, "tensorflow_addons.losses": _addons_losses,
                      "tensorflow_addons.layers": _addons_layers, "tensorflow_addons.optimizers": _addons_optimizers,
                      "tensorflow_addons.metrics": _inert})
    return found


def _package(module):
    return None


def _inert(module):
    inert_module(module)


# Colab

def _colab(module):
    for name in ("drive", "files", "output", "auth", "userdata", "data_table", "widgets"):
        importlib.import_module(f"google.colab.{name}")
    return "no Colab here: nothing is mounted, uploaded or downloaded"


def _drive(module):
    def mount(mountpoint="/content/drive", *args, **kwargs):
        print(f"{mountpoint}: not mounted; files come from --map or are made from phantoms")

    module.mount, module.flush_and_unmount = mount, lambda *args, **kwargs: None


def _files(module):
    module.upload = lambda *args, **kwargs: {}
    module.download = lambda name, *args, **kwargs: print(f"{name}: left where it is")


def _output(module):
    inert_module(module)
    module.clear = lambda *args, **kwargs: None


def _auth(module):
    module.authenticate_user = lambda *args, **kwargs: print("no Colab here: nobody is asked to sign in")


def _patches(module):
    def cv2_imshow(image):
        import matplotlib.pyplot as plt

        plt.imshow(np.asarray(image)[..., ::-1] if np.ndim(image) == 3 else image, cmap="gray")
        plt.axis("off")
        plt.show()

    module.cv2_imshow = cv2_imshow


# OpenCV and scikit-image

def _cv2(module):
    inert_module(module)
    module.addWeighted = add_weighted
    return "addWeighted is ours; anything else of OpenCV fails"


def add_weighted(src1, alpha, src2, beta, gamma, dst=None, dtype=-1):
    """``alpha * src1 + beta * src2 + gamma``, rounded and saturated where the first array holds integers."""
    first, second = np.asarray(src1), np.asarray(src2)
    total = alpha * first.astype(np.float64) + beta * second + gamma
    if np.issubdtype(first.dtype, np.integer):
        info = np.iinfo(first.dtype)
        total = np.clip(np.rint(total), info.min, info.max)
    total = total.astype(first.dtype)
    if dst is not None:
        dst[...] = total
    return total


def _skimage(module):
    inert_module(module)
    module.__version__ = "0"
    module.transform = importlib.import_module("skimage.transform")
    return "transform.resize is ours for volumes; anything else of scikit-image fails"


def _transform(module):
    inert_module(module)
    module.resize = resize_image


def resize_image(image, output_shape, order=None, mode="reflect", cval=0, clip=True, preserve_range=False,
                 anti_aliasing=None, anti_aliasing_sigma=None):
    """scikit-image's ``resize`` for floating-point images and volumes with mode "constant"."""
    from covid3dgan.data.preprocess.resize import resize
    from covid3dgan.errors import InputError

    image = np.asarray(image)
    if mode != "constant" or cval or anti_aliasing_sigma is not None or anti_aliasing is False or not clip:
        raise InputError("skimage.transform.resize", "mode='constant', anti-aliasing on (what the published code uses)",
                         f"mode={mode!r}, anti_aliasing={anti_aliasing}", "install scikit-image for the others")
    if not np.issubdtype(image.dtype, np.floating):
        raise InputError("skimage.transform.resize", "a floating-point image", f"{image.dtype}",
                         "install scikit-image, or convert the image")
    order = 1 if order is None else order
    if image.ndim == 2:
        return resize(image[None], (1, *output_shape), order)[0]
    return resize(image, tuple(output_shape), order)


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


# Lung masks

def _lungmask(module, recorder, whole=True):
    inert_module(module)

    def apply(image, *args, **kwargs):
        return lung_labels(image, recorder)

    if not whole:
        module.apply = module.apply_fused = apply
        module.get_model = lambda *args, **kwargs: None
        return None
    module.mask = importlib.import_module("lungmask.mask")
    module.LMInferer = type("LMInferer", (), {"__init__": lambda self, *args, **kwargs: None,
                                              "apply": lambda self, image, *args, **kwargs: apply(image)})
    return "the built-in lung mask in the place of the network R231"


def lung_labels(image, recorder):
    """Lung labels of a CT as lungmask's ``apply`` gives them: uint8, 1 for the right lung, 2 for the left.

    Args:
        image: (slices, rows from the front, columns from the patient's right) in HU.
    """
    from covid3dgan.data.files.geometry import axial, from_axial
    from covid3dgan.data.preprocess.chest.lung_threshold import find_lungs

    hu = np.asarray(image, np.float32)
    slices, rows, columns = hu.shape
    spacing = (350.0 / columns, 350.0 / rows, 300.0 / slices)
    recorder.emit("adaptation", "lung mask by lungmask", "by the built-in method, for a chest of "
                  "350 x 350 x 300 mm, since an array carries no spacing")
    lungs = axial(find_lungs(np.ascontiguousarray(from_axial(hu)), spacing))
    if not lungs.any():
        recorder.emit("adaptation", "lung mask by lungmask", "no lungs found in at least one volume: an empty mask")
        return np.zeros(hu.shape, np.uint8)
    sides = np.where(np.arange(columns) < columns / 2, 1, 2).astype(np.uint8)
    return np.where(lungs, sides, 0).astype(np.uint8)


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


def _addons_optimizers(module):
    from covid3dgan import compat

    inert_module(module)
    module.Lookahead = compat.Lookahead


def _functions(module):
    from covid3dgan.notebooks.idioms import published_functions

    for name in published_functions.__all__:
        setattr(module, name, getattr(published_functions, name))
    return "the authors' Functions.py is not here: the same scores from their formulas (--map names your copy's folder)"
