"""Whether scores mean what they say: of the voxels scored 0.7, seven of ten should be lesion."""

__all__ = ["Reliability", "reliability"]

import dataclasses

import numpy as np

from covid3dgan.errors import InputError

BINS = 10


@dataclasses.dataclass(frozen=True)
class Reliability:
    """One entry for each bin of scores that holds any voxel.

    Attributes:
        score: the mean score.
        share: the share of lesion among the voxels.
        count: how many voxels.
        error: the expected calibration error: the mean of |score - share| over all voxels (Guo et al. 2017).
    """

    score: tuple
    share: tuple
    count: tuple
    error: float


def reliability(scores, truth, bins=BINS):
    """The :class:`Reliability` of scores, cut to [0, 1], against the truth, in bins of equal width.

    Args:
        scores: any shape, float.
        truth: the same shape, bool.

    >>> curve = reliability(np.array([0.1, 0.1, 0.9, 0.9]), np.array([False, False, True, False]))
    >>> curve.share, curve.count, round(curve.error, 3)
    ((0.0, 0.5), (2, 2), 0.25)
    """
    scores, truth = np.clip(np.ravel(scores), 0, 1).astype(float), np.ravel(truth).astype(float)
    if scores.size != truth.size or not scores.size:
        raise InputError("scores", f"one for each of {truth.size} voxels, at least one", f"{scores.size}",
                         "pass the scores of the same voxels")
    at = np.minimum((scores * bins).astype(int), bins - 1)
    count = np.bincount(at, minlength=bins)
    held = count > 0
    mean, share = (np.bincount(at, values, bins)[held] / count[held] for values in (scores, truth))
    error = float(np.sum(np.abs(mean - share) * count[held]) / scores.size)
    return Reliability(tuple(mean.tolist()), tuple(share.tolist()), tuple(count[held].tolist()), error)
