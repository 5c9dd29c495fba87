"""How a map of lesion scores becomes a mask: one cut for all, or one relative to each slice's maximum (F23)."""

__all__ = ["binarise"]

import numpy as np


def binarise(scores, value, relative):
    """Boolean mask of the ``scores`` above the cut.

    A slice that is zero everywhere stays empty under either rule; under ``relative`` any other slice gets a lesion
    however small its scores are, which is why the published evaluation looks at infected slices alone.

    Args:
        scores: (slices, rows, columns), or (rows, columns) as one slice.
        value: the cut; under ``relative`` the share of each slice's own maximum.
        relative: True as the notebooks do, False as the text of paper 001 reads.

    Returns:
        Boolean array of the same shape.
    """
    scores = np.asarray(scores)
    if scores.dtype == bool:
        return scores.copy()
    if not np.issubdtype(scores.dtype, np.floating):
        scores = scores.astype(np.float64)
    if not relative:
        return scores > value
    # The cut is formed in float64 and rounded to the scores' own type, as NumPy 1 did for the published run.
    cuts = scores.max(axis=(-2, -1), keepdims=True).astype(np.float64) * value
    return scores > cuts.astype(scores.dtype)
