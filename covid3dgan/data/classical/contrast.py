"""Paper 003's preparation of angiograms: median filter, then contrast-limited adaptive histogram equalisation."""

__all__ = ["clahe", "prepare_angiogram"]

import numpy as np
from scipy import ndimage

LEVELS = 256


def prepare_angiogram(image, median=3, tiles=8, clip=2.0):
    """Median filter of ``median`` pixels, then :func:`clahe`; the paper gives neither size nor limit.

    Args:
        image: (H, W) in [0, 1].
        median: side of the filter's window; 1 leaves the image as it is.
        clip: 0 leaves the equalisation out.
    """
    if median > 1:
        image = ndimage.median_filter(image, median, mode="nearest")
    return clahe(image, tiles, clip) if clip > 0 else image


def clahe(image, tiles=8, clip=2.0):
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994).

    Each tile's histogram of 256 levels is clipped at ``clip`` times its mean count, the excess is spread evenly, and
    the pixel's value is interpolated between the mappings of the four nearest tiles.

    Args:
        image: (H, W) in [0, 1]; mirrored at the far edges where ``tiles`` does not divide it.

    Returns:
        (H, W) float32 in [0, 1].
    """
    rows, columns = image.shape
    height, width = -(-rows // tiles), -(-columns // tiles)
    levels = np.rint(np.clip(image, 0, 1) * (LEVELS - 1)).astype(np.int64)
    padded = np.pad(levels, ((0, height * tiles - rows), (0, width * tiles - columns)), mode="reflect")
    blocks = padded.reshape(tiles, height, tiles, width).transpose(0, 2, 1, 3).reshape(tiles * tiles, -1)
    offset = np.arange(tiles * tiles)[:, None] * LEVELS
    counts = np.bincount((blocks + offset).ravel(), minlength=tiles * tiles * LEVELS).reshape(-1, LEVELS)
    limit = max(int(clip * height * width / LEVELS), 1)
    excess = np.maximum(counts - limit, 0).sum(axis=1, keepdims=True)
    clipped = np.minimum(counts, limit) + excess / LEVELS
    mapping = (np.cumsum(clipped, axis=1) / (height * width)).reshape(tiles, tiles, LEVELS)

    low_row, high_row, row_share = _neighbours(rows, height, tiles)
    low_column, high_column, column_share = _neighbours(columns, width, tiles)
    row_share, column_share = row_share[:, None], column_share[None, :]

    def mapped(tile_rows, tile_columns):
        return mapping[tile_rows[:, None], tile_columns[None, :], levels]

    upper = mapped(low_row, low_column) * (1 - column_share) + mapped(low_row, high_column) * column_share
    lower = mapped(high_row, low_column) * (1 - column_share) + mapped(high_row, high_column) * column_share
    return (upper * (1 - row_share) + lower * row_share).astype(np.float32)


def _neighbours(length, size, tiles):
    """For each pixel of one axis: the tile before, the tile after, and the share of the latter."""
    position = (np.arange(length) + 0.5) / size - 0.5
    low = np.floor(position).astype(int)
    return np.clip(low, 0, tiles - 1), np.clip(low + 1, 0, tiles - 1), position - low
