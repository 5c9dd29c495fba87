"""Coarse, annotation-free segmentation: the first step of AF-SEG (paper 003, section 2.1).

Cells: the bias-correcting level set. Vessels: Hessian vesselness above a threshold. Either is then eroded, since the
mask becomes the label of a network that finds missed foreground by itself but would learn false foreground.
"""

__all__ = ["cells", "coarse_mask", "drop_small", "erode", "otsu", "vessels"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.classical import level_set
from covid3dgan.data.classical.vesselness import vesselness
from covid3dgan.errors import InputError


def otsu(values, bins=256):
    """The threshold between two classes of largest between-class variance (Otsu 1979); for a constant, its value."""
    counts, edges = np.histogram(values, bins=bins)
    centres = (edges[1:] + edges[:-1]) / 2.0
    weight = np.cumsum(counts)
    mass = np.cumsum(counts * centres)
    between = (mass[-1] * weight - mass * weight[-1])**2 / np.maximum(weight * (weight[-1] - weight), 1)
    return float(edges[1:][np.argmax(between)])


def cells(image, initial="otsu", flat_field=40.0, dark=True, fill_holes=True, min_area=0, **level_set_options):
    """Cells by the level set.

    Args:
        image: (H, W) in [0, 1].
        initial: the first guess: "otsu" of the image divided by its Gaussian blur, or a centred "box".
        flat_field: sigma of that blur in pixels; several times a cell's radius.
        dark: cells darker than their ground; the phase is chosen by its mean.
        fill_holes: central pallor belongs to the cell.
        min_area: pixels; smaller pieces (platelets, debris) are dropped.
        level_set_options: of ``level_set.evolve``.

    Returns:
        (H, W) bool, not eroded.
    """
    inside = _first_guess(image, initial, flat_field)
    if inside.all() or not inside.any():
        return np.zeros(image.shape, bool)
    found = level_set.evolve(image, inside, **level_set_options)
    mask = found.inside if (found.means[0] < found.means[1]) == dark else ~found.inside
    if fill_holes:
        mask = ndimage.binary_fill_holes(mask)
    return drop_small(mask, min_area)


def _first_guess(image, initial, flat_field):
    if initial == "box":
        mask = np.zeros(image.shape, bool)
        rows, columns = (slice(side // 8, side - side // 8) for side in image.shape)
        mask[rows, columns] = True
        return mask
    flat = image / np.maximum(ndimage.gaussian_filter(image, flat_field, mode="nearest"), 1e-3)
    return flat < otsu(flat)


def vessels(image, threshold=None, min_area=0, **vesselness_options):
    """Vessels by Hessian vesselness.

    Args:
        image: (H, W) in [0, 1].
        threshold: on the vesselness; None takes Otsu's.
        min_area: pixels; smaller pieces are dropped.
        vesselness_options: of ``vesselness``.

    Returns:
        (H, W) bool, not eroded.
    """
    response = vesselness(image, **vesselness_options)
    if not response.any():
        return np.zeros(image.shape, bool)
    return drop_small(response > (otsu(response) if threshold is None else threshold), min_area)


def drop_small(mask, min_area):
    """The mask without its connected pieces of fewer than ``min_area`` pixels."""
    if min_area <= 1:
        return mask
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= min_area)[labels]


def erode(mask, iterations):
    """Erosion by a 3x3 cross; the image's border does not erode."""
    return ndimage.binary_erosion(mask, iterations=iterations, border_value=1) if iterations else mask


def coarse_mask(image, options, name="image", field=None):
    """The coarse mask under a preset, eroded and checked.

    Args:
        image: (H, W) in [0, 1].
        options: presets.afseg.Coarse.
        name: of the image, for the error's sentence.
        field: (H, W) bool, where there is image at all (a retina's disc); None is everywhere.
    """
    if options.method == "level_set":
        mask = cells(image, options.initial, options.flat_field, options.dark, min_area=options.min_area,
                     sigma=options.sigma, warm_up=options.warm_up)
        remedy = "change coarse.dark, coarse.sigma or coarse.flat_field"
    else:
        mask = vessels(image, options.threshold, options.min_area, scales=options.scales, beta=options.beta,
                       c=options.c, dark=options.dark)
        remedy = "change coarse.dark, coarse.threshold or coarse.scales"
    eroded = mask
    if options.erosion:
        eroded = drop_small(erode(mask, options.erosion), options.smallest_core)
        if options.dilate_back:
            eroded = ndimage.binary_dilation(eroded, iterations=options.erosion)
    if field is not None:
        eroded = eroded & field
    subject = f"coarse mask of {name}"
    if eroded.all():
        raise InputError(subject, "some background", "foreground everywhere", remedy)
    if not eroded.any():
        if mask.any():
            remedy = (f"lower coarse.erosion or coarse.smallest_core (now {options.erosion} and "
                      f"{options.smallest_core}; {int(mask.sum())} pixels were found before them)")
        raise InputError(subject, "some foreground", "none", remedy)
    return eroded
