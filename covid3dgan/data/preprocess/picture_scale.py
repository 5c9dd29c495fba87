"""What the grey values of a picture of a CT slice stand for in HU, estimated from the picture itself.

A PNG or JPEG has no HU; whoever made it showed some window. Three things in a chest have known HU: air around the
patient, the best aerated parts of the lungs, and soft tissue. Where they lie in the picture's histogram gives the
straight line from grey to HU.
"""

__all__ = ["estimate_window"]

import numpy as np
from scipy import ndimage

from covid3dgan.errors import InputError

# HU of air, of the lungs' darkest parts (as measured in slices of patients with and without disease, after SMOOTHING),
# and of muscle and blood without contrast medium.
AIR, LUNG, SOFT = -1010.0, -870.0, 20.0
DARKEST = 2.0             # percent of the lungs that are darker than LUNG
FAT_TO_SOFT = (95, 160)   # HU that the mode of fat lies below that of soft tissue
NOTABLE = 0.35            # of the largest mode, that another must have
SMOOTHING = 1.0           # pixels, against noise and JPEG's blocks
CLIPPED = 0.012           # as near as this to black or white a mode is the end of the window, not a tissue
LEAST_AIR = 0.05          # below this the air around the patient may be cut off by the window
LEAST_CONTRAST = 0.1      # of the whole range, between lung and soft tissue
LEAST_SMOOTH = 0.5        # share of the variance that smoothing leaves; noise loses nearly all
SPREAD = 0.03             # the width of the kernel that finds a mode, as a share of the range


def estimate_window(grey, path):
    """The HU that values 0 and 1 stand for.

    Args:
        grey: (rows, columns) float in [0, 1].
        path: for messages.

    Returns:
        (HU of 0, HU of 1).

    Raises:
        InputError: the picture shows no dark lungs in brighter tissue.
    """
    smooth = ndimage.gaussian_filter(np.asarray(grey, np.float64), SMOOTHING)
    if smooth.var() < LEAST_SMOOTH * max(np.var(grey), 1e-12):
        raise InputError(path, "a picture of a CT slice", "noise", "pass a slice of a chest CT")
    cut = _halves(smooth)
    outside, inside = _air_and_lungs(smooth, cut)
    bright = smooth[smooth >= cut]
    if not len(inside) or np.median(bright) - np.percentile(inside, DARKEST) < LEAST_CONTRAST:
        raise InputError(path, "dark lungs in brighter tissue", "no such contrast",
                         "pass a slice of a chest CT in a lung window, or say its window with --window LOW HIGH")
    dark, hu_dark = float(np.percentile(inside, DARKEST)), LUNG
    if len(outside) > 0.02 * smooth.size and _modes(outside)[0] > LEAST_AIR:
        dark, hu_dark = _modes(outside)[0], AIR  # surer than the lungs, where the window shows it
    elif len(outside) and np.median(inside) - np.median(outside) < CLIPPED:
        hu_dark = AIR  # gas, as dark as the air around the patient, not lungs
    soft, hu_soft = _soft(bright, dark, hu_dark), SOFT
    if soft > 1 - CLIPPED:  # white: the window ends below it
        soft, hu_soft = 1.0, 0.0
    slope = (hu_soft - hu_dark) / (soft - dark)
    return float(hu_soft - slope * soft), float(hu_soft + slope * (1 - soft))


def _soft(bright, dark, hu_dark):
    """Where soft tissue lies: the largest mode of what is bright, unless that is fat and there is one above it."""
    modes = sorted(_modes(bright[bright < 1 - CLIPPED])) if (bright < 1 - CLIPPED).any() else [1.0]
    scale = (SOFT - hu_dark) / (_modes(bright)[0] - dark)
    for fat in modes:
        above = [mode for mode in modes if FAT_TO_SOFT[0] < (mode - fat) * scale < FAT_TO_SOFT[1]]
        if above:
            return above[0]
    return _modes(bright)[0]


def _halves(values):
    """The value that parts dark from bright with the least variance within both (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centres = 0.5 * (edges[:-1] + edges[1:])
    below = np.cumsum(counts)[:-1].astype(np.float64)
    total, sums = counts.sum(), np.cumsum(counts * centres)
    above = np.maximum(total - below, 1e-9)
    between = below * above * (sums[:-1] / np.maximum(below, 1e-9) - (sums[-1] - sums[:-1]) / above) ** 2
    return float(edges[1:-1][np.argmax(between)])


def _air_and_lungs(smooth, cut):
    """The values of what is dark: what touches the picture's edges widely is the air around a patient, but for black
    corners, the rest lungs."""
    labels, count = ndimage.label(smooth < cut)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.bincount(border, minlength=count + 1) > 0.1 * len(border)
    touching[0] = False
    outside = touching[labels]
    shown = smooth[outside & (smooth > CLIPPED)]
    return (shown if len(shown) > 0.02 * smooth.size else smooth[outside]), smooth[(labels > 0) & ~outside]


def _modes(values):
    """Where values are dense: the modes that hold ``NOTABLE`` of the largest, which comes first."""
    counts, edges = np.histogram(values, np.linspace(0, 1, 513))
    dense = ndimage.gaussian_filter1d(counts.astype(np.float64), SPREAD * 512 / 2)
    rises = np.diff(np.concatenate([[0.0], dense, [0.0]]))
    peaks = np.flatnonzero((rises[:-1] > 0) & (rises[1:] <= 0) & (dense >= NOTABLE * dense.max()))
    return [float(0.5 * (edges[i] + edges[i + 1])) for i in peaks[np.argsort(-dense[peaks], kind="stable")]]
