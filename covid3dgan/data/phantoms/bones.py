"""A phantom's bones: spine with its canal, ribs that slope down to the front, sternum, shoulder blades."""

__all__ = ["draw_bones"]

import numpy as np

from covid3dgan.data.phantoms.grid import coverage, paint, slab_coverage, smooth_noise, smoothstep

CORD, DISC, CARTILAGE, MARROW, THIN_BONE, CORTEX = 20, 90, 110, 180, 400, 650


def draw_bones(rng, hu, grid, thorax, envelope):
    """Paints the bones over ``hu`` (X, Y, Z) in place.

    Args:
        envelope: ``thorax.envelope`` on the grid, (X, Y, Z): mm from the inner chest wall, on which ribs are hung.
    """
    pitch = thorax.height / rng.uniform(9.5, 10.5)  # from one rib, and one vertebra, to the next
    phase = rng.random() * pitch
    marrow = MARROW + 60 * smooth_noise(rng, grid, 7.0)
    _ribs(hu, grid, thorax, envelope, marrow, pitch, phase, slope=rng.uniform(0.30, 0.42))
    _spine(hu, grid, thorax, marrow, pitch, phase)
    _sternum(hu, grid, thorax, envelope, marrow)
    _shoulder_blades(hu, grid, thorax, envelope)


def _ribs(hu, grid, thorax, envelope, marrow, pitch, phase, slope):
    """Shells of cortex round marrow; cartilage near the sternum."""
    x, y, z = grid.x, grid.y - thorax.lean(grid.z), grid.z
    arc = np.arctan2(np.abs(x), y) * 0.5 * (thorax.half_width + thorax.half_depth)  # mm along the rib from the spine
    offset = np.mod(z + slope * arc + phase, pitch) - 0.5 * pitch
    extent = max(grid.spacing[2], 2.0) + slope * grid.spacing[1]
    share = np.clip((3.8 - np.abs(offset)) / extent + 0.5, 0, 1)
    share = share * smoothstep(18, 26, np.abs(x)) * smoothstep(1.16, 1.08, z / thorax.height)
    shell = slab_coverage(envelope - 6.0, 8.0, grid.spacing[0])
    rim = shell - slab_coverage(envelope - 6.0, 4.5, grid.spacing[0])
    front = smoothstep(-0.55, -0.70, y / thorax.half_depth)
    paint(hu, share * shell * front, CARTILAGE)
    paint(hu, share * shell * (1 - front), marrow)
    paint(hu, share * rim * (1 - front), CORTEX)


def _spine(hu, grid, thorax, marrow, pitch, phase):
    """Vertebral bodies with discs between them, arches with spinous and transverse processes, the canal."""
    x, y, z = grid.x, grid.y, grid.z
    radius, pixel = thorax.spine_radius, grid.spacing[0]
    middle = thorax.spine_y + thorax.lean(z)
    rho = np.sqrt((x / (1.12 * radius)) ** 2 + ((y - middle) / radius) ** 2)
    level = np.abs(np.mod(z + phase, pitch) - 0.5 * pitch)
    disc = np.clip((2.5 - level) / max(grid.spacing[2], 2.0) + 0.5, 0, 1)
    paint(hu, coverage(np.broadcast_to((rho - 1) * radius, grid.shape)), CORTEX * (1 - disc) + DISC * disc)
    paint(hu, coverage(np.broadcast_to((rho - 1) * radius + 1.8, grid.shape)), marrow * (1 - disc) + DISC * disc)

    arch = smoothstep(0.02 * pitch, 0.20 * pitch, level)  # there is none beside a disc
    back = middle + radius + 8
    ring = np.hypot(x / 1.2, y - back)
    paint(hu, np.clip((12 - ring) / pixel + 0.5, 0, 1) * (0.4 + 0.6 * arch), THIN_BONE)
    wings = smoothstep(36, 28, np.abs(x)) * slab_coverage(y - back - 0.28 * np.abs(x) - 4, 8.0, pixel)
    process = smoothstep(4 + pixel, 4, np.abs(x)) * smoothstep(back, back + 6, y) * smoothstep(back + 32, back + 24, y)
    paint(hu, np.maximum(wings, process) * arch, THIN_BONE)
    paint(hu, np.clip((8 - ring) / pixel + 0.5, 0, 1) * np.ones_like(z), CORD)


def _sternum(hu, grid, thorax, envelope, marrow):
    pixel, height = grid.spacing[0], grid.z / thorax.height
    plate = smoothstep(17 + pixel, 17, np.abs(grid.x)) * smoothstep(0.25, 0.35, height) * smoothstep(1.0, 0.92, height)
    plate = plate * (grid.y < 0)
    paint(hu, plate * slab_coverage(envelope - 7.0, 11.0, pixel), THIN_BONE)
    paint(hu, plate * slab_coverage(envelope - 7.0, 7.5, pixel), marrow)


def _shoulder_blades(hu, grid, thorax, envelope):
    angle = np.arctan2(grid.y - thorax.lean(grid.z), np.abs(grid.x))
    blade = smoothstep(0.35, 0.42, angle) * smoothstep(1.05, 0.98, angle)
    blade = blade * smoothstep(0.5, 0.58, grid.z / thorax.height)
    paint(hu, blade * slab_coverage(envelope - 17 - 10 * (angle - 0.7), 4.0, grid.spacing[0]), THIN_BONE)
