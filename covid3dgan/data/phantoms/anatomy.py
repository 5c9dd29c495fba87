"""The shape of one phantom patient's chest: lungs, lobes, heart and their landmarks, as functions of place in mm.

Every function broadcasts, so it serves whole grids and single points alike. Negative means inside.
"""

__all__ = ["Thorax"]

import math

import numpy as np

from covid3dgan.data.phantoms.grid import smoothstep


def _within(value, low, high):
    """``value`` cut to [low, high]; a Python float: NumPy 2 lets its own scalars turn float32 grids to float64."""
    return min(max(value, low), high)


class Thorax:
    """One patient, drawn from ``rng``. Sides: -1 is the patient's right lung, +1 the left. Lengths in mm."""

    def __init__(self, rng):
        size = rng.normal(1.0, 0.06)
        self.height = _within(rng.normal(235, 22) * size, 180, 300)     # of the lungs, lowest tip to apex
        self.half_width = _within(rng.normal(134, 7) * size, 112, 155)  # of the cavity at the diaphragm
        self.half_depth = _within(rng.normal(103, 7) * size, 84, 124)
        self.squareness = rng.uniform(2.1, 2.7)                        # superellipse exponent of the cavity
        self.apex_offset = rng.uniform(42, 52)
        self.mediastinum_half_width = rng.uniform(25, 33) * size
        self.dome = {-1: rng.uniform(0.24, 0.38) * self.height, 1: rng.uniform(0.18, 0.32) * self.height}
        self.wall = rng.uniform(15, 21)                                # ribs and muscle
        self.fat = _within(11 * rng.lognormal(0, 0.45), 3, 32)
        self.female = rng.random() < 0.45
        self.heart_centre = (rng.uniform(14, 26), -0.36 * self.half_depth, 0.36 * self.height)
        self.heart_axes = (rng.uniform(56, 68) * size, rng.uniform(44, 55) * size, rng.uniform(55, 66) * size)
        self.heart_tilt = rng.uniform(0.3, 0.6)
        self.spine_y = 0.64 * self.half_depth
        self.spine_radius = rng.uniform(17, 21) * size
        self.carina = np.array([rng.uniform(-2, 4), 0.12 * self.half_depth, 0.63 * self.height])
        self.trachea_top = np.array([0.0, 0.02 * self.half_depth, self.height + 40])
        self.trachea_radius = rng.uniform(7.5, 10) * size
        self.fissure_slope = rng.uniform(0.75, 1.05)
        self.fissure_level = rng.uniform(0.38, 0.46) * self.height
        self.fissure_twist = rng.uniform(-0.35, 0.35)
        self.horizontal_level = rng.uniform(0.46, 0.54) * self.height
        self.vessel_terminals = int(rng.uniform(1000, 1500))
        self.vessel_leaf_radius = rng.uniform(0.50, 0.62)

    # --- the cavity, level by level -------------------------------------------------------------------------------

    def _level(self, z):
        return np.clip(z / self.height, 0.0, 0.9999)

    def _outline(self, z):
        """One lung's chest wall at a level: the centre's distance from the midline, half-width and half-depth."""
        t = self._level(z)
        centre = self.apex_offset * smoothstep(0.40, 0.92, t)
        return centre, self.half_width * (1 - 0.26 * t ** 2.2) - centre, self.half_depth * (1 - 0.20 * t ** 2)

    def lean(self, z):
        """How far the upper chest leans back."""
        return 14 * self._level(z) ** 2

    def envelope(self, x, y, z):
        """Radial distance in mm from the inner chest wall (negative inside): one outline round both lungs."""
        t = self._level(z)
        centre, width, depth = self._outline(z)
        width = centre + width * np.sqrt(1 - 0.75 * t ** 9)
        return self._from_oval(x, y - self.lean(z), width, depth * np.sqrt(1 - 0.6 * t ** 8))

    def torso(self, x, y, z):
        """Radial distance in mm from the trunk's outline inside wall and fat: as the envelope, but wide at the top."""
        t = self._level(z)
        return self._from_oval(x, y - self.lean(z), self.half_width * (1 - 0.05 * t),
                               self.half_depth * (1 - 0.08 * t))

    def _from_oval(self, x, y, width, depth):
        p = self.squareness
        rho = ((np.abs(x) / width) ** p + (np.abs(y) / depth) ** p) ** (1 / p)
        return np.hypot(x, y) * (1 - 1 / np.maximum(rho, 0.05))

    def _dome_of_lung(self, side, x, y, z):
        """The chest wall of one lung: wide ellipses low down, closing to an apex beside the neck."""
        t = self._level(z)
        centre, width, depth = self._outline(z)
        return self._from_oval(side * x - centre, y - self.lean(z), width * np.sqrt(1 - t ** 9),
                               depth * np.sqrt(1 - t ** 8))

    def diaphragm_height(self, side, x, y):
        """z of the diaphragm under one lung: a dome, lowest in the recess along the back and the side."""
        rho = ((side * x - 0.46 * self.half_width) / (0.62 * self.half_width)) ** 2
        rho = rho + ((y + 0.18 * self.half_depth) / (1.18 * self.half_depth)) ** 2
        return self.dome[side] * (1 - np.minimum(rho, 2.5) ** 1.2)

    def heart(self, x, y, z):
        """The heart, an ellipsoid whose apex points left, forward and down."""
        dx, dy, dz = (v - c for v, c in zip((x, y, z), self.heart_centre))
        cos, sin = math.cos(self.heart_tilt), math.sin(self.heart_tilt)
        u, v = cos * dx - sin * dz, sin * dx + cos * dz
        rho = np.sqrt((u / self.heart_axes[0]) ** 2 + (dy / self.heart_axes[1]) ** 2 + (v / self.heart_axes[2]) ** 2)
        return (rho - 1) * 50.0

    def mediastinum(self, side, x, y, z):
        """Everything between the lungs (negative inside), seen from one side."""
        t = self._level(z)
        _, hilum_y, hilum_z = self.hilum(side).tolist()
        y = y - self.lean(z)
        centre = np.where(y < 6, (y - 6) / 46, (y - 6) / 30)  # tapers to the front, where the lungs nearly meet
        half = 5 + self.mediastinum_half_width * np.exp(-centre ** 2) * (0.75 + 0.35 * smoothstep(0.2, 0.6, t))
        half = np.maximum(half, (self.spine_radius + 6) * smoothstep(-34, -12, y - self.spine_y))
        half = half + 12 * np.exp(-((y - hilum_y) / 16) ** 2 - ((z - hilum_z) / 20) ** 2)
        if side > 0:  # descending aorta and aortic arch press into the left lung
            half = half + 13 * np.exp(-((y - 0.58 * self.half_depth) / 17) ** 2)
            half = half + 12 * np.exp(-((y - 8) / 34) ** 2 - ((z - 0.73 * self.height) / 16) ** 2)
        return side * x - half

    def lung(self, side, x, y, z):
        """One lung."""
        field = np.maximum(self._dome_of_lung(side, x, y, z), -self.mediastinum(side, x, y, z))
        field = np.maximum(field, -self.heart(x, y, z) + 2.0)
        return np.maximum(field, self.diaphragm_height(side, x, y) - z)

    # --- landmarks ------------------------------------------------------------------------------------------------

    def hilum(self, side):
        """Where vessels and bronchi enter a lung, (3,)."""
        return np.array([side * (self.mediastinum_half_width + 14), 0.14 * self.half_depth,
                         (0.545 if side < 0 else 0.565) * self.height])

    def oblique_fissure(self, x, y, z):
        """Signed distance to the oblique fissures, propeller-like sheets: positive above them (upper lobe)."""
        twist = self.fissure_twist * (np.abs(x) - 65) * (y / 90) + 0.004 * (np.abs(x) - 65) ** 2
        shift = 6.0 * np.heaviside(x, 1.0)  # the left one lies a little higher
        return (z - self.fissure_level - shift - self.fissure_slope * y - twist) / math.hypot(1.0, self.fissure_slope)

    def horizontal_fissure(self, x, y, z):
        """Signed distance to the right lung's horizontal fissure, slightly arched: positive above it."""
        return z - self.horizontal_level - 6 * np.cos(0.02 * (x + 70)) - 0.08 * y

    def lobe(self, side, points):
        """Lobe of each point (N, 3): 0 lower, 1 upper, 2 middle (right lung only)."""
        x, y, z = points.T
        upper = self.oblique_fissure(x, y, z) > 0
        middle = upper & (side < 0) & (self.horizontal_fissure(x, y, z) < 0)
        return upper.astype(int) + middle

    def points_in_lung(self, rng, side, count, depth):
        """``count`` random points (count, 3), evenly spread through one lung, at least about ``depth`` mm deep."""
        kept, missing = [], count
        while missing > 0:
            unit = rng.random((max(4 * missing, 64), 3))
            points = np.stack([side * unit[:, 0] * self.half_width,
                               (2 * unit[:, 1] - 1) * 1.15 * self.half_depth, unit[:, 2] * self.height], axis=1)
            points = points[self.lung(side, *points.T) < -depth][:missing]
            kept.append(points)
            missing -= len(points)
        return np.concatenate(kept)

    def inward(self, side, point):
        """The unit normal (3,) of the lung's nearest surface at ``point`` (3,), pointing into the lung."""
        steps = np.eye(3) * 2.0
        slope = np.array([self.lung(side, *(point + s)) - self.lung(side, *(point - s)) for s in steps])
        return -slope / (np.linalg.norm(slope) + 1e-9)
