"""Two-phase level set that estimates an image's uneven illumination while it segments (Li et al. 2011).

The image is I = b J + noise: b varies slowly (the bias), J takes one value in each of two phases. The energy is

    F(phi, c, b) = sum_k integral e_k M_k + nu length(phi) + mu distance_regulariser(phi),
    e_k = I^2 (K * 1) - 2 c_k I (K * b) + c_k^2 (K * b^2),   M_1 = H(phi), M_2 = 1 - H(phi),

with K a Gaussian truncated at two sigma. Means c, level set phi and bias b are updated in turn.
"""

__all__ = ["LevelSetResult", "evolve"]

import dataclasses

import numpy as np
from scipy import ndimage

from covid3dgan.errors import ArgumentError, InputError

TINY = 1e-10
LENGTH_SCALE = 255.0**2  # the published weights are for images in [0, 255]


@dataclasses.dataclass(frozen=True)
class LevelSetResult:
    """``inside``: (H, W) bool, phi > 0; ``bias``: (H, W); ``means``: of the inside and of the outside."""

    inside: np.ndarray
    bias: np.ndarray
    means: tuple[float, float]


def evolve(image, inside, sigma=15.0, nu=0.001, mu=1.0, time_step=0.1, epsilon=1.0, outer=10, inner=10,
           warm_up=5):
    """Evolves a first guess to the level set's segmentation.

    Args:
        image: (H, W) in [0, 1].
        inside: (H, W) bool, the first guess; both phases must be present.
        sigma: of K in pixels, about the radius of an object; 4 as published fits MR images, not cells.
        nu: weight of the contour's length, in units of 255^2.
        mu: weight of the regulariser that keeps phi near a distance function.
        time_step, epsilon: of the descent; width of the smoothed Heaviside function.
        outer, inner: rounds of (means, level set, bias), and descent steps in each.
        warm_up: rounds of (means, bias) before the contour first moves. From a good first guess they keep a dark
            corner from being taken for an object; 0 as published.
    """
    if outer < 1 or sigma <= 0:
        raise ArgumentError("the level set's outer and sigma", "at least one round and a positive width",
                            f"{outer} and {sigma:g}", "use for example 10 and 15")
    image = np.asarray(image, np.float32) * 255.0
    inside = np.asarray(inside, bool)
    if inside.all() or not inside.any():
        raise InputError("the level set's first guess", "two phases", "one", "choose another initialisation")
    phi = np.where(inside, np.float32(1.0), np.float32(-1.0))
    bias = np.ones_like(image)
    for _ in range(warm_up):
        means, _ = _fit_means(image, phi, bias, sigma, epsilon)
        bias = _fit_bias(image, phi, means, sigma, epsilon)
    for _ in range(outer):
        means, force = _fit_means(image, phi, bias, sigma, epsilon)
        for _ in range(inner):
            phi = _descend(phi, force, nu * LENGTH_SCALE, mu, time_step, epsilon)
        bias = _fit_bias(image, phi, means, sigma, epsilon)
    return LevelSetResult(phi > 0, bias, tuple(m / 255.0 for m in means))


def _fit_means(image, phi, bias, sigma, epsilon):
    """The two means under the present bias, and e_1 - e_2, in which the common first term cancels."""
    smooth_bias, smooth_square = _smooth(bias, sigma), _smooth(bias * bias, sigma)
    first = _heaviside(phi, epsilon)
    means = tuple(float((smooth_bias * image * m).sum() / max(float((smooth_square * m).sum()), TINY))
                  for m in (first, 1.0 - first))
    return means, -2.0 * (means[0] - means[1]) * image * smooth_bias + (means[0]**2 - means[1]**2) * smooth_square


def _fit_bias(image, phi, means, sigma, epsilon):
    first = _heaviside(phi, epsilon)
    fitted = means[0] * first + means[1] * (1.0 - first)
    fitted_square = means[0]**2 * first + means[1]**2 * (1.0 - first)
    return _smooth(image * fitted, sigma) / np.maximum(_smooth(fitted_square, sigma), TINY)


def _smooth(array, sigma):
    """Convolution with the truncated Gaussian, zero outside the image."""
    return ndimage.gaussian_filter(array, sigma, mode="constant", truncate=2.0)


def _heaviside(phi, epsilon):
    return 0.5 * (1.0 + (2.0 / np.pi) * np.arctan(phi / epsilon))


def _descend(phi, force, nu, mu, time_step, epsilon):
    """One explicit step; the borders are kept at zero normal derivative."""
    padded = np.pad(phi, 1, mode="symmetric")
    row, column = np.gradient(padded)
    size = np.sqrt(row * row + column * column) + TINY
    curvature = (np.gradient(row / size, axis=0) + np.gradient(column / size, axis=1))[1:-1, 1:-1]
    laplacian = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4.0 * phi)
    delta = (epsilon / np.pi) / (epsilon * epsilon + phi * phi)
    return phi + time_step * (delta * (nu * curvature - force) + mu * (laplacian - curvature))
