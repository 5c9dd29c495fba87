"""What scanners and patients do to a slice: kernels, noise, contrast agent, density, another mask, another place.

All act on a painted slice, so that a lesion is as sharp and as noisy as the lung around it: else a network would learn
to tell the painting from the lung by that alone.
"""

__all__ = ["scanned", "thickened"]

import numpy as np
from scipy import ndimage

from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

THICKNESS = (0.0, 1.2)  # standard deviation of the blur across slices, in slices
SOFTEST, SHARPEST = 0.9, 1.2  # a smooth kernel's standard deviation in pixels, a sharp one's gain of the details
NOISE_HU = 11.0  # mean of the noise's standard deviation, which is drawn exponentially
NOISIEST_HU = 50.0
SHIFT_HU, SLOPE_HU = 15.0, 25.0  # of the lung's density: a whole slice's, and from front to back
DENSE_HU, AGENT = -500.0, (-0.2, 0.35)  # what is denser is brighter by this share: contrast agent in the vessels
TURN, ZOOM, STRETCH, SHIFT = 10.0, 0.18, 0.12, 0.06  # degrees, logarithms of factors, share of the side


def thickened(volumes, rng):
    """Arrays (slices, rows, columns), a lesion's and its extent's, blurred across slices alike: thicker slices."""
    sigma = rng.uniform(*THICKNESS) if rng.random() < 0.6 else 0.0
    if not sigma:
        return volumes
    return [ndimage.gaussian_filter1d(volume, sigma, axis=0, mode="nearest", truncate=3.0) for volume in volumes]


def scanned(image, target, lungs, rng):
    """A slice as another scanner might show it.

    Args:
        image: (rows, columns) float32 in [0, 1], 0 = -1000 HU, with what lies around the lungs.
        target: (rows, columns) float32, how much of each pixel a lesion takes.
        lungs: (rows, columns) bool.
        rng: `numpy.random.Generator`.

    Returns:
        (image, target): 0 outside the mask that was drawn for the lungs.
    """
    image = _resolved(image, rng)
    image = image + _density(image, rng)
    image += _noise(image.shape, rng)
    image, target, lungs = _placed((image, target, lungs.astype(np.float32)), rng)
    mask = _mask(lungs > 0.5, rng)
    return np.where(mask, np.clip(image, 0.0, 1.0), 0.0).astype(np.float32), np.where(mask, target, 0.0)


def _resolved(image, rng):
    """By a smooth kernel, a sharp one, or as it was."""
    kind = rng.random()
    if kind < 0.35:
        return ndimage.gaussian_filter(image, rng.uniform(0.2, SOFTEST))
    if kind < 0.7:
        return image + rng.uniform(0.0, SHARPEST) * (image - ndimage.gaussian_filter(image, 0.8))
    return image


def _density(image, rng):
    """What is added (rows, columns): a lung that holds less air, lies differently, or has contrast agent in it."""
    rows = np.linspace(-0.5, 0.5, image.shape[0], dtype=np.float32)[:, None]
    added = rng.normal(0.0, SHIFT_HU) + rng.normal(0.0, SLOPE_HU) * rows
    dense = np.maximum(image - np.float32((DENSE_HU - HU_RANGE[0]) / HU_SPAN), 0.0)
    return (added / HU_SPAN + rng.uniform(*AGENT) * dense).astype(np.float32)


def _noise(shape, rng):
    """Noise of a level drawn for the slice, white or as smooth as a soft kernel leaves it."""
    level = min(rng.exponential(NOISE_HU), NOISIEST_HU) / HU_SPAN
    noise = rng.standard_normal(shape, dtype=np.float32)
    if rng.random() < 0.5:
        noise = ndimage.gaussian_filter(noise, 0.6)
        noise /= noise.std()
    return np.float32(level) * noise


def _placed(images, rng):
    """Images (rows, columns) turned, zoomed, stretched, shifted and mirrored alike; what comes from outside is 0."""
    angle = np.deg2rad(rng.uniform(-TURN, TURN))
    zoom, stretch = rng.uniform(-ZOOM, ZOOM), rng.uniform(-STRETCH, STRETCH)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag(np.exp([zoom + stretch, zoom - stretch]))
    if rng.random() < 0.5:
        matrix = matrix @ np.diag([1.0, -1.0])
    size = np.array(images[0].shape)
    centre = (size - 1) / 2
    offset = centre - matrix @ (centre + rng.uniform(-SHIFT, SHIFT, 2) * size)
    return [ndimage.affine_transform(image, matrix, offset, order=1, mode="constant") for image in images]


def _mask(lungs, rng):
    """The lungs, or a mask that takes in more around them, as other ways to find lungs do: hila, pleura, chest wall."""
    kind = rng.random()
    if kind < 0.7:
        return lungs
    if kind < 0.8:
        return ndimage.binary_dilation(lungs)
    size = int(rng.integers(2, 5))
    closed = ndimage.binary_closing(np.pad(lungs, size), iterations=size)[size:-size, size:-size]
    return closed | lungs
