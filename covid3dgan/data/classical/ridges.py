"""Ridges by elongated second derivatives: a Hessian that looks along a vessel, on an image with even contrast.

A vessel is long, its noise is not: a second derivative across it, averaged along it over three times the width, keeps
the vessel and loses noise. The largest answer over all directions takes the place of the Hessian's large eigenvalue.
"""

__all__ = ["evened", "ridges"]

import numpy as np
from scipy import fft, ndimage

from covid3dgan.errors import ArgumentError

LENGTH = 3.0  # of the Gaussian along a vessel, in widths
DIRECTIONS = 12
GROUND, CONTRAST = 1 / 30, 1 / 8  # widths of the averages, in sides of the image
MARGIN = 3.0  # of an image's mirrored surround, in widths along


def evened(image, field=None):
    """The image less its local mean, over its local standard deviation; (H, W) float32, 0 outside of the field.

    Args:
        image: (H, W).
        field: (H, W) bool, where there is image at all; None is everywhere. What is outside counts in no mean.
    """
    image = np.asarray(image, np.float32)
    inside = np.ones(image.shape, np.float32) if field is None else np.asarray(field, np.float32)
    ground, contrast = (min(image.shape) * share for share in (GROUND, CONTRAST))

    def mean(values, width):
        weight = ndimage.gaussian_filter(inside, width, mode="nearest")
        return ndimage.gaussian_filter(values * inside, width, mode="nearest") / np.maximum(weight, 1e-3)

    detail = (image - mean(image, ground)) * inside
    return detail / np.maximum(np.sqrt(mean(detail**2, contrast)), 1e-4)


def ridges(image, scales):
    """The largest answers of dark and of bright ridges over scales and directions.

    Args:
        image: (H, W), best :func:`evened`.
        scales: widths of the Gaussian across a vessel, in pixels; a vessel of radius r answers most at about r.

    Returns:
        (dark, bright): (H, W) float32 each, at least 0.
    """
    if not scales or min(scales) <= 0:
        raise ArgumentError("coarse.scales", "positive widths in pixels", f"{tuple(scales)}", "use for example 1,2,3")
    margin = int(np.ceil(MARGIN * LENGTH * max(scales)))
    margin = [(min(margin, side), min(margin, side)) for side in image.shape]
    padded = np.pad(np.asarray(image, np.float32), margin, mode="symmetric")
    shape = [fft.next_fast_len(side, real=True) for side in padded.shape]
    spectrum = fft.rfft2(padded, shape)
    down, right = np.meshgrid(2 * np.pi * fft.fftfreq(shape[0]), 2 * np.pi * fft.rfftfreq(shape[1]), indexing="ij")
    dark, bright = (np.zeros(image.shape, np.float32) for _ in range(2))
    here = tuple(slice(low, low + side) for (low, _), side in zip(margin, image.shape))
    for scale in scales:
        for direction in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
            across = scale * (right * np.cos(direction) + down * np.sin(direction))
            along = LENGTH * scale * (down * np.cos(direction) - right * np.sin(direction))
            kernel = (-across**2 * np.exp(-0.5 * (across**2 + along**2))).astype(np.float32)
            answer = fft.irfft2(spectrum * kernel, shape)[here]
            np.maximum(dark, answer, out=dark)
            np.maximum(bright, -answer, out=bright)
    return dark, bright
