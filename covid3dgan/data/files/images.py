"""Two-dimensional images: PNG, JPEG, TIFF, BMP and GIF in, grey values in [0, 1] out; masks in and out.

    >>> image = read("smear.png")                # (H, W) float32 in [0, 1]
    >>> write_mask(image < 0.5, "smear_mask.png")
"""

__all__ = ["CHANNELS", "SMALLEST_SIDE", "SUFFIXES", "centre_square", "read", "read_labels", "read_mask",
           "read_slice", "resize",
           "write", "write_mask"]

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from covid3dgan.errors import ArgumentError, InputError, InputWarning
from covid3dgan.files import atomic_path, refuse_overwrite

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif")
CHANNELS = ("grey", "green")
SMALLEST_SIDE = 16
# Colours may differ by this much in a grey JPEG; more than this share of coloured pixels is no annotation.
_GREY, _ANNOTATED = 12, 0.01


def read(path, channel="grey"):
    """An image file as grey values.

    Args:
        path: a file with one of ``SUFFIXES``.
        channel: "grey" is the luminance of a colour image, "green" its green channel (retinas).

    Returns:
        (H, W) float32 in [0, 1]. 8-bit values are divided by 255. Deeper ones (10 to 16 bits, or floats) do not say
        how many of their bits are used, so they are stretched to their own range.
    """
    if channel not in CHANNELS:
        raise ArgumentError("channel", " or ".join(CHANNELS), repr(channel), "choose one of them")
    image = _open(path)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _without_alpha(image, path)
    if image.mode in ("1", "L"):
        values = np.asarray(image.convert("L"), np.float32) / 255.0
    elif image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = _stretched(np.asarray(image).astype(np.float64), path)
    else:
        colour = image.convert("RGB")
        values = np.asarray(colour.getchannel("G") if channel == "green" else colour.convert("L"), np.float32) / 255.0
    if min(values.shape) < SMALLEST_SIDE:
        raise InputError(path, f"an image of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels",
                         f"{values.shape[1]} x {values.shape[0]}", "use a larger image")
    if values.max() - values.min() < 1e-6:
        warnings.warn(InputWarning(f"{path}: every pixel has the same value"), stacklevel=2)
    return values


def read_slice(path):
    """A picture of a CT slice as it is stored.

    Returns:
        (values, top): (H, W) float32, and what white is stored as; None for pictures of more than 8 bits, which do not
        say how many of them they use.
    """
    image = _open(path)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _without_alpha(image, path)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32)
        if not np.isfinite(values).all():
            raise InputError(path, "finite values", "NaN or Inf", "mend the image first")
        return values, None
    colours = np.asarray(image.convert("RGB"), np.int16)
    coloured = np.mean(np.ptp(colours, axis=2) > _GREY)
    if coloured > _ANNOTATED:
        raise InputError(path, "a grey picture of a CT slice", f"a colour picture ({coloured:.0%} of it is coloured)",
                         "pass the CT itself, or the picture without its overlay")
    return np.asarray(image.convert("L"), np.float32), 255.0


def read_mask(path, shape=None):
    """A mask file as (H, W) bool: every value above half of the largest is foreground.

    Args:
        shape: of the image that it belongs to; checked where given.
    """
    image = _open(path)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = _without_alpha(image, path)
    values = np.asarray(image.convert("L") if image.mode not in ("I", "F", "I;16") else image)
    if shape is not None and values.shape != tuple(shape):
        raise InputError(path, f"a mask of its image's size {shape[1]} x {shape[0]}",
                         f"{values.shape[1]} x {values.shape[0]}", "pair the files anew or resample the mask")
    levels = np.unique(values)
    top = float(values.max())
    if len(levels) > 2 and np.mean((values > 0.1 * top) & (values < 0.9 * top)) > 0.05:
        warnings.warn(InputWarning(f"{path}: more than 5 % of the mask is neither near 0 nor near its largest value "
                                   f"({top:g}); it is cut at half of it"), stacklevel=2)
    return values > top / 2.0 if top > 0 else np.zeros(values.shape, bool)


def read_labels(path):
    """A label image as (H, W) integers, as they are stored (0 and 255; 0, 38 and 75; palette indices); may be empty."""
    image = _open(path)
    labels = np.asarray(image)
    if labels.ndim == 3 and (labels[..., :3] == labels[..., :1]).all():
        labels = labels[..., 0]
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise InputError(path, "one whole label per pixel", f"pixels of mode {image.mode}",
                         "save the labels as grey values")
    return labels.astype(np.uint8) if labels.dtype == bool else labels


def _open(path):
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(path, f"an image file ({', '.join(SUFFIXES)})", f"the suffix {path.suffix!r}",
                         "convert the file or name another")
    if not path.is_file():
        raise InputError(path, "an image file", "no such file", "check the path")
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            image = image.copy()
    except (OSError, UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(path, "a whole image file", f"one that cannot be read ({error})",
                         "restore or convert the file") from error
    if frames > 1:
        raise InputError(path, "one image", f"{frames} pages", "save each page as its own file")
    return image


def _without_alpha(image, path):
    """Colours of an image whose alpha channel says nothing; a meaningful one cannot be ignored."""
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if alpha.min() < 255:
        raise InputError(path, "opaque pixels", f"an RGBA image that is transparent in {np.mean(alpha < 255):.1%} of "
                         "its pixels", "flatten it onto a background first")
    return image.convert("RGB")


def _stretched(values, path):
    if not np.isfinite(values).all():
        raise InputError(path, "finite values", "NaN or Inf", "mend the image first")
    low, high = float(values.min()), float(values.max())
    return ((values - low) / max(high - low, 1e-12)).astype(np.float32)


def write(image, path, overwrite=False):
    """Writes (H, W) or (H, W, 3) values in [0, 1] as an 8-bit image, whole or not at all."""
    refuse_overwrite(path, overwrite)
    pixels = np.rint(np.clip(np.asarray(image, np.float64), 0.0, 1.0) * 255.0).astype(np.uint8)
    with atomic_path(path) as temporary:
        Image.fromarray(pixels).save(temporary)


def write_mask(mask, path, overwrite=False):
    """Writes a (H, W) bool mask as 0 and 255."""
    if Path(path).suffix.lower() in (".jpg", ".jpeg"):
        raise InputError(path, "a lossless format for a mask", "JPEG", "use .png")
    write(np.asarray(mask, bool), path, overwrite)


def centre_square(array):
    """The centred square of an (H, W) array: paper 003 cuts the two side margins of its 1920 x 1080 smears."""
    side = min(array.shape)
    top, left = ((length - side) // 2 for length in array.shape)
    return array[top:top + side, left:left + side]


def resize(array, shape):
    """An (H, W) array at another size: area means for images when shrinking, nearest for masks (bool)."""
    if array.shape == tuple(shape):
        return array
    size = (int(shape[1]), int(shape[0]))
    if array.dtype == bool:
        return np.asarray(Image.fromarray(array.astype(np.uint8)).resize(size, Image.NEAREST)) > 0
    shrinking = shape[0] <= array.shape[0] and shape[1] <= array.shape[1]
    method = Image.BOX if shrinking else Image.BILINEAR
    return np.asarray(Image.fromarray(np.asarray(array, np.float32)).resize(size, method))
