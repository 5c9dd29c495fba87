"""How sure a segmenter is: the spread of its scores when it sees each slice mirrored or moved by a few pixels.

A network that is sure gives the same scores wherever a slice lies. The spread tells where a small change of the input
changes the answer; it knows nothing of what the network never learned.
"""

__all__ = ["spread_over_views"]

import numpy as np

STEP = 2  # pixels
VIEWS = ((False, 0, 0), (True, 0, 0), (False, STEP, 0), (True, 0, STEP), (False, -STEP, -STEP))


def spread_over_views(score, volume):
    """The standard deviation of the scores over ``VIEWS``, each brought back to its place.

    Args:
        score: function of (slices, rows, columns) -> scores of the same shape.
        volume: a prepared lung image (slices, rows, columns), 0 outside of the lungs.

    Returns:
        (slices, rows, columns) float32.
    """
    seen = []
    for mirrored, rows, columns in VIEWS:
        view = _moved(volume, rows, columns)
        found = np.asarray(score(view[:, :, ::-1] if mirrored else view))
        seen.append(_moved(found[:, :, ::-1] if mirrored else found, -rows, -columns))
    return np.std(seen, axis=0).astype(np.float32)


def _moved(volume, rows, columns):
    """Each slice moved; what comes in at an edge is 0."""
    moved = np.roll(volume, (rows, columns), (1, 2))
    for axis, step in ((1, rows), (2, columns)):
        edge: list = [slice(None)] * 3
        edge[axis] = slice(None, step) if step > 0 else slice(moved.shape[axis] + step, None)
        if step:
            moved[tuple(edge)] = 0
    return moved
