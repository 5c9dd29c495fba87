"""How volumes lie in the page: cut to the lungs, coarser where they would be too large, one byte a voxel, gzip, base64.
"""

__all__ = ["HU_LOW", "HU_STEP", "Frame", "encode", "frame_for", "in_bytes", "of_hu"]

import base64
import dataclasses
import gzip

import nibabel as nib
import numpy as np

# One byte reaches from -1024 to 506 HU in steps of 6: below the noise of a chest CT, and wide enough for the windows
# of lung and soft tissue. Bone above that is white in both.
HU_LOW, HU_STEP = -1024, 6
MARGIN_MM = 12.0  # around the lungs: the chest wall beside them
# Scanner noise hardly compresses: higher levels take longer and save little.
_LEVEL = 6


@dataclasses.dataclass(frozen=True)
class Frame:
    """The part of a canonical (RAS+) grid that is shown, and how many of its voxels become one, per axis."""

    part: tuple[slice, slice, slice]
    factors: tuple[int, int, int]
    affine: np.ndarray

    def mean(self, array):
        """The part of (X, Y, Z), blocks averaged, float32."""
        return self._blocks(np.asarray(array, np.float32)).mean((1, 3, 5), dtype=np.float32)

    def largest(self, array):
        """The part of (X, Y, Z), the largest label of each block: a small lesion stays."""
        return self._blocks(array).max((1, 3, 5))

    def coarser(self):
        """The same part with the finest axis taken twice as coarse."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(0))
        factors = list(self.factors)
        factors[int(np.argmin(sizes))] *= 2
        return _frame(self.part, tuple(factors), _undo(self))

    def _blocks(self, array):
        cut = array[self.part]
        f = self.factors
        padded = np.pad(cut, [(0, -n % step) for n, step in zip(cut.shape, f)], mode="edge")
        x, y, z = (n // step for n, step in zip(padded.shape, f))
        return padded.reshape(x, f[0], y, f[1], z, f[2])


def frame_for(volume, lungs=None, margin=MARGIN_MM):
    """The :class:`Frame` of a canonical ``Volume``: lungs (X, Y, Z) with a margin in mm, or all of it."""
    part = tuple(slice(0, n) for n in volume.shape)
    if lungs is not None:
        inside = [np.flatnonzero(np.asarray(lungs).any(axes)) for axes in ((1, 2), (0, 2), (0, 1))]
        margins = [int(np.ceil(margin / step)) for step in volume.spacing]
        part = tuple(slice(max(0, int(i[0]) - m), min(n, int(i[-1]) + m + 1))
                     for i, m, n in zip(inside, margins, volume.shape))
    return _frame(part, (1, 1, 1), volume.affine)


def of_hu(array):
    """HU as bytes (see ``HU_LOW``)."""
    return np.clip(np.rint((array - HU_LOW) / HU_STEP), 0, 255).astype(np.uint8)


def in_bytes(array, top):
    """0..top as bytes 0..255; what is above 0 stays above 0."""
    if top <= 0:
        return np.zeros(array.shape, np.uint8)
    scaled = np.clip(array / top, 0.0, 1.0) * 255.0
    return np.where(array > 0, np.maximum(1, np.rint(scaled)), 0).astype(np.uint8)


def encode(array, affine, slope=1.0, intercept=0.0):
    """The base64 text of a .nii.gz file: uint8 (X, Y, Z), whose values are slope * byte + intercept."""
    header = nib.Nifti1Header()
    header.set_data_shape(array.shape)
    header.set_data_dtype(np.uint8)
    header.set_zooms(np.sqrt((affine[:3, :3] ** 2).sum(0)))
    header.set_sform(affine, 1)
    header.set_slope_inter(slope, intercept)
    header.set_xyzt_units("mm")
    header["magic"], header["vox_offset"] = header.single_magic, header.single_vox_offset
    raw = header.binaryblock + b"\0" * (header.single_vox_offset - len(header.binaryblock)) + array.tobytes(order="F")
    return base64.b64encode(gzip.compress(raw, _LEVEL, mtime=0)).decode("ascii")


def _frame(part, factors, affine):
    """``affine`` is the whole grid's; the first block's centre lies half a block inside the part."""
    start = np.array([p.start for p in part]) + (np.array(factors) - 1) / 2
    moved = np.array(affine, np.float64)
    moved[:3, 3] = moved[:3, :3] @ start + moved[:3, 3]
    moved[:3, :3] = moved[:3, :3] * np.array(factors)
    return Frame(part, factors, moved)


def _undo(frame):
    """The affine of the whole grid that a frame was made for."""
    factors = np.array(frame.factors)
    affine = np.array(frame.affine)
    affine[:3, :3] = affine[:3, :3] / factors
    affine[:3, 3] -= affine[:3, :3] @ (np.array([p.start for p in frame.part]) + (factors - 1) / 2)
    return affine
