"""Whether a picture of an axial slice lies on its side, as COVID-SemiSeg's do, and the way there and back."""

__all__ = ["TURNED", "dark_regions", "find_turn", "turned_back", "upright"]

import numpy as np
from scipy import ndimage

TURNED = ("no", "left", "right")  # where the patient's front points, if not up
AERATED = -400.0                  # HU
BONE = 250.0                      # HU; blood with contrast medium stays below
MIDDLE = 0.15                     # half-width of the band between the lungs, as a share of the distance across both
PIECE = 0.1                       # of the largest dark region, that another must have to count as lung
DENSITY, BONES = 40.0, 0.1        # HU from front to back, and share of the depth, that are as sure a sign as each other


def upright(image, turned):
    """(rows, columns, ...) with the patient's front up."""
    return np.rot90(image, {"no": 0, "left": -1, "right": 1}[turned])


def turned_back(image, turned):
    """Undoes ``upright``."""
    return np.rot90(image, {"no": 0, "left": 1, "right": -1}[turned])


def find_turn(hu):
    """Where the patient's front points to: "no" (up), "left" or "right".

    Lungs lie side by side, so that they, and the body, spread wider from left to right than from front to back. The
    back is where the spine is, and where the lungs of a patient who lies on it are denser.

    Args:
        hu: (rows, columns).
    """
    lungs, body = dark_regions(hu)
    if sum(_width_over_depth(region) for region in (lungs, body)) >= 0:
        return "no"
    signs = {turned: _sign_of_front_up(upright(hu, turned), upright(lungs, turned)) for turned in ("left", "right")}
    return max(signs, key=signs.get)


def dark_regions(hu):
    """The lungs, roughly (dark regions that are not the air around the patient), and the body, air and all; empty
    where the picture is cut within it."""
    labels, count = ndimage.label(ndimage.gaussian_filter(np.clip(hu, -1024, 400), 1.5) < AERATED)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    size = np.bincount(labels.ravel(), minlength=count + 1)
    outside = np.bincount(border, minlength=count + 1) > 0.1 * len(border)
    outside[0] = False
    size[outside] = size[0] = 0
    body = ~outside[labels] if outside[labels].mean() > 0.1 else np.zeros(hu.shape, bool)
    return (size >= max(1, PIECE * size.max()))[labels], body


def _width_over_depth(region):
    """The logarithm of the spread along columns over that along rows; 0 where there is nothing."""
    rows, columns = np.nonzero(region)
    return float(np.log(max(columns.var(), 1) / max(rows.var(), 1))) if len(rows) else 0.0


def _sign_of_front_up(hu, lungs):
    """How much speaks for the front being up, against its being down."""
    rows, columns = np.nonzero(lungs)
    centre, half = rows.mean(), MIDDLE * np.ptp(columns)
    values = hu[lungs]
    behind = rows > centre
    sign = (values[behind].mean() - values[~behind].mean()) / DENSITY if 0 < behind.sum() < len(rows) else 0.0
    middle = hu[:, int(columns.mean() - half):int(columns.mean() + half) + 1]
    bone = np.nonzero(ndimage.uniform_filter(middle, 5) > BONE)[0]
    if len(bone):
        sign += (bone.mean() - centre) / np.ptp(rows) / BONES
    return sign
