"""Lung masks of a chest CT: a given mask, a built-in method, or the network R231 of the optional lungmask package."""

__all__ = ["METHODS", "lung_mask_for", "method_here", "segment_lungs"]

import importlib.util

import numpy as np

from covid3dgan.data.files import geometry
from covid3dgan.data.preprocess.chest.lung_threshold import find_lungs
from covid3dgan.errors import InputError, check_choice

METHODS = ("threshold", "lungmask", "lungmask-if-installed")


def method_here(method):
    """The method that ``method`` stands for on this machine: ``threshold`` or ``lungmask``."""
    check_choice("method", method, METHODS)
    if method != "lungmask-if-installed":
        return method
    return "threshold" if importlib.util.find_spec("lungmask") is None else "lungmask"


def segment_lungs(volume, method="threshold"):
    """The lungs of a chest CT, lesions and vessels included, trachea and main bronchi left out.

    Args:
        volume: a ``Volume`` in HU.
        method: ``threshold``, the built-in method; ``lungmask``, the network R231 of that optional package; or
            ``lungmask-if-installed``, see :func:`method_here`.

    Returns:
        uint8 (X, Y, Z) in the volume's own voxel order and layout in memory, 1 in the lungs.

    Raises:
        InputError: where no lungs are found, or where ``lungmask`` cannot be used.
    """
    network = method_here(method) == "lungmask"
    canonical = volume.canonical()
    found = _network_mask(canonical) if network else find_lungs(canonical.array, canonical.spacing)
    if not found.any():
        raise InputError(volume.source or "volume", "a chest CT in HU with air-filled lungs", "no lungs",
                         "check that it is a CT of the chest in HU, or pass a lung mask")
    return volume.from_canonical(found).array.copy(order="K")


def lung_mask_for(volume, mask=None, method="threshold"):
    """The lung mask to use for a CT: the given one where there is one, else that of ``segment_lungs``.

    Args:
        volume: a ``Volume`` in HU.
        mask: a ``Volume`` on the same grid, above 0 in the lungs; None to segment.
        method: see ``segment_lungs``.

    Returns:
        uint8 (X, Y, Z) in the volume's own voxel order, 1 in the lungs.

    Raises:
        InputError: where a given mask lies on another grid or is empty.
    """
    if mask is None:
        return segment_lungs(volume, method)
    subject = mask.source or "lung mask"
    if mask.shape != volume.shape:
        raise InputError(subject, f"the CT's shape {volume.shape}", f"{mask.shape}", "pass the mask of this CT")
    if not geometry.same_grid(volume.shape, volume.affine, mask.shape, mask.affine):
        raise InputError(subject, f"the CT's grid, {geometry.describe_grid(volume.shape, volume.affine)}",
                         geometry.describe_grid(mask.shape, mask.affine), "bring the mask onto the CT's grid")
    given = (mask.array > 0).astype(np.uint8)
    if not given.any():
        raise InputError(subject, "a lung mask", "no voxel above 0", "pass another mask or none to segment the lungs")
    return given


def _network_mask(canonical):
    """Lungs (X, Y, Z) bool of a ``Volume`` in canonical order by lungmask's R231 (Hofmanninger et al. 2020)."""
    try:
        from lungmask import LMInferer
    except ImportError:
        raise InputError("method", "the package lungmask for the method 'lungmask'", "it is not installed",
                         "run pip install 'covid3dgan[lungmask]', or use the method 'threshold'") from None
    slices = np.ascontiguousarray(geometry.axial(canonical.array))
    try:
        labels = LMInferer(modelname="R231", tqdm_disable=True).apply(slices)
    except OSError as error:
        raise InputError("method", "the weights of lungmask's network R231", f"no way to load them ({error})",
                         "download them once where there is a network, or use the method 'threshold'") from None
    return geometry.from_axial(np.asarray(labels) > 0)
