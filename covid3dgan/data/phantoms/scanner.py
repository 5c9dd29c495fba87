"""The scanner of a phantom: field of view, correlated noise, and the voxel order and origin of the file."""

__all__ = ["Placement", "add_noise", "choose_grid", "choose_placement"]

from dataclasses import dataclass

import numpy as np
from scipy import fft

from covid3dgan.data.files import geometry
from covid3dgan.data.phantoms.grid import Grid

HU_LOW, HU_HIGH = -1024, 3071  # what 12-bit scanners store
# Voxel orders met in public chest CT files: slices last, up or down, rows and columns either way round.
VOXEL_ORDERS = ("LPS", "LPS", "RAS", "LAS", "RPS", "LPI", "RAI", "LAI", "PLS", "ALS", "PRI")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def choose_grid(rng, thorax, size):
    """A grid of ``size`` voxels (left-right, front-back, foot-head) round chest and couch, with a little air."""
    wide = 2 * (thorax.half_width + thorax.wall + 1.5 * thorax.fat) + rng.uniform(-14, 26)
    front = thorax.half_depth + thorax.wall + thorax.fat + (20 if thorax.female else 0) + rng.uniform(2, 16)
    back = thorax.half_depth + thorax.wall + thorax.fat + rng.uniform(12, 34)
    pixel = max(wide / size[0], (front + back) / size[1])
    below, above = rng.uniform(6, 28), rng.uniform(8, 24)
    middle = 0.5 * (back - front)
    low = (-0.5 * pixel * size[0] + rng.uniform(-6, 6), middle - 0.5 * pixel * size[1], -below)
    return Grid(low, (pixel, pixel, (thorax.height + below + above) / size[2]), tuple(size))


def add_noise(rng, hu, grid, thorax, level):
    """HU with scanner noise: correlated as filtered back-projection leaves it, stronger deep in the body.

    Args:
        hu: (X, Y, Z) float32.
        level: standard deviation in HU at the centre of the chest, for voxels of 2.25 x 2.25 x 7 mm; smaller voxels
            catch fewer photons.
    """
    level = level * (35.0 / grid.voxel_volume) ** 0.25
    white = rng.standard_normal((grid.shape[2],) + grid.shape[:2], dtype=np.float32)
    fx = fft.fftfreq(grid.shape[0])[:, None]
    fy = fft.rfftfreq(grid.shape[1])[None, :]
    frequency = np.hypot(fx, fy)
    # A ramp rolled off by the kernel: the noise power spectrum of filtered back-projection.
    response = np.sqrt(frequency + 0.02) * np.exp(-(frequency / 0.33) ** 2)
    rows = np.where((np.arange(response.shape[1]) == 0) | (2 * np.arange(response.shape[1]) == grid.shape[1]), 1, 2)
    response /= np.sqrt((response ** 2 * rows).sum() / (grid.shape[0] * grid.shape[1]))
    noise = fft.irfft2(fft.rfft2(white) * response.astype(np.float32), s=grid.shape[:2])  # float32 throughout
    inside = np.exp(-(grid.x / (1.3 * thorax.half_width)) ** 2 - (grid.y / (1.3 * thorax.half_depth)) ** 2)
    return hu + level * (0.45 + 0.55 * inside) * np.moveaxis(noise, 0, 2)


@dataclass(frozen=True)
class Placement:
    """Where a file's voxels go: their order and their affine (voxel -> RAS+ mm)."""

    order: str
    affine: np.ndarray

    def arrange(self, array):
        """An LPS array in this voxel order."""
        return np.ascontiguousarray(geometry.from_canonical(array[::-1, ::-1], self.affine))


def grid_size(order, size):
    """The (left-right, front-back, foot-head) size of a file of ``size`` in voxel order ``order``."""
    return (size[1], size[0], size[2]) if order[0] in "AP" else tuple(size)


def choose_placement(rng, grid, order):
    """A voxel order with an origin somewhere in the scanner's room."""
    origin = np.asarray(grid.low) + 0.5 * np.asarray(grid.spacing) + rng.uniform((-40, -40, -900), (40, 40, 300))
    lps = np.diag(list(grid.spacing) + [1.0])
    lps[:3, 3] = origin
    return Placement(order, _reordered(LPS_TO_RAS @ lps, grid.shape, order))


def _reordered(affine, shape: tuple[int, int, int], order):
    """The affine of the same voxels once LPS axes are permuted and flipped into ``order``."""
    pairs = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
    move = np.zeros((4, 4))
    move[3, 3] = 1
    for k, letter in enumerate(order):
        axis, sign = pairs[letter]
        move[axis, k] = sign
        move[axis, 3] = 0 if sign > 0 else shape[axis] - 1
    return affine @ move
