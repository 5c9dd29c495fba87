"""The grid between a CT and the network's volumes: in the network's frame, at the recipe's spacing."""

__all__ = ["NetworkGrid"]

import numpy as np

from covid3dgan.data.files import geometry
from covid3dgan.data.preprocess import frame, resize

ZOOM_ORDER = 3  # of the spline that changes the spacing, as published
MASK_THRESHOLD = 0.5
# Samples whose weights on a mask's own extent sum to less than this are 0 to any later threshold: not computed.
NEGLIGIBLE = 1e-6


class NetworkGrid:
    """Samples arrays of one CT's grid in the network's frame, (slices, rows, columns).

    Args:
        volume: the CT's `Volume`; only its shape and affine are used.
        options: `preprocess.PreprocessOptions`.
    """

    def __init__(self, volume, options):
        self.options, self.ct_shape, self.ct_affine = options, volume.shape, volume.affine
        seen, self.to_voxel = frame.view(volume.array, volume.affine, options.orientation)
        sizes = seen.shape
        spacing = geometry.spacing(self.affine)
        matrices = [None] * 3
        if options.orientation == "rotate":
            # The notebook's rotation keeps the array's shape (F10): rows and columns of a CT that is not square are cut
            # or filled to each other's number, and its zoom takes their spacings in the order before the rotation.
            rotated = (sizes[0], sizes[2], sizes[1])
            matrices = [None if size == new else resize.centre_matrix(size, new, ZOOM_ORDER)
                        for size, new in zip(sizes, rotated)]
            self.to_voxel = self.to_voxel @ frame.centre_step(sizes, rotated)
            sizes, spacing = rotated, (spacing[0], spacing[2], spacing[1])
        zoomed = [size if wanted is None else max(1, int(np.round(size * step / wanted)))
                  for size, step, wanted in zip(sizes, spacing, options.spacing)]
        self.matrices = [_chain(matrix, None if size == new else resize.zoom_matrix(size, new, ZOOM_ORDER))
                         for matrix, size, new in zip(matrices, sizes, zoomed)]
        self.to_voxel = self.to_voxel @ frame.zoom_step(sizes, zoomed)
        self.shape = tuple(zoomed)
        if options.resize_before_crop:
            self.shape = resize.normalised_shape(options.shape)
            self.to_voxel = self.to_voxel @ frame.resize_step(zoomed, self.shape)

    @property
    def affine(self):
        """4x4, from this grid's indices to RAS+ mm."""
        return self.ct_affine @ self.to_voxel

    @property
    def spacing(self):
        """Millimetres between slices, rows and columns."""
        return geometry.spacing(self.affine)

    def sample(self, array, box=None):
        """A CT array (X, Y, Z) on this grid, or on its part ``box`` (three slices)."""
        seen = frame.view(array, self.ct_affine, self.options.orientation)[0]
        if self.options.resize_before_crop:
            resampled = resize.resize(resize.apply(seen, self.matrices), self.shape)
            return resampled if box is None else resampled[box]
        matrices = self.matrices
        if box is not None:
            seen = seen[tuple(side if matrix is None else slice(None) for matrix, side in zip(matrices, box))]
            matrices = [None if matrix is None else matrix[side] for matrix, side in zip(matrices, box)]
        return resize.apply(seen, matrices)

    def sample_mask(self, mask):
        """A bool mask (X, Y, Z) on this grid, cut at 0.5: bool. Only the part around its voxels is computed."""
        seen = frame.view(mask, self.ct_affine, self.options.orientation)[0]
        if not self.options.resize_before_crop and all(matrix is None for matrix in self.matrices):
            return np.ascontiguousarray(seen)
        extent = _extent(seen)
        if extent is None:
            return np.zeros(self.shape, bool)
        parts, rows, sizes = [], [], []
        for matrix, side, size in zip(self.matrices, extent, seen.shape):
            part = (np.eye(size) if matrix is None else matrix)[:, side]
            touched = np.flatnonzero(np.abs(part).sum(axis=1) > NEGLIGIBLE)
            row = slice(int(touched[0]), int(touched[-1]) + 1)
            parts.append(part[row])
            rows.append(row)
            sizes.append(part.shape[0])
        values = resize.apply(seen[extent], parts)
        if self.options.resize_before_crop:
            whole = np.zeros(sizes)
            whole[tuple(rows)] = values
            return resize.resize(whole, self.shape) >= MASK_THRESHOLD
        sampled = np.zeros(sizes, bool)
        sampled[tuple(rows)] = values >= MASK_THRESHOLD
        return sampled

    def cropped_to_voxel(self, box, shape):
        """4x4 to the CT's voxels for this grid's part ``box`` resized to ``shape``."""
        sizes = [side.stop - side.start for side in box]
        return self.to_voxel @ frame.crop_step(box) @ frame.resize_step(sizes, shape)


def _chain(first, second):
    if first is None or second is None:
        return second if first is None else first
    return second @ first


def _extent(mask):
    """Three slices around the True voxels, or None."""
    sides = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(tuple(a for a in range(3) if a != axis)))
        if not len(occupied):
            return None
        sides.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return tuple(sides)
