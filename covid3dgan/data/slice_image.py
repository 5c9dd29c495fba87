"""A single axial slice of a chest CT: from a picture, a DICOM file or a 2D NIfTI, upright and in HU, and the way back.

>>> image = read_picture("slice.png")                           # doctest: +SKIP
>>> image.back(image.upright < -500)                          # doctest: +SKIP
"""

__all__ = ["SliceImage", "from_volume", "read_picture"]

import dataclasses
from typing import Any, Callable, Optional

import numpy as np

from covid3dgan.data.files import images
from covid3dgan.data.files.checks import check_values, hu_problem, warn_or_refuse
from covid3dgan.data.preprocess.picture_scale import estimate_window
from covid3dgan.data.preprocess.slice_turn import TURNED, find_turn, turned_back, upright
from covid3dgan.errors import InputError, check_choice


@dataclasses.dataclass(frozen=True)
class SliceImage:
    """One axial slice.

    Attributes:
        upright: (rows, columns) float32 HU, the patient's front up and right side on the left.
        spacing: mm between rows and between columns; None where the file does not say.
        back: brings a map on ``upright`` to the layout of the file: (H, W) of a picture, else (X, Y, 1).
        facts: where HU came from and how the slice lay.
        source: its file.
        volume: the Volume (X, Y, 1) that it was read from; None for a picture.
    """

    upright: np.ndarray
    spacing: Optional[tuple[float, float]]
    back: Callable[[np.ndarray], np.ndarray]
    facts: dict
    source: str
    volume: Any = None


def read_picture(path, window=None, turned=None):
    """The ``SliceImage`` of a PNG, JPEG or other image file.

    Args:
        path: the file; grey.
        window: the HU that black and white stand for; estimated from the picture, with a warning, if None. Of pictures
            of more than 8 bits the darkest and the brightest pixel count as black and white.
        turned: where the patient's front points to, "left" or "right", or "no" (up); found, with a warning, if None.
    """
    values, top = images.read_slice(path)
    low, high = (0.0, top) if top is not None else (float(values.min()), float(values.max()))
    if min(values.shape) < images.SMALLEST_SIDE:
        raise InputError(path, f"a slice of at least {images.SMALLEST_SIDE} x {images.SMALLEST_SIDE} pixels",
                         f"{values.shape[1]} x {values.shape[0]}", "pass the whole slice")
    if values.max() == values.min():
        raise InputError(path, "a picture of a CT slice", f"the same value {values.min():g} in every pixel",
                         "pass another picture")
    hu, facts = _in_hu((values - low) / (high - low), path, window)
    if turned is None:
        turned = find_turn(hu)
        if turned != "no":
            warn_or_refuse(path, "the patient's front up", f"a slice on its side, the front to the {turned}, as it "
                           "seems; turned, and its mask turned back", "say --turned no if it is upright")
    check_choice("--turned", turned, TURNED)
    return SliceImage(upright(hu, turned), None, lambda array: turned_back(array, turned),
                      {**facts, "turned": turned}, str(path))


def from_volume(volume):
    """The ``SliceImage`` of a Volume of one axial slice; values that are no HU are estimated as a picture's are."""
    canonical, path = volume.canonical(), volume.source or "slice"
    if canonical.shape[2] != 1:
        raise InputError(path, "an axial slice", f"one of {'x'.join(map(str, canonical.shape))} voxels (right,"
                         " front, up)",
                         "pass axial slices, or the whole CT")
    low, high = float(volume.array.min()), float(volume.array.max())
    hu, facts = canonical.array, {"hu": "as stored"}
    if np.isfinite((low, high)).all() and low < high and hu_problem(low, high):
        hu, facts = _in_hu((hu - low) / (high - low), path, None)
    else:
        check_values(path, volume.array)
    return SliceImage(np.ascontiguousarray(hu[::-1, ::-1, 0].T), tuple(canonical.spacing[1::-1]),
                      lambda array: volume.from_canonical(np.asarray(array).T[::-1, ::-1, None]).array,
                      {**facts, "turned": "no"}, str(path), volume)


def _in_hu(grey, path, window):
    """HU of values in [0, 1], and what the record says of it."""
    source = "--window"
    if window is None:
        shape = grey.shape
        low, high = window = estimate_window(grey.reshape([n for n in shape if n > 1]), path)
        source = "estimated from the picture"
        warn_or_refuse(path, "Hounsfield units", f"grey values, taken as {low:.0f} HU (black) to {high:.0f} HU "
                       "(white) by the air, lung and soft tissue that the picture shows",
                       "say --window LOW HIGH if you know it")
    low, high = (float(value) for value in window)
    return (low + grey * (high - low)).astype(np.float32), {"hu": source, "hu_window": [round(low, 1), round(high, 1)]}
