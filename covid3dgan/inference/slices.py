"""Lesions in a single slice: the 2D network takes any slice, whatever else the CT shows (paper 001, Section 3.2)."""

__all__ = ["draw_overlay", "predict_slice", "read_ct"]

import dataclasses

import numpy as np

from covid3dgan.data import slice_image, volumes
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.data.preprocess.slice_lungs import find_slice_lungs, millimetres
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.doubts import slice_doubts
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN

COPIES, THICKNESS = 3, 5.0  # of the slice, and mm of each, that make it a volume for the recipe


def read_ct(item, window=None, turned=None):
    """The Volume or, for a picture or a file of one slice, the SliceImage of an inference.inputs.Input.

    Args:
        window, turned: see data.slice_image.read_picture; for pictures alone.
    """
    if item.is_picture:
        return slice_image.read_picture(item.path, window or item.window, turned)
    ct = volumes.read(item.path, window=item.window, series=item.series, flat=True)
    return slice_image.from_volume(ct) if 1 in ct.shape else ct


def predict_slice(predictor, image, lung_mask=None):
    """(mask, scores, lungs, facts) of a slice, maps in the layout of its file.

    Args:
        predictor: inference.lesions.LesionPredictor.
        image: data.slice_image.SliceImage.
        lung_mask: a Volume (X, Y, 1) on the slice's grid; found in the slice if None.
    """
    spacing = image.spacing or millimetres(image.upright)
    lungs = find_slice_lungs(image.upright, spacing) if lung_mask is None else _given(image, lung_mask)
    if not lungs.any():
        raise InputError(image.source, "an axial slice of a chest CT with air-filled lungs", "no lungs",
                         "pass another slice, or say --window LOW HIGH if its grey values were taken wrongly")
    # Canonical order is X to the right, Y to the front: columns run to the left, rows to the back.
    ct, lung_volume = (Volume(np.repeat(array[::-1, ::-1].T[..., None], COPIES, axis=2),
                              np.diag([spacing[1], spacing[0], THICKNESS, 1.0]), source=image.source)
                       for array in (image.upright, lungs))
    shape = (COPIES, *predictor.preset.gan.volume_shape[1:])
    case = prepare(ct, lung_volume, options=dataclasses.replace(predictor.preset.preprocess, shape=shape, min_slices=1))
    scores = predictor.finds(predictor.cut_scores(case.lung[:1]), case.lung[:1], case.spacing)
    on_slice = prepared_case.restore(case, np.repeat(scores, COPIES, axis=0), order=1)[..., 0].T[::-1, ::-1]
    mask = (on_slice > predictor.threshold) & lungs
    sizes = _sizes(mask, lungs, image.spacing)
    said = slice_doubts(image, lungs, sizes["infection_rate_percent"])
    return (image.back(mask.astype(np.uint8)), image.back(on_slice.astype(np.float32)),
            image.back(lungs.astype(np.uint8)), {**sizes, **image.facts, "warnings": said})


def draw_overlay(image, mask, lungs):
    """(H, W, 3) in [0, 1]: the slice in the layout of its file, infection red, the lungs' edge blue."""
    grey = image.back(np.clip((image.upright - HU_RANGE[0]) / HU_SPAN, 0, 1))
    grey, mask, lungs = (np.squeeze(array) for array in (grey, mask, lungs))
    if image.volume is not None:  # a picture of voxels (X, Y) has rows along Y
        grey, mask, lungs = grey.T, mask.T, lungs.T
    inside = lungs > 0
    edge = inside & ~(np.roll(inside, 1, 0) & np.roll(inside, -1, 0) & np.roll(inside, 1, 1) & np.roll(inside, -1, 1))
    colours = np.repeat(grey[..., None], 3, axis=2)
    colours[edge] = (0.2, 0.5, 1.0)
    infected = mask > 0
    colours[infected] = 0.5 * colours[infected] + 0.5 * np.array((1.0, 0.1, 0.1))
    return colours


def _given(image, mask):
    if image.volume is None or mask.shape != image.volume.shape:
        raise InputError(mask.source or "lungs", f"a lung mask on the grid of {image.source}", f"{mask.shape}",
                         "leave it out to find the lungs in the slice")
    return mask.canonical().array[::-1, ::-1, 0].T > 0


def _sizes(mask, lungs, spacing):
    """Rates in percent of the lungs in the slice, in all and per side; areas where the slice says its spacing."""
    columns = np.flatnonzero(lungs.any(axis=0))
    middle = int(columns.mean().round())
    facts = {"infection_rate_percent": _rate(mask, lungs)}
    # The patient's right is on the left.
    for side, part in (("left", slice(middle, None)), ("right", slice(None, middle))):
        facts[f"{side}_infection_rate_percent"] = _rate(mask[:, part], lungs[:, part])
    facts.update(infection_pixels=int(mask.sum()), lung_pixels=int(lungs.sum()))
    if spacing is not None:
        square_cm = spacing[0] * spacing[1] / 100.0
        facts.update(infection_cm2=float(mask.sum() * square_cm), lung_cm2=float(lungs.sum() * square_cm))
    return facts


def _rate(mask, lungs):
    return 100.0 * np.count_nonzero(mask & lungs) / max(1, np.count_nonzero(lungs))
