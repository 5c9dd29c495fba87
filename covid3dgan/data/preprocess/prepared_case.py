"""A prepared case: the four network-ready volumes of one CT, and the way back to the CT's own grid."""

__all__ = ["PreparedCase", "is_healthy", "load", "restore", "save", "stored_facts"]

import dataclasses
import json
import zipfile
from typing import Optional

import numpy as np
from scipy import ndimage

from covid3dgan.data.preprocess import resize
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path, refuse_overwrite

FORMAT = 1
_VOLUMES = ("lung", "lung_mask", "base", "infection")
_GEOMETRY = ("to_voxel", "ct_affine")


@dataclasses.dataclass(frozen=True, eq=False)
class PreparedCase:
    """What `preprocess.prepare` makes of one CT. Volumes are float32 (slices, rows, columns) in [0, 1].

    Args:
        id: the case's name.
        lung: the CT inside the lungs, 0 outside; 0 is -1000 HU, 1 is 400 HU.
        lung_mask: 1 in the lungs; with the published recipe soft at its border.
        base: the CT, lungs and all, on the same grid.
        infection: 1 in the infection; None where no mask was given.
        to_voxel: 4x4, from indices (slice, row, column) to voxel indices of the CT.
        ct_affine, ct_shape: the CT's grid.
        facts: what was done and found, as plain values (options, sizes, spacing, where the lung mask came from).
    """

    id: str
    lung: np.ndarray
    lung_mask: np.ndarray
    base: np.ndarray
    infection: Optional[np.ndarray]
    to_voxel: np.ndarray
    ct_affine: np.ndarray
    ct_shape: tuple[int, int, int]
    facts: dict

    @property
    def shape(self):
        """(slices, rows, columns)."""
        return self.lung.shape

    @property
    def affine(self):
        """4x4, from indices (slice, row, column) to RAS+ mm."""
        return self.ct_affine @ self.to_voxel

    @property
    def spacing(self):
        """Millimetres between slices, rows and columns."""
        return tuple(float(s) for s in np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0)))

    def volume(self, array):
        """An array on this case's grid as a `Volume`, for viewing beside the CT."""
        return Volume(array, self.affine)


def restore(prepared, array, order=1):
    """Brings a map on a prepared case's grid back to the CT's grid; outside the crop it is 0.

    Args:
        prepared: the PreparedCase.
        array: (slices, rows, columns).
        order: of the spline: 0 for labels, 1 for probabilities and soft masks.

    Returns:
        float32 of the CT's shape (X, Y, Z), in the CT's voxel order and with its slices one after another in memory.
    """
    array = np.asarray(array, np.float32)
    if array.shape != prepared.shape:
        raise InputError(prepared.id, f"a map of the prepared shape {prepared.shape}", f"{array.shape}",
                         "drop the channel axis or prepare the case at this shape")
    # Each voxel axis follows exactly one network axis, so the way back is one matrix per axis.
    axes = [int(np.argmax(np.abs(row))) for row in prepared.to_voxel[:3, :3]]
    matrices = []
    for axis, (network_axis, size) in enumerate(zip(axes, prepared.ct_shape)):
        scale, offset = prepared.to_voxel[axis, network_axis], prepared.to_voxel[axis, 3]
        matrices.append(_samples((np.arange(size) - offset) / scale, array.shape[network_axis], order))
    return resize.apply(array.transpose(axes), matrices, layout="K")


def _samples(positions, size, order):
    """The matrix (positions, size) that samples an axis at ``positions``; beyond its outer edges it gives 0."""
    rows = np.broadcast_to(positions[:, None], (len(positions), size))
    columns = np.broadcast_to(np.arange(size, dtype=np.float64), rows.shape)
    matrix = ndimage.map_coordinates(np.eye(size), [rows, columns], order=order, mode="nearest")
    matrix[(positions < -0.5) | (positions > size - 0.5)] = 0
    return matrix


def save(prepared, path, overwrite=False):
    """Writes a prepared case as an .npz file (not compressed: it is read often), whole or not at all."""
    refuse_overwrite(path, overwrite)
    content = {name: getattr(prepared, name) for name in _VOLUMES + _GEOMETRY if getattr(prepared, name) is not None}
    text = {"format": FORMAT, "id": prepared.id, "facts": prepared.facts}
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez(handle, ct_shape=np.array(prepared.ct_shape), about=np.array(json.dumps(text)), **content)


def load(path):
    """Reads a file that `save` wrote; nothing in it is executed (no pickles)."""
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            if about["format"] != FORMAT:
                raise InputError(path, f"a prepared case of format {FORMAT}", f"format {about['format']}",
                                 "preprocess the data set again")
            arrays = {name: file[name] if name in file else None for name in _VOLUMES + _GEOMETRY}
            return PreparedCase(id=about["id"], ct_shape=tuple(int(n) for n in file["ct_shape"]),
                                facts=about["facts"], **arrays)
    except FileNotFoundError:
        raise InputError(path, "a prepared case", "nothing at that path", "check its name") from None
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(path, "a prepared case (.npz)", "a file that cannot be read as one",
                         "preprocess the case again") from error


def stored_facts(path):
    """``PreparedCase.facts`` of a file that `save` wrote, without reading its volumes."""
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["about"]))["facts"]


def is_healthy(case, path):
    """Whether the prepared case of the file ``path`` is healthy.

    A case whose data set does not say counts as COVID if it has an infection mask that is not empty, and as healthy if
    it has an empty one.
    """
    group = case.facts.get("group")
    if group is not None:
        return group in ("healthy", "CT-0")
    if case.infection is None:
        raise InputError(path, "a case known to be healthy or infected", "neither a group nor an infection mask",
                         "name the groups in cases.csv of the data set and preprocess again")
    return not case.infection.any()
