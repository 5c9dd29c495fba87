"""Lung masks of a chest CT: a given mask, a built-in method, or the network R231 of the optional lungmask package."""

__all__ = ["METHODS", "lung_mask_for", "segment_lungs"]

METHODS = ("threshold", "lungmask")


def segment_lungs(volume, method="threshold"):
    """The lungs of a chest CT, lesions and vessels included, trachea and main bronchi left out.

    Args:
        volume: a ``Volume`` in HU.
        method: ``threshold``, the built-in method, or ``lungmask``, the network R231 of that optional package.

    Returns:
        uint8 (X, Y, Z) in the volume's own voxel order, 1 in the lungs.
    """
    raise NotImplementedError


def lung_mask_for(volume, mask=None, method="threshold"):
    """The lung mask to use for a CT: the given one where there is one, else ``segment_lungs``.

    Args:
        volume: a ``Volume`` in HU.
        mask: a ``Volume`` on the same grid, above 0 in the lungs; None to segment.
        method: see ``segment_lungs``.

    Returns:
        uint8 (X, Y, Z) in the volume's own voxel order, 1 in the lungs.
    """
    raise NotImplementedError
