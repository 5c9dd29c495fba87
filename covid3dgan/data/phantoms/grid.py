"""The sampling grid of a phantom: millimetre coordinates, anti-aliased surfaces, smooth noise, and tubes.

Everything a phantom shows is defined in millimetres and only then sampled, so one patient looks the same at every size.
Coordinates are LPS: +x to the patient's left, +y to the back, +z to the head; z = 0 is the lowest tip of the lungs.
"""

__all__ = ["Grid", "Tubes", "coverage", "paint", "slab_coverage", "smooth_noise", "smoothstep", "tube_coverage"]

from dataclasses import dataclass

import numpy as np

# The box in mm that every patient fits in; noise lattices span it whatever the grid, which makes them size-independent.
BOX_LOW = np.array([-230.0, -230.0, -90.0])
BOX_HIGH = np.array([230.0, 230.0, 380.0])
# Mean over a cell of the sum of squared cubic B-spline weights; its cube is the variance of 3D lattice noise.
SPLINE_POWER = 151.0 / 315.0
SAMPLES_PER_VOXEL = 30  # of a tube: enough that its sampling grain stays below the scanner noise
SAMPLES_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Grid:
    """Voxel centres in mm, as an open grid: ``x`` (nx, 1, 1), ``y`` (1, ny, 1), ``z`` (1, 1, nz), all float32."""

    low: tuple[float, float, float]  # the outer corner of the first voxel
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    def axis(self, k):
        """Voxel centres along axis ``k`` in mm, (n,) float64."""
        return self.low[k] + (np.arange(self.shape[k]) + 0.5) * self.spacing[k]

    @property
    def x(self):
        return self.axis(0).astype(np.float32)[:, None, None]

    @property
    def y(self):
        return self.axis(1).astype(np.float32)[None, :, None]

    @property
    def z(self):
        return self.axis(2).astype(np.float32)[None, None, :]

    @property
    def voxel_volume(self):
        """Cubic millimetres of one voxel."""
        return float(np.prod(self.spacing))

    def box(self, centre, reach):
        """Three slices that hold every voxel within ``reach`` mm (a scalar or one per axis) of ``centre``."""
        reach = np.broadcast_to(reach, 3)
        bounds = []
        for k in range(3):
            first = int(np.floor((centre[k] - reach[k] - self.low[k]) / self.spacing[k]))
            last = int(np.ceil((centre[k] + reach[k] - self.low[k]) / self.spacing[k]))
            bounds.append(slice(min(max(first, 0), self.shape[k]), min(max(last, 0), self.shape[k])))
        return tuple(bounds)


def smoothstep(low, high, value):
    """0 below ``low``, 1 above ``high``, a cubic in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def paint(hu, share, value):
    """Replaces ``share`` of each voxel's content by ``value``, in place; all broadcast against ``hu`` (X, Y, Z)."""
    hu += share * (value - hu)


def coverage(field):
    """The share of each voxel inside a surface, from its implicit function sampled at voxel centres.

    Args:
        field: (X, Y, Z), negative inside, any smooth scale: its own slope across a voxel sets the width of the edge,
            so thick slices blur the surfaces that run obliquely through them, as in a scanner.

    Returns:
        (X, Y, Z) float32 in [0, 1].
    """
    width = np.full(field.shape, 1e-6, np.float32)
    for axis in range(3):
        step = np.abs(np.diff(field, axis=axis))
        inner = [slice(None)] * 3
        outer = [slice(None)] * 3
        inner[axis], outer[axis] = slice(0, -1), slice(1, None)
        width[tuple(inner)] += 0.5 * step
        width[tuple(outer)] += 0.5 * step
    return np.clip(0.5 - field / width, 0, 1)


def slab_coverage(distance, thickness, extent):
    """The share of each voxel inside a sheet of ``thickness`` mm, ``distance`` mm off, of voxels ``extent`` mm deep."""
    half = 0.5 * thickness
    low = np.maximum(distance - 0.5 * extent, -half)
    high = np.minimum(distance + 0.5 * extent, half)
    return np.clip(high - low, 0, None) / extent


def _spline_basis(grid, k, wavelength):
    """Cubic B-spline weights of the lattice knots at each voxel of axis ``k``, averaged over the voxel: (n, knots)."""
    knots = int(np.ceil((BOX_HIGH[k] - BOX_LOW[k]) / wavelength)) + 4
    parts = int(np.clip(np.ceil(2 * grid.spacing[k] / wavelength), 1, 8))
    basis = np.zeros((grid.shape[k], knots))
    rows = np.arange(grid.shape[k])
    for part in range(parts):
        place = grid.axis(k) + ((part + 0.5) / parts - 0.5) * grid.spacing[k]
        cell, f = np.divmod((place - BOX_LOW[k]) / wavelength, 1.0)
        cell = np.clip(cell.astype(int), 0, knots - 4)
        weights = ((1 - f) ** 3 / 6, (3 * f ** 3 - 6 * f ** 2 + 4) / 6,
                   (-3 * f ** 3 + 3 * f ** 2 + 3 * f + 1) / 6, f ** 3 / 6)
        for j, weight in enumerate(weights):
            np.add.at(basis, (rows, cell + j), weight / parts)
    return basis.astype(np.float32)


def smooth_noise(rng, grid, wavelength):
    """Gaussian noise on a lattice ``wavelength`` mm wide (a scalar or one per axis), unit variance, (X, Y, Z) float32.

    Voxels average the field over their own extent, so detail finer than a thick slice fades as it does in a scan.
    """
    wavelength = np.broadcast_to(wavelength, 3)
    bases = [_spline_basis(grid, k, wavelength[k]) for k in range(3)]
    lattice = rng.standard_normal([b.shape[1] for b in bases], dtype=np.float32) / np.float32(SPLINE_POWER ** 1.5)
    lattice = lattice @ bases[2].T                      # (kx, ky, nz)
    lattice = np.tensordot(bases[0], lattice, (1, 0))   # (nx, ky, nz)
    return np.matmul(bases[1], lattice)                 # (nx, ny, nz)


@dataclass(frozen=True)
class Tubes:
    """Straight tapering tubes: ``start`` and ``end`` (N, 3) in mm, the radii at both ends (N,) in mm."""

    start: np.ndarray
    end: np.ndarray
    start_radius: np.ndarray
    end_radius: np.ndarray

    @classmethod
    def polyline(cls, points, radii):
        """The tubes along a list of points with a radius at each of them (or one for all)."""
        points = np.asarray(points, float)
        radii = np.broadcast_to(np.asarray(radii, float), len(points))
        return cls(points[:-1], points[1:], radii[:-1], radii[1:])

    @classmethod
    def join(cls, several):
        """One set of tubes from several."""
        return cls(*(np.concatenate([getattr(t, name) for t in several])
                     for name in ("start", "end", "start_radius", "end_radius")))

    def select(self, keep):
        """The tubes where ``keep`` (N,) is true."""
        return Tubes(self.start[keep], self.end[keep], self.start_radius[keep], self.end_radius[keep])

    def widened(self, factor=1.0, margin=0.0):
        """The same tubes with radii ``factor * r + margin``."""
        return Tubes(self.start, self.end, factor * self.start_radius + margin, factor * self.end_radius + margin)


def tube_coverage(grid, tubes):
    """The share of each voxel that lies inside the tubes, (X, Y, Z) float32 in [0, 1]."""
    mean_radius = 0.5 * (tubes.start_radius + tubes.end_radius)
    wide = mean_radius > 0.6 * max(grid.spacing)
    share = _thin_coverage(grid, tubes.select(~wide))
    for k in np.flatnonzero(wide):
        _add_wide(share, grid, tubes.start[k], tubes.end[k], tubes.start_radius[k], tubes.end_radius[k])
    return share


def _add_wide(share, grid, start, end, start_radius, end_radius):
    """Lays one tube wider than a voxel over ``share``, from the distance to its axis."""
    box = grid.box(0.5 * (start + end), 0.5 * np.abs(end - start) + max(start_radius, end_radius) + max(grid.spacing))
    offset = [grid.x[box[0]] - start[0], grid.y[:, box[1]] - start[1], grid.z[:, :, box[2]] - start[2]]
    axis = (end - start).astype(np.float32)
    along = np.clip(sum(o * a for o, a in zip(offset, axis)) / (axis @ axis + 1e-9), 0, 1)
    away = [o - along * a for o, a in zip(offset, axis)]
    distance = np.sqrt(sum(d * d for d in away)) + np.float32(1e-3)
    extent = sum(np.abs(d) * s for d, s in zip(away, grid.spacing)) / distance + np.float32(1e-3)
    radius = start_radius + along * (end_radius - start_radius)
    share[box] = np.maximum(share[box], np.clip(0.5 + (radius - distance) / extent, 0, 1))


def _thin_coverage(grid, tubes):
    """Tubes narrower than a voxel, filled with evenly spread points that carry their volume to the voxels they hit.

    Partial volume comes out right at any slice thickness, without a loop over thousands of tubes.
    """
    length = np.linalg.norm(tubes.end - tubes.start, axis=1) + 1e-9
    volume = np.pi * (0.5 * (tubes.start_radius + tubes.end_radius)) ** 2 * length
    by_volume = SAMPLES_PER_VOXEL * volume / grid.voxel_volume
    by_length = 2.0 * length / min(grid.spacing)
    count = np.ceil(np.maximum(by_volume, by_length)).astype(int)
    filled = np.zeros(int(np.prod(grid.shape)))
    chunk = np.cumsum(count) // SAMPLES_AT_ONCE
    for part in np.unique(chunk):
        chosen = chunk == part
        points, weight = _samples(tubes.select(chosen), length[chosen], count[chosen])
        voxel = np.floor((points - np.asarray(grid.low)) / np.asarray(grid.spacing)).astype(int)
        inside = np.all((voxel >= 0) & (voxel < grid.shape), axis=1)
        filled += np.bincount(np.ravel_multi_index(voxel[inside].T, grid.shape), weight[inside], len(filled))
    return np.minimum(filled / grid.voxel_volume, 1.0).astype(np.float32).reshape(grid.shape)


def _samples(tubes, length, count):
    """``count`` points in each tube, (total, 3) mm, and the volume in cubic mm that each of them stands for."""
    owner = np.repeat(np.arange(len(count)), count)
    index = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    along = (index + 0.5) / count[owner]
    # Multiples of the plastic number's powers fill the disc evenly for every number of points.
    turn = 2 * np.pi * ((index * 0.5698402909980532 + owner * 0.618) % 1.0)
    radius = tubes.start_radius[owner] * (1 - along) + tubes.end_radius[owner] * along
    out = radius * np.sqrt((index * 0.7548776662466927 + 0.5) % 1.0)
    axis = (tubes.end - tubes.start) / length[:, None]
    helper = np.where(np.abs(axis[:, :1]) < 0.8, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    across = np.cross(axis, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    third = np.cross(axis, across)
    points = (tubes.start[owner] + (along * length[owner])[:, None] * axis[owner]
              + (out * np.cos(turn))[:, None] * across[owner] + (out * np.sin(turn))[:, None] * third[owner])
    return points, np.pi * radius ** 2 * (length / count)[owner]
