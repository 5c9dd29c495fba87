"""What differs between patients and scanners beyond a cohort's own: hila, contrast agent, kernel, thickness, motion."""

__all__ = ["PLAIN", "Variety", "draw_variety"]

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from covid3dgan.data.phantoms.grid import Tubes, smoothstep

LARGE = (1.5, 4.0)  # mm of radius between which a vessel becomes one of the hilum
FWHM = 2.355  # full width at half maximum of a Gaussian, in standard deviations


@dataclass(frozen=True)
class Variety:
    """One patient's and scan's own; the defaults leave a phantom as it is."""

    hilum: float = 1.0      # how much wider the largest vessels are
    agent: float = 0.0      # HU that contrast agent adds to the blood in the lungs
    smooth: float = 0.0     # mm, standard deviation of a soft kernel in the slice
    sharp: float = 0.0      # gain of the details by a sharp kernel
    thickness: float = 0.0  # mm, full width of the slices' profile
    motion: float = 0.0     # mm between two positions of the heart and breath that one scan shows

    def vessels(self, tubes):
        """Tubes with the hila of this patient."""
        radii = [r * (1 + (self.hilum - 1) * smoothstep(*LARGE, r)) for r in (tubes.start_radius, tubes.end_radius)]
        return Tubes(tubes.start, tubes.end, *radii)

    def scanned(self, hu, grid):
        """HU (X, Y, Z) through this scan's motion, kernel and slice thickness; noise comes afterwards."""
        if self.motion:
            shift = self.motion / np.array([grid.spacing[0], grid.spacing[1], np.inf])
            hu = 0.5 * (hu + ndimage.shift(hu, shift, order=1, mode="nearest"))
        if self.smooth:
            hu = ndimage.gaussian_filter(hu, [self.smooth / grid.spacing[0], self.smooth / grid.spacing[1], 0])
        if self.sharp:
            hu = hu + self.sharp * (hu - ndimage.gaussian_filter(hu, [1.0, 1.0, 0]))
        if self.thickness > grid.spacing[2]:
            hu = ndimage.gaussian_filter1d(hu, self.thickness / FWHM / grid.spacing[2], axis=2, mode="nearest")
        return hu


PLAIN = Variety()


def draw_variety(rng):
    """A :class:`Variety`: wide hila in most, contrast agent in four of ten, every second scan sharp or soft."""
    kernel = rng.random()
    return Variety(
        hilum=rng.uniform(1.0, 2.4), agent=rng.uniform(60, 280) if rng.random() < 0.4 else 0.0,
        smooth=rng.uniform(0.5, 2.0) if kernel < 0.35 else 0.0, sharp=rng.uniform(0.3, 1.5) if kernel > 0.65 else 0.0,
        thickness=rng.uniform(0.6, 8.0), motion=rng.uniform(1.0, 4.0) if rng.random() < 0.15 else 0.0)
