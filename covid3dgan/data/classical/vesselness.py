"""Multi-scale Hessian vesselness of 2D images (Frangi et al. 1998)."""

__all__ = ["hessian_eigenvalues", "vesselness"]

import numpy as np
from scipy import ndimage

from covid3dgan.errors import ArgumentError


def hessian_eigenvalues(image, scale):
    """Eigenvalues of the Hessian at one scale, times scale^2 so that scales compare.

    Args:
        image: (H, W).
        scale: sigma of the Gaussian derivatives in pixels.

    Returns:
        (small, large): (H, W) each, ordered by magnitude.
    """
    rows, mixed, columns = (scale**2 * ndimage.gaussian_filter(image, scale, order=order, mode="nearest")
                            for order in ((2, 0), (1, 1), (0, 2)))
    half_trace = (rows + columns) / 2.0
    root = np.sqrt(((rows - columns) / 2.0)**2 + mixed**2)
    low, high = half_trace - root, half_trace + root
    swap = np.abs(low) > np.abs(high)
    return np.where(swap, high, low), np.where(swap, low, high)


def vesselness(image, scales=(1.0, 1.5, 2.0, 3.0, 4.0), beta=0.5, c=None, dark=True):
    """The largest response over all scales, in [0, 1].

    Args:
        image: (H, W).
        scales: sigmas in pixels; a vessel of radius r answers most at about r / sqrt(2) to r.
        beta: tolerance for blobs, exp(-R^2 / 2 beta^2) with R = |small| / |large|.
        c: tolerance for weak structure, 1 - exp(-S^2 / 2 c^2) with S the Hessian's norm; None takes half of the
            largest S over all scales.
        dark: vessels darker than their ground (angiograms, the green channel of a retina).
    """
    if not scales or min(scales) <= 0:
        raise ArgumentError("coarse.scales", "positive widths in pixels", f"{tuple(scales)}", "use for example 1,2,3")
    image = np.asarray(image, np.float32)
    pairs = [hessian_eigenvalues(image, scale) for scale in scales]
    norms = [np.sqrt(small**2 + large**2) for small, large in pairs]
    if c is None:
        c = max(float(norm.max()) for norm in norms) / 2.0
    if c <= 1e-6:  # a constant image has no structure, and rounding must not pass for one
        return np.zeros_like(image)
    best = np.zeros_like(image)
    for (small, large), norm in zip(pairs, norms):
        right_sign = large > 0 if dark else large < 0
        ratio = np.abs(small) / np.maximum(np.abs(large), 1e-12)
        response = np.exp(-ratio**2 / (2 * beta**2)) * (1.0 - np.exp(-norm**2 / (2 * c**2)))
        np.maximum(best, np.where(right_sign, response, 0.0), out=best)
    return best
