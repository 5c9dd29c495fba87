"""CT volumes in and out: one ``Volume`` for NIfTI files and DICOM folders, written back in the geometry it came in.

>>> ct = read("ct.nii.gz")                                    # doctest: +SKIP
>>> write(ct.like(mask.astype("uint8")), "mask.nii.gz")       # doctest: +SKIP
"""

__all__ = ["Volume", "read", "read_labels", "read_mask", "read_values", "write"]

import dataclasses
import os
from pathlib import Path
from typing import Any, Optional, Union

import nibabel as nib
import numpy as np

from covid3dgan.data.files import geometry, nifti
from covid3dgan.data.files.checks import check_values, from_window, warn_or_refuse
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path, refuse_overwrite

PathLike = Union[str, "os.PathLike[str]"]

_SUFFIXES = (".nii", ".nii.gz")
# The low three bits of a header's xyzt_units.
_NO_UNIT, _MILLIMETRES = 0, 2
_UNITS = {1: "metre", 3: "micrometre"}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Volume:
    """A 3D image with its place in the world. Immutable: ``like`` makes another on the same grid.

    Args:
        array: (X, Y, Z) in the file's own voxel order; float32, or uint8 for a mask (bool becomes uint8).
        affine: 4x4 float64, voxel -> RAS+ mm.
        spacing: three voxel sizes in mm; from the affine if None, and it must agree with it.
        source: the path it was read from, or None.
        header: the NIfTI header it was read with, so that it can be written back exactly; None for other origins.
    """

    array: np.ndarray
    affine: np.ndarray
    spacing: tuple[float, float, float] = None  # type: ignore[assignment]  # __post_init__ fills it
    source: Optional[str] = None
    header: Any = None

    def __post_init__(self) -> None:
        name = self.source or "volume"
        array = np.asarray(self.array)
        if array.ndim != 3 or 0 in array.shape:
            raise InputError(name, "an array with 3 axes", f"the shape {array.shape}", "pass one whole volume")
        array = array.astype(np.uint8 if array.dtype in (np.bool_, np.uint8) else np.float32, copy=False)
        affine = np.array(self.affine, np.float64)
        if not geometry.is_usable(affine):
            raise InputError(name, "an invertible 4x4 affine", f"{affine.tolist()}", "repair the geometry")
        measured = geometry.spacing(affine)
        stated = measured if self.spacing is None else tuple(float(s) for s in self.spacing)
        if not np.allclose(stated, measured, rtol=1e-3):
            raise InputError(name, f"the spacing of the affine, {measured}", f"the spacing {stated}",
                             "pass matching geometry")
        for field, value in (("array", array), ("affine", affine), ("spacing", measured)):
            object.__setattr__(self, field, value)

    def __repr__(self) -> str:
        size = " x ".join(f"{n}" for n in self.shape)
        step = " x ".join(f"{s:.3g}" for s in self.spacing)
        return f"Volume({size} {self.array.dtype}, {step} mm, {self.orientation}, source={self.source!r})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(X, Y, Z)."""
        return self.array.shape

    @property
    def orientation(self) -> str:
        """Where the voxel axes point to, such as 'RAS'."""
        return geometry.orientation_name(self.affine)

    @property
    def sform_code(self) -> int:
        """The NIfTI sform code (1: scanner) that the volume was read with or will be written with."""
        return 1 if self.header is None else int(self.header["sform_code"])

    @property
    def qform_code(self) -> int:
        """The NIfTI qform code; 0 where the axes are not at right angles, which a qform cannot hold."""
        if self.header is None:
            return int(geometry.is_orthogonal(self.affine))
        return int(self.header["qform_code"])

    def like(self, array: np.ndarray) -> "Volume":
        """Another volume on this grid, with this geometry and header.

        Args:
            array: (X, Y, Z) of this volume's shape.
        """
        if np.shape(array) != self.shape:
            raise InputError(self.source or "volume", f"an array of shape {self.shape}", f"{np.shape(array)}",
                             "bring it to this grid first")
        return dataclasses.replace(self, array=array)

    def canonical(self) -> "Volume":
        """This volume in canonical voxel order (closest to right, anterior, superior); nothing is interpolated.

        The result has no header: it is for computing, and ``from_canonical`` leads back.
        """
        return Volume(geometry.to_canonical(self.array, self.affine),
                      geometry.canonical_affine(self.affine, self.shape), source=self.source)

    def from_canonical(self, array: np.ndarray) -> "Volume":
        """An array computed on ``canonical()`` as a volume on this grid: the exact inverse."""
        return self.like(geometry.from_canonical(np.asarray(array), self.affine))


def read(path: PathLike, strict: bool = False, window: Optional[tuple[float, float]] = None,
         series: Any = None, flat: bool = False) -> Volume:
    """Reads a CT, to its last byte.

    Args:
        path: a .nii or .nii.gz file, or a folder with a DICOM series.
        strict: turn every doubt (values that cannot be HU, several series, ...) into an error.
        window: the HU that the file's lowest and highest possible values stand for, for data sets that store a
            window as 0..1 or 0..255; such values are brought back to HU, and a file in HU stays as it is.
        series: the one to read of a folder that holds several (data.files.dicom_folder.Series); else the largest.
        flat: whether a NIfTI file of a single slice is welcome, as (X, Y, 1); its values are not checked.

    Returns:
        A ``Volume`` with float32 values.

    Raises:
        InputError: one sentence for each way in which a CT can be unusable.
    """
    volume = _read(path, strict, series, flat)
    if window is not None:
        volume = volume.like(from_window(volume.array, window))
    if flat and 1 in volume.shape:
        return volume
    check_values(path, volume.array, strict)
    return volume


def read_values(path: PathLike, strict: bool = False) -> Volume:
    """Reads a volume whatever its values are: scores, labels, differences. ``read`` and ``read_mask`` check them.

    Returns:
        A ``Volume`` with float32 values.
    """
    return _read(path, strict)


def read_labels(path: PathLike, strict: bool = False, flat: bool = False) -> Volume:
    """Reads a label map.

    Returns:
        A ``Volume`` whose float32 array holds whole labels from 0 up; they may be all 0.

    Raises:
        InputError: where the values are anything else.
    """
    volume = _read(path, strict, flat=flat)
    low, high = float(volume.array.min()), float(volume.array.max())
    if not np.isfinite((low, high)).all() or low < 0 or (volume.array != np.rint(volume.array)).any():
        raise InputError(path, "a mask with whole labels, 0 for background", f"values from {low:g} to {high:g}",
                         "pass a label map")
    return volume


def read_mask(path: PathLike, strict: bool = False, flat: bool = False) -> Volume:
    """Reads a mask or label map as a mask: 1 where the file's label is above 0, else 0.

    Returns:
        A ``Volume`` with a uint8 array of 0 and 1; it may be empty.
    """
    labels = read_labels(path, strict, flat)
    return labels.like(labels.array > 0)


def write(volume: Volume, path: PathLike, overwrite: bool = False) -> None:
    """Writes a .nii or .nii.gz file, reads it back and compares; on any difference nothing is left at ``path``.

    Masks (uint8) are stored as uint8, whole numbers of 16 bits as int16, everything else as float32. The same
    volume gives the same bytes.

    Args:
        volume: a ``Volume``; where it came from a NIfTI file its shape, affine and sform/qform codes are kept.
        path: must end in .nii or .nii.gz.
        overwrite: whether an existing file may be replaced.
    """
    path = Path(path)
    if not path.name.endswith(_SUFFIXES):
        raise InputError(path, "a name that ends in .nii or .nii.gz", f"the name {path.name!r}", "rename the output")
    refuse_overwrite(path, overwrite)
    stored = _stored(volume.array)
    content = nifti.encode(stored, _header(volume), compress=path.name.endswith(".gz"))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
        _compare(path, temporary, stored, volume)


def _read(path, strict, series=None, flat=False):
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(path, "a NIfTI file or a DICOM folder", "nothing at that path", "check its name")
        if path.is_dir() or series is not None:
            from covid3dgan.data.files import dicom  # pydicom is loaded only where it is needed
            read = series.read(strict) if series is not None else dicom.read_series(path, strict)
            return Volume(*read, source=str(path))
        array, header = nifti.read_nifti(path, flat)
    except PermissionError:
        raise InputError(path, "a file that may be read", "no permission", "change its access rights") from None
    except OSError as error:
        raise InputError(path, "a file that can be read", f"a failing one ({error.strerror or error})",
                         "check the disk or the network") from None
    _doubt_geometry(path, header, strict)
    return Volume(array, _affine(path, header), source=str(path), header=header)


def _affine(path, header):
    try:
        affine = header.get_best_affine()
        usable = geometry.is_usable(affine)
    except (ValueError, nib.spatialimages.HeaderDataError):  # a quaternion of another length than 1
        usable = False
    if not usable:
        raise InputError(path, "an invertible affine", "a singular or damaged one", "repair its sform and qform")
    return affine


def _doubt_geometry(path, header, strict):
    if not (header["sform_code"] or header["qform_code"]):
        warn_or_refuse(path, "an orientation (sform or qform)", "neither, so left and right are a guess",
                       "set its orientation", strict)
    unit = int(header["xyzt_units"]) % 8
    if unit not in (_NO_UNIT, _MILLIMETRES):
        warn_or_refuse(path, "millimetres", f"the unit {_UNITS.get(unit, f'code {unit}')}, taken as millimetres",
                       "check its spacing", strict)


def _stored(array):
    """The array in the type it is written in; always without loss."""
    if array.dtype == np.uint8:
        return array
    limits = np.iinfo(np.int16)
    whole = limits.min <= array.min() and array.max() <= limits.max and not (array != np.rint(array)).any()
    return array.astype(np.int16 if whole else np.float32)


def _header(volume):
    if volume.header is not None:
        header = volume.header.copy()
        for field in ("cal_min", "cal_max", "intent_code", "intent_p1", "intent_p2", "intent_p3"):
            header[field] = 0
        return header
    header = nib.Nifti1Header()
    header.set_data_shape(volume.shape)
    header.set_zooms(volume.spacing)
    header.set_sform(volume.affine, volume.sform_code)
    if volume.qform_code:
        header.set_qform(volume.affine, volume.qform_code)
    header.set_xyzt_units("mm")
    return header


def _compare(path, written, stored, volume):
    array, header = nifti.read_nifti(written, flat=True)
    same = (array.shape == volume.shape
            and (np.array_equal(array, stored) or np.array_equal(array, stored, equal_nan=True))  # the second is slow
            and np.allclose(header.get_best_affine(), volume.affine, rtol=1e-5, atol=1e-4)
            and np.allclose(header["pixdim"][1:4], (volume.header or header)["pixdim"][1:4], rtol=1e-5)
            and int(header["sform_code"]) == volume.sform_code and int(header["qform_code"]) == volume.qform_code)
    if not same:
        raise InputError(path, "the written file to equal its volume", "another shape, affine, code or value",
                         "report this with the input file")
