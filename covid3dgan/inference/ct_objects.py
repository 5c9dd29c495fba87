"""CTs as people hold them: paths, Volumes, arrays with an affine, nibabel's images, SimpleITK's and ITK's."""

__all__ = ["as_ct", "as_mask"]

import importlib
import os

import numpy as np

from covid3dgan.data import volumes
from covid3dgan.data.slice_image import SliceImage, from_volume
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import find_inputs
from covid3dgan.inference.slices import read_ct

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # ITK's world runs to the left and back, as DICOM's does
_ITK = ("GetSpacing", "GetDirection", "GetOrigin")


def as_ct(ct, window=None, turned=None):
    """A ``Volume`` in HU, float32, its values checked as those of a file are; or the ``SliceImage`` of a single slice.

    Args:
        ct: a path of one CT or slice as ``predict`` takes it, a Volume, a SliceImage, a pair (array (X, Y, Z), affine
            4x4 voxel -> RAS+ mm), an image of nibabel, or one with GetSpacing, GetDirection and GetOrigin as
            SimpleITK's and ITK's have them.
        window, turned: of a picture, see data.slice_image.read_picture.
    """
    if isinstance(ct, SliceImage):
        return ct
    if isinstance(ct, (str, os.PathLike)):
        return _read(ct, window, turned)
    volume = _as_volume(ct, "ct")
    if 1 in volume.shape:
        return from_volume(volume)
    volumes.check_values(volume.source or "ct", volume.array)
    return volume


def _read(path, window, turned):
    found = find_inputs(path)
    if len(found) > 1:
        names = ", ".join(item.id for item in found[:5])
        raise InputError(path, "one CT", f"{len(found)} ({names})", "pass one of them, or use covid3dgan predict")
    if found[0].problem is not None:
        raise found[0].problem
    return read_ct(found[0], window, turned)


def as_mask(mask):
    """A mask in any of the forms of ``as_ct`` as a Volume of 0 and 1."""
    if isinstance(mask, (str, os.PathLike)):
        return volumes.read_mask(mask, flat=True)
    volume = _as_volume(mask, "lungs")
    return volume.like(volume.array > 0)


def _as_volume(given, name):
    if isinstance(given, Volume):
        return given
    if isinstance(given, (tuple, list)) and len(given) == 2 and np.shape(given[1]) == (4, 4):
        return Volume(np.asarray(given[0]), given[1], source=name)
    if all(callable(getattr(given, method, None)) for method in _ITK):
        return _from_itk(given, name)
    if hasattr(given, "get_fdata") and getattr(given, "affine", None) is not None:
        return Volume(np.asarray(given.get_fdata(dtype=np.float32)), given.affine, source=name)
    raise InputError(name, "a path, a Volume, a pair (array, affine), or an image of nibabel or SimpleITK",
                     f"{type(given).__name__}{' without an affine' if isinstance(given, np.ndarray) else ''}",
                     "say where its voxels lie: (array, affine)")


def _from_itk(image, name):
    """The Volume of an image of SimpleITK or ITK; its index (i, j, k) stays, its world turns from LPS to RAS."""
    spacing, origin = np.array(image.GetSpacing(), np.float64), np.array(image.GetOrigin(), np.float64)
    direction = np.asarray(image.GetDirection(), np.float64)
    if spacing.shape != (3,) or direction.size != 9:
        raise InputError(name, "an image of 3 dimensions", f"one of {len(spacing)}", "pass the whole CT")
    affine = np.eye(4)
    affine[:3, :3] = direction.reshape(3, 3) * spacing  # a column for each index
    affine[:3, 3] = origin
    return Volume(np.transpose(_itk_array(image, name)), _LPS_TO_RAS @ affine, source=name)


def _itk_array(image, name):
    """The voxels (k, j, i); SimpleITK hands them out by a function of its own."""
    if hasattr(image, "__array__"):
        return np.asarray(image)
    module = importlib.import_module(type(image).__module__.split(".")[0])
    if not hasattr(module, "GetArrayViewFromImage"):
        raise InputError(name, "an image that numpy can read", f"one of {module.__name__}", "pass (array, affine)")
    return module.GetArrayViewFromImage(image)
