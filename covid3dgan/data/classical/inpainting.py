"""Fills holes in an image without learning: the fast alternative to Deep Image Prior for AF-SEG's backgrounds."""

__all__ = ["fill", "harmonic"]

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import linalg

SHIFTS = 24  # tries to copy texture from elsewhere before single pixels are drawn


def fill(image, hole, seed=(0,), smooth=2.0, texture=True, donor=None):
    """``image`` with the hole replaced by a smooth continuation of its surroundings and their texture.

    Args:
        image: (H, W) in [0, 1].
        hole: (H, W) bool; not everything.
        seed: sequence of ints, for the texture.
        smooth: sigma in pixels of the smoothing of the surroundings, so that their noise does not run into the hole.
        texture: add the surroundings' noise, taken from random places; without it the fill is recognisable by its
            smoothness, and a discriminator or a segmenter would learn that instead of the objects.
        donor: (image, hole) of the same shape that the texture is taken from instead, where little of the image is
            known; its strength is brought to that of the image's own.

    Returns:
        (H, W) float32 in [0, 1], equal to ``image`` outside the hole.
    """
    image, hole = np.asarray(image, np.float32), np.asarray(hole, bool)
    if not hole.any():
        return image.copy()
    known = ~hole
    surroundings = _normalised_blur(image, known, smooth) if smooth else image
    base = harmonic(np.where(known, surroundings, 0.0), hole)
    if texture:
        residual = np.where(known, image - surroundings, 0.0)
        if donor is None:
            base = base + _texture(residual, hole, hole, seed)
        else:
            base = base + _borrowed(residual, hole, donor, smooth, seed)
    return np.where(hole, np.clip(base, 0.0, 1.0), image).astype(np.float32)


def _normalised_blur(image, known, sigma):
    weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, mode="nearest")
    return ndimage.gaussian_filter(np.where(known, image, 0.0), sigma, mode="nearest") / np.maximum(weight, 1e-6)


def harmonic(image, hole):
    """The membrane over the hole: every filled pixel is the mean of its (two to four) neighbours.

    Args:
        image: (H, W); values inside the hole are not read.
        hole: (H, W) bool.
    """
    index = np.full(hole.shape, -1)
    count = int(hole.sum())
    index[hole] = np.arange(count)
    rows, columns = np.nonzero(hole)
    right_side, degree = np.zeros(count), np.zeros(count)
    entries = []
    for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = rows + down, columns + across
        exists = (y >= 0) & (y < hole.shape[0]) & (x >= 0) & (x < hole.shape[1])
        y, x, here = y[exists], x[exists], np.nonzero(exists)[0]
        degree[here] += 1
        unknown = hole[y, x]
        np.add.at(right_side, here[~unknown], image[y[~unknown], x[~unknown]])
        entries.append((here[unknown], index[y[unknown], x[unknown]]))
    row, column = (np.concatenate(parts) for parts in zip(*entries))
    system = sparse.csc_matrix((np.concatenate([degree, np.full(len(row), -1.0)]),
                                (np.concatenate([np.arange(count), row]), np.concatenate([np.arange(count), column]))))
    filled = np.array(image, np.float64)
    filled[hole] = linalg.spsolve(system, right_side)
    return filled


def _borrowed(residual, hole, donor, smooth, seed):
    """The donor's texture inside the hole, as strong as the image's own (robustly: few pixels may hold an edge)."""
    image, unknown = (np.asarray(part) for part in donor)
    others = np.where(unknown, 0.0, image - (_normalised_blur(image, ~unknown, smooth) if smooth else image))
    own, theirs = (float(np.median(np.abs(r[~h]))) for r, h in ((residual, hole), (others, unknown)))
    return _texture(others, unknown, hole, seed) * (own / theirs if theirs > 0 else 1.0)


def _texture(residual, unknown, hole, seed):
    """Noise for the hole: whole shifted copies of ``residual`` where it is not ``unknown``, which keep its correlation,
    then single pixels."""
    rng = np.random.default_rng(list(seed))
    texture, missing = np.zeros_like(residual), hole.copy()
    for _ in range(SHIFTS):
        shift = tuple(int(rng.integers(side)) for side in hole.shape)
        usable = missing & ~np.roll(unknown, shift, (0, 1))
        texture[usable] = np.roll(residual, shift, (0, 1))[usable]
        missing &= ~usable
    texture[missing] = rng.choice(residual[~unknown], int(missing.sum()))
    return texture
