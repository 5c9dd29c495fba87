"""Hounsfield units of a phantom's tissues: everything outside the lungs, and the healthy lung inside them."""

__all__ = ["Lungs", "draw_body", "draw_lungs", "lung_coverage"]

import math
from dataclasses import dataclass

import numpy as np

from covid3dgan.data.phantoms.bones import draw_bones
from covid3dgan.data.phantoms.grid import Tubes, coverage, paint, slab_coverage, smooth_noise, smoothstep, tube_coverage

AIR, FAT, WALL, BLOOD, MUSCLE, LIVER = -1000, -100, -20, 42, 52, 58


def lung_coverage(rng, grid, thorax):
    """The share of each voxel inside either lung, (X, Y, Z) float32; the surface undulates from patient to patient."""
    ripple = 3.0 * smooth_noise(rng, grid, 70.0)
    sides = [thorax.lung(side, grid.x, grid.y, grid.z) for side in (-1, 1)]
    return coverage(np.minimum(*sides) + ripple)


def draw_body(rng, grid, thorax):
    """HU of the whole scan as if there were no lungs: air, table, fat, muscle, bones, mediastinum, abdomen."""
    x, y, z = grid.x, grid.y, grid.z
    hu = np.full(grid.shape, AIR, np.float32)
    _draw_table(hu, grid, thorax)
    envelope = thorax.envelope(x, y, z)
    level = np.clip(z / thorax.height, -0.3, 1.2)
    torso = thorax.torso(x, y, z)
    shoulders = 22 * smoothstep(0.55, 1.0, level) * smoothstep(60, 130, np.abs(x))
    breasts = 0.0
    if thorax.female:
        breasts = 30 * smoothstep(20, 60, -y) * np.exp(
            -((np.abs(x) - 75) / 42) ** 2 - ((z - 0.42 * thorax.height) / 45) ** 2)
    wobble = 3.0 * smooth_noise(rng, grid, 90.0)
    muscle_edge = torso - thorax.wall - shoulders + wobble
    muscle_edge = np.maximum(muscle_edge, y - thorax.half_depth - thorax.wall + 6 * np.exp(-(x / 18) ** 2))
    skin = muscle_edge - thorax.fat * (1 + 0.5 * smoothstep(20, 120, np.abs(x))) - breasts
    paint(hu, coverage(skin), 10.0)
    paint(hu, coverage(skin + 2.5), FAT + 12 * smooth_noise(rng, grid, 9.0))
    planes = smoothstep(0.55, 1.1, np.abs(smooth_noise(rng, grid, (22.0, 16.0, 40.0))))
    paint(hu, coverage(muscle_edge), MUSCLE - 110 * planes)
    inner = coverage(envelope - 1.0)
    paint(hu, inner, FAT + 10 * smooth_noise(rng, grid, 8.0))
    _draw_abdomen(rng, hu, grid, thorax, inner)
    _draw_mediastinum(rng, hu, grid, thorax)
    draw_bones(rng, hu, grid, thorax, envelope)
    return hu


def _draw_table(hu, grid, thorax):
    """The scanner's couch: a shallow curved shell under the back."""
    top = thorax.half_depth + thorax.wall + thorax.fat + 14 - 0.0006 * grid.x ** 2
    depth = grid.y - top
    half = 0.5 * grid.spacing[1]
    width = smoothstep(205, 195, np.abs(grid.x))
    foam = smoothstep(-half, half, depth) * smoothstep(28, 28 - 2 * half, depth)
    shell = slab_coverage(depth - 1.5, 3.0, grid.spacing[1]) + slab_coverage(depth - 27, 3.0, grid.spacing[1])
    paint(hu, foam * width, -930.0)
    paint(hu, shell * width, -350.0)


def _draw_abdomen(rng, hu, grid, thorax, inner):
    """Liver, spleen and stomach under the diaphragm."""
    x, y, z = grid.x, grid.y, grid.z
    below = np.where(x < 0, thorax.diaphragm_height(-1, x, y), thorax.diaphragm_height(1, x, y)) - z
    share = inner * np.clip(below / grid.spacing[2] + 0.5, 0, 1)
    organs = smooth_noise(rng, grid, 45.0)
    liver = smoothstep(55, 25, x + 12 * organs) * smoothstep(0.92, 0.80, np.abs(y) / thorax.half_depth)
    spleen = smoothstep(50, 62, x + 6 * organs) * smoothstep(10, 24, y)
    stomach = smoothstep(25, 38, x) * smoothstep(20, 6, y + 8 * organs)
    texture = 7 * smooth_noise(rng, grid, 7.0)
    paint(hu, share * np.maximum(liver, spleen), LIVER + texture)
    paint(hu, share * stomach, 28.0 + texture)
    if rng.random() < 0.5:  # swallowed air: a pocket as dark as lung that is not lung
        centre = (62.0, -0.35 * thorax.half_depth, 0.45 * thorax.dome[1])
        radii = (rng.uniform(14, 26), rng.uniform(10, 18), rng.uniform(8, 16))
        rho = np.sqrt(sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii)))
        paint(hu, share * coverage(rho - 1), -960.0)


def _draw_mediastinum(rng, hu, grid, thorax):
    """Heart with its fat, great vessels, oesophagus, lymph nodes."""
    h, d = thorax.height, thorax.half_depth
    heart = thorax.heart(grid.x, grid.y, grid.z)
    paint(hu, coverage(heart + 3.0 + 3.0 * smooth_noise(rng, grid, 30.0)), BLOOD + 5 * smooth_noise(rng, grid, 14.0))
    grow = rng.uniform(0.9, 1.12)
    arch = [(-14, -0.34 * d, 0.48 * h), (-20, -0.30 * d, 0.62 * h), (-10, -0.18 * d, 0.71 * h),
            (12, 0.10 * d, 0.74 * h), (24, 0.42 * d, 0.69 * h), (24, 0.60 * d, 0.55 * h), (20, 0.62 * d, 0.25 * h),
            (10, 0.62 * d, -80)]
    vessels = [
        Tubes.polyline(arch, np.array([17, 16, 15, 14, 13, 12.5, 12, 11]) * grow),
        Tubes.polyline([(-30, -0.18 * d, 0.42 * h), (-30, -0.15 * d, 0.72 * h), (-24, -0.15 * d, h + 40)], 9 * grow),
        Tubes.polyline([(10, -0.40 * d, 0.46 * h), (14, -0.22 * d, 0.57 * h)], 14 * grow),
        Tubes.polyline([(14, -0.2 * d, 0.57 * h), thorax.hilum(-1)], np.array([12, 8]) * grow),
        Tubes.polyline([(14, -0.2 * d, 0.57 * h), thorax.hilum(1)], np.array([12, 8.5]) * grow),
        Tubes.polyline([(14, 0.0 * d, 0.74 * h), (28, 0.02 * d, h + 40)], 5 * grow),
        Tubes.polyline([(-6, -0.1 * d, 0.73 * h), (-22, 0.0 * d, h + 40)], 6 * grow),
        Tubes.polyline([(4, 0.36 * d, -80), (5, 0.40 * d, 0.5 * h), (3, 0.28 * d, h + 40)], 7),
    ]
    paint(hu, tube_coverage(grid, Tubes.join(vessels)), BLOOD)
    centre = np.exp(-(grid.x / 26) ** 2 - ((grid.y - 0.02 * d) / 30) ** 2) * smoothstep(0.35, 0.5, grid.z / h)
    nodes = smoothstep(0.9, 1.3, smooth_noise(rng, grid, 11.0)) * centre
    paint(hu, nodes, 38.0)


@dataclass(frozen=True)
class Lungs:
    """What fills the lungs; all (X, Y, Z) float32."""

    parenchyma: np.ndarray    # HU without vessels and airways
    vessels: np.ndarray       # share of the voxel that is vessel
    airway_outer: np.ndarray  # share that is bronchus with its wall
    airway_lumen: np.ndarray  # share that is air in a bronchus

    def with_airways(self, hu):
        """``hu`` (X, Y, Z) with trachea and bronchi laid over it."""
        hu = hu + self.airway_outer * (WALL - hu)
        return hu + self.airway_lumen * (AIR - hu)

    def with_vessels(self, parenchyma, agent=0.0):
        """HU (X, Y, Z) once airways and vessels are laid over ``parenchyma`` (healthy, or with lesions).

        Args:
            agent: HU that contrast agent adds to the blood.
        """
        hu = self.with_airways(parenchyma)
        return hu + self.vessels * (1 - self.airway_lumen) * (BLOOD + agent - hu)


def draw_lungs(rng, grid, thorax, vessels, airways):
    """The healthy lungs: parenchyma with its gravity gradient and texture, fissures, emphysema, dependent density.

    Args:
        vessels: Tubes of arteries and veins. airways: their :class:`Airways`.
    """
    x, y, z = grid.x, grid.y, grid.z
    # How deeply the patient breathed in shifts the whole lung: no single threshold suits a cohort.
    baseline = min(max(rng.normal(-845, 52), -925.0), -715.0)
    gravity = rng.uniform(35, 90) + 0.25 * (baseline + 850)
    depth = np.clip(y / thorax.half_depth, -1, 1)
    hu = baseline + gravity * (depth + 0.25 * depth * np.abs(depth)) + np.zeros(grid.shape, np.float32)
    hu += 22 * smooth_noise(rng, grid, 38.0) + 16 * smooth_noise(rng, grid, 13.0) + 22 * smooth_noise(rng, grid, 5.0)

    if rng.random() < 0.25:  # emphysema: dark patches, mostly in the upper lobes
        holes = smoothstep(0.7, 1.5, smooth_noise(rng, grid, 14.0)) * smoothstep(0.3, 0.8, z / thorax.height)
        paint(hu, rng.uniform(0.4, 1.0) * holes, -965.0)
    if rng.random() < 0.5:  # dependent density: the lowest few millimetres of a lying patient's lung, not a lesion
        wall = thorax.envelope(x, y, z) + 4 * smooth_noise(rng, grid, 20.0)
        strip = smoothstep(-rng.uniform(9, 20), -2, wall) * smoothstep(0.35, 0.75, depth)
        paint(hu, rng.uniform(0.5, 1.0) * strip, rng.uniform(-680, -500))
    if rng.random() < 0.35:  # mosaic: lobules that trap air stay dark while the others empty
        lobules = smoothstep(-0.3, 0.3, smooth_noise(rng, grid, 24.0))
        hu += rng.uniform(40, 90) * lobules
    for _ in range(rng.poisson(1.2)):  # plate-like atelectasis: thin bands near the diaphragm
        paint(hu, _band(rng, grid, thorax), rng.uniform(-350, 0))

    oblique = thorax.oblique_fissure(x, y, z)
    slope = thorax.fissure_slope
    extent = (grid.spacing[2] + slope * grid.spacing[1]) / math.hypot(1, slope)
    sheets = slab_coverage(oblique, 0.6, extent)
    horizontal = thorax.horizontal_fissure(x, y, z)
    sheets = sheets + slab_coverage(horizontal, 0.5, grid.spacing[2]) * ((x < 0) & (oblique > 0))
    paint(hu, np.minimum(sheets, 1), 0.0)
    return Lungs(hu, *(tube_coverage(grid, tubes) for tubes in (vessels, airways.outer, airways.lumen)))


def _band(rng, grid, thorax):
    """The share (X, Y, Z) of each voxel in one thin, steep plate at the lung's base: a line in an axial slice."""
    side = int(rng.choice([-1, 1]))
    centre = thorax.points_in_lung(rng, side, 30, 3.0)
    centre = centre[np.argmin(centre[:, 2])].tolist()
    turn = rng.uniform(0, np.pi)
    normal = np.array([np.cos(turn), np.sin(turn), rng.uniform(-0.4, 0.4)])
    normal = (normal / np.linalg.norm(normal)).tolist()
    offset = [v - c for v, c in zip((grid.x, grid.y, grid.z), centre)]
    distance = sum(o * n for o, n in zip(offset, normal))
    radius = rng.uniform(14, 34)
    disc = smoothstep(1.1, 0.8, np.sqrt(sum(o * o for o in offset)) / radius)
    return slab_coverage(distance, rng.uniform(1.5, 3.5), float(np.abs(normal) @ grid.spacing)) * disc
