"""The field of view of an image: a fundus or an angiogram is a disc or a box before a black surround."""

__all__ = ["DARK_SURROUND", "field_of_view", "without_rim", "without_surround"]

import numpy as np
from scipy import ndimage

DARK_SURROUND = 0.06  # values outside of it; in the green channel of a photograph of the fundus
RIM = 4  # pixels of the disc's edge that are blurred with the surround
SURROUND_BLUR = 1 / 60  # of the image's shorter side
# Shares that make a field of view plausible: of its bounding box (a disc has 0.79), of all that is not black, and of
# the image.
COMPACT, ONE_PIECE, SMALLEST_FIELD, LARGEST_FIELD = 0.7, 0.95, 0.3, 0.97


def without_surround(image, field):
    """The image with what lies outside of its field replaced by the nearest of the field, blurred.

    A black surround would look like an edge, and the nearest pixels alone would draw each vessel on as a streak.
    """
    if field.all():
        return image
    nearest = ndimage.distance_transform_edt(~field, return_distances=False, return_indices=True)
    smooth = ndimage.gaussian_filter(image[tuple(nearest)], SURROUND_BLUR * min(image.shape), mode="nearest")
    return np.where(field, image, smooth)


def field_of_view(image):
    """Where an image has a picture at all, less its blurred rim: a disc or a box before a black surround.

    Everywhere, unless the black reaches in from the border and leaves one compact piece: dark ground around bright
    objects does not.

    Args:
        image: (H, W) in [0, 1].

    Returns:
        (H, W) bool.
    """
    everywhere = np.ones(image.shape, bool)
    labels, _ = ndimage.label(_opened(image <= DARK_SURROUND))
    at_border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    field = _opened(~np.isin(labels, at_border[at_border > 0]))
    pieces, count = ndimage.label(field)
    if not count or field.all():
        return everywhere
    largest = np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    area, box = int((pieces == largest).sum()), ndimage.find_objects(pieces)[largest - 1]
    compact = area >= COMPACT * np.prod([side.stop - side.start for side in box]) and area >= ONE_PIECE * field.sum()
    if not compact or not SMALLEST_FIELD <= area / image.size <= LARGEST_FIELD:
        return everywhere
    return without_rim(pieces == largest)


def _opened(mask):
    """Without what is thinner than five pixels; the image's own border takes nothing away."""
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, iterations=2, border_value=1), iterations=2)


def without_rim(field):
    """The field less RIM pixels; the image's own border is no edge of the field."""
    field = ndimage.binary_erosion(field, iterations=RIM, border_value=1)
    return field if field.any() else np.ones(field.shape, bool)
