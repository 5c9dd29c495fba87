"""What a CT's values must be, and the one way to voice a doubt: a warning, or an error under ``strict``."""

__all__ = ["check_memory", "check_values", "warn_or_refuse", "from_window", "hu_problem"]

import warnings

import numpy as np

from covid3dgan.data.files.memory import available_memory
from covid3dgan.errors import InputError, InputWarning, sentence

# Padding goes down to -32768 and metal on an extended scale up to 32767; nothing else reaches beyond 16 bits.
HU_LIMITS = (-32768, 65535)


def warn_or_refuse(subject, expected, found, action, strict=False):
    """Warns InputWarning with the house sentence, or raises InputError with it where ``strict``."""
    if strict:
        raise InputError(subject, expected, found, action)
    warnings.warn(InputWarning(sentence(subject, expected, found, action)), stacklevel=3)


def hu_problem(low, high):
    """Why values between ``low`` and ``high`` cannot be the Hounsfield units of a chest CT; None where they can.

    A chest holds air near -1000 HU, so a volume without negative values is not in HU.
    """
    span = f"values from {low:g} to {high:g}"
    if -1 <= low and high <= 1:
        return f"{span} (a normalised image)"
    if low >= 0 and high <= 255:
        return f"{span} (an 8-bit image)"
    if low >= 0:
        return f"{span} (stored values without the rescale intercept, as it seems)"
    if low < HU_LIMITS[0] or high > HU_LIMITS[1]:
        return f"{span} (beyond what any CT stores)"
    return None


def from_window(array, window):
    """HU from values that hold a window of HU as 0..1 or 0..255; values outside 0..255 are HU already.

    Args:
        array: any shape.
        window: (HU of value 0, HU of the highest value).
    """
    low, high = float(array.min()), float(array.max())
    if not 0 <= low < high <= 255:
        return array
    return window[0] + array * ((window[1] - window[0]) / (1 if high <= 1 else 255))


def check_values(path, array, strict=False):
    """Raises InputError where a CT's values are not finite or all the same; doubts those that cannot be HU."""
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
        raise InputError(path, "finite values", f"{nan} NaN and {inf} Inf among {array.size} voxels",
                         "repair the volume or export it again")
    if low == high:
        raise InputError(path, "a CT", f"the same value {low:g} in every voxel", "export the volume again")
    unlikely = hu_problem(low, high)
    if unlikely:
        warn_or_refuse(path, "Hounsfield units, with air near -1000", unlikely, "convert it back to HU", strict)


def check_memory(path, needed):
    """Raises InputError if ``needed`` bytes are more than the machine has free."""
    free = available_memory()
    if free is not None and needed > free:
        raise InputError(path, "a volume that fits into the free memory",
                         f"a header that asks for {_gigabytes(needed)} where {_gigabytes(free)} are free",
                         "check the header or use a larger machine")


def _gigabytes(count):
    """A byte count for people: '3.2 GB'."""
    return f"{count / 1e9:.1f} GB"
