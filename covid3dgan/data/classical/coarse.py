"""Coarse, annotation-free segmentation: the first step of AF-SEG (paper 003, section 2.1).

Cells: the bias-correcting level set. Vessels: Hessian vesselness above a threshold. Either is then eroded, since the
mask becomes the label of a network that finds missed foreground by itself but would learn false foreground.
"""

__all__ = ["cells", "coarse_mask", "drop_small", "erode", "otsu", "trim", "vessels"]

import numpy as np
from scipy import ndimage

from covid3dgan.data.classical import level_set, ridges
from covid3dgan.data.classical.vesselness import vesselness
from covid3dgan.errors import ArgumentError, InputError

SCALES_FOR = 512  # pixels of the side that relative scales are given for
TRIM_BLUR, TRIM_REACH = 0.8, 10  # pixels of the same side
STRONG = 97  # percentile of a filter's answers by which the polarity is chosen


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


def vessels(image, options, field=None):
    """Vessels by a filter that answers to ridges.

    Args:
        image: (H, W) in [0, 1].
        options: presets.afseg.Coarse.
        field: (H, W) bool, where there is image at all; None is everywhere.

    Returns:
        (H, W) bool, not eroded; nothing outside the field.
    """
    field = np.ones(image.shape, bool) if field is None else _within(field, options.border)
    answer = np.where(field, _answer(image, options, field), 0.0)
    if not answer.any():
        return np.zeros(image.shape, bool)
    threshold = otsu(answer[field]) if options.threshold is None else options.threshold
    low, high = (threshold * share for share in options.hysteresis)
    mask = _hysteresis(answer, low, high) if low < high else answer > threshold
    return drop_small(mask, max(options.min_area, round(options.smallest_vessel * image.size)))


def _within(field, border):
    """The field without a rim of ``border`` times the image's side; the image's own border is no edge of the field."""
    rim = round(border * min(field.shape))
    inner = ndimage.binary_erosion(field, iterations=rim, border_value=1) if rim else field
    return inner if inner.any() else field


def _answer(image, options, field):
    """The filter's answer to vessels, (H, W) at least 0."""
    unit = min(image.shape) / SCALES_FOR if options.relative_scales else 1.0
    scales = tuple(scale * unit for scale in options.scales)
    if options.vessel_filter == "elongated":
        answers = dict(zip((True, False), ridges.ridges(ridges.evened(image, field), scales)))
    else:
        kinds = (True, False) if options.find_polarity else (options.dark,)
        answers = {dark: vesselness(image, scales, options.beta, options.c, dark) for dark in kinds}
    if not options.find_polarity:
        return answers[options.dark]
    # Noise answers alike to both; what is long and thin and of one kind alone stands out among the strongest answers.
    return max(answers.values(), key=lambda answer: float(np.percentile(answer[field], STRONG)))


def trim(mask, image, share, field=None):
    """The mask without its faint rim: an erosion that wide vessels lose pixels by and thin ones do not.

    A filter that is wide enough for a vessel answers beside it, too. A pixel stays where its contrast to its
    surroundings is at least ``share`` of the strongest one in its neighbourhood within the mask.

    Args:
        mask: (H, W) bool, vessels of either polarity.
        image: (H, W) in [0, 1].
        field: as in :func:`vessels`.
    """
    if not share or not mask.any():
        return mask
    unit = min(image.shape) / SCALES_FOR
    contrast = ndimage.gaussian_filter(ridges.evened(image, field), TRIM_BLUR * unit)
    contrast = contrast if contrast[mask].mean() > 0 else -contrast
    reach = max(2 * round(TRIM_REACH * unit / 2) + 1, 3)
    strongest = ndimage.maximum_filter(np.where(mask, contrast, -np.inf), reach, mode="nearest")
    return mask & (contrast >= share * strongest)


def _hysteresis(answer, low, high):
    """Pieces above ``low`` that reach above ``high`` somewhere: faint vessels are kept where they join clear ones."""
    labels, count = ndimage.label(answer > low, np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[labels[answer > high]] = True
    kept[0] = False
    return kept[labels]


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


def _check(options):
    low, high = options.hysteresis
    if not 0.0 < low <= high:
        raise ArgumentError("coarse.hysteresis", "two shares above 0, the lower one first", f"{low:g},{high:g}",
                            "use for example 0.8,1.5, or 1,1 for one cut")
    if not 0.0 <= options.border < 0.5:
        raise ArgumentError("coarse.border", "a share of at least 0 and below 0.5", f"{options.border:g}",
                            "use for example 0.01")
    if not 0.0 <= options.trim < 1.0:
        raise ArgumentError("coarse.trim", "a share of at least 0 and below 1", f"{options.trim:g}",
                            "use for example 0.25")
    if not 0.0 <= options.smallest_vessel < 1.0:
        raise ArgumentError("coarse.smallest_vessel", "a share of at least 0 and below 1",
                            f"{options.smallest_vessel:g}", "use for example 0.0003")


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
        _check(options)
        mask = vessels(image, options, field)
        remedy = "change coarse.dark, coarse.threshold or coarse.scales"
    eroded = mask
    if options.erosion:
        eroded = drop_small(erode(mask, options.erosion), options.smallest_core)
        if options.dilate_back:
            eroded = ndimage.binary_dilation(eroded, iterations=options.erosion)
    if options.method == "hessian":
        eroded = trim(eroded, image, options.trim, field)
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
