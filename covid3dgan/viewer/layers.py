"""What lies over a CT, told by its values: labels, scores or another map, or the CT as if it were healthy."""

__all__ = ["Layer", "read_layer"]

import dataclasses

import numpy as np

from covid3dgan.data import volumes
from covid3dgan.data.files import geometry
from covid3dgan.errors import InputError

MOST_LABELS = 20
# Healthy lung is far below, any map of scores or differences far above.
_AERATED_HU = -400


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer in the CT's own voxel order.

    ``kind``: "mask" (uint8 labels), "map" (float32 from 0 up) or "healthy" (float32 HU inside the lungs). ``top``: the
    largest label or value.
    """

    name: str
    kind: str
    array: np.ndarray
    top: float


def read_layer(path, ct, lungs, name):
    """Reads a layer and finds out what it is.

    Args:
        path: a NIfTI file on the CT's grid.
        ct: ``Volume``.
        lungs: (X, Y, Z), above 0 in the lungs; None where they are not known.
        name: what the page calls it.

    Raises:
        InputError: another grid; values that are no labels, no scores and no lung in HU.
    """
    found = volumes.read_values(path)
    if found.shape != ct.shape:
        raise InputError(path, f"the CT's shape {ct.shape}", f"{found.shape}", "pass what was made from this CT")
    if not geometry.same_grid(ct.shape, ct.affine, found.shape, found.affine):
        raise InputError(path, f"the CT's grid, {geometry.describe_grid(ct.shape, ct.affine)}",
                         geometry.describe_grid(found.shape, found.affine), "pass what was made from this CT")
    array = np.nan_to_num(found.array, nan=0.0)
    low, top = float(array.min()), float(array.max())
    if np.isfinite((low, top)).all():
        inside = array if lungs is None else array[np.asarray(lungs) > 0]
        if low < _AERATED_HU and float(np.mean(inside)) < _AERATED_HU:
            return Layer(name, "healthy", array, top)
        if low >= 0 and top <= MOST_LABELS and not (array != np.rint(array)).any():
            return Layer(name, "mask", array.astype(np.uint8), top)
        if top > 0:
            return Layer(name, "map", np.maximum(array, 0, dtype=np.float32), top)
    raise InputError(path, f"labels from 0 to {MOST_LABELS}, scores, or an as-if-healthy CT in HU",
                     f"values from {low:g} to {top:g}", "pass a mask, scores or a volume of pseudo-mask")
