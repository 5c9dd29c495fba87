"""The functions of OpenCV and scikit-image that the published notebooks call, where those are not installed."""

__all__ = ["IMAGING", "add_weighted", "resize_image"]

import importlib

import numpy as np

from covid3dgan.notebooks.idioms.inert import inert_module


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


IMAGING = {
    "cv2": _cv2, "skimage": _skimage, "skimage.transform": _transform,
    **{f"skimage.{name}": inert_module for name in ("data", "filters", "io", "measure", "morphology", "util", "color",
                                                    "exposure", "segmentation", "metrics")},
}
