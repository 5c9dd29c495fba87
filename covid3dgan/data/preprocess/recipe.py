"""From a CT in HU to the network's volumes: lung image, lung mask, base image and infection mask of one shape.

Two recipes, and every mixture of them: `PreprocessOptions.published()` does step by step what the published notebook
does, quirks on; `PreprocessOptions.paper()` does what the text of Shabani et al. 2022 says. Every difference is
an option that names its line of docs/FIDELITY.md (F-number).
"""

__all__ = ["PreprocessOptions", "RECIPES", "prepare", "preprocess"]

import dataclasses
from typing import Optional, Union

import numpy as np
from scipy import ndimage

from covid3dgan.data.files import geometry
from covid3dgan.data.files.checks import warn_or_refuse
from covid3dgan.data.preprocess import frame, lung_level, lungs, resize
from covid3dgan.data.preprocess.network_grid import NetworkGrid
from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import ArgumentError, InputError, nearest_names
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN, PreprocessOptions

Mask = Union[Volume, np.ndarray]
RECIPES = {"published": PreprocessOptions.published, "paper": PreprocessOptions.paper}


def preprocess(volume: Volume, lung_mask: Optional[Mask] = None, infection: Optional[Mask] = None,
               recipe: str = "published") -> PreparedCase:
    """Prepares one CT by a named recipe; see `prepare`.

    >>> case = preprocess(volumes.read("ct.nii.gz"), recipe="paper")           # doctest: +SKIP
    >>> case.lung.shape                                                        # doctest: +SKIP
    (32, 128, 128)
    """
    if recipe not in RECIPES:
        raise ArgumentError("recipe", f"one of {', '.join(RECIPES)}", f"{recipe!r}{nearest_names(recipe, RECIPES)}",
                            "choose one of them")
    return prepare(volume, lung_mask, infection, RECIPES[recipe]())


def prepare(volume: Volume, lung_mask: Optional[Mask] = None, infection: Optional[Mask] = None,
            options: Optional[PreprocessOptions] = None, case_id: Optional[str] = None) -> PreparedCase:
    """Prepares one CT.

    Args:
        volume: the CT, a `Volume` in HU.
        lung_mask: a `Volume` or array on the CT's grid, above 0 in the lungs; or, with ``resize_before_crop``, an array
            of ``options.shape`` as a lung net gives it for the resampled CT. None: made by ``options.lung_method``.
        infection: a `Volume` or array on the CT's grid, above 0 in the infection; None where there is none to know.
        options: `PreprocessOptions`; the paper's if None.
        case_id: the case's name; the CT's source if None.

    Returns:
        `PreparedCase`.

    Raises:
        InputError: where no lungs are found, nothing is left of them, or the inputs do not fit together.
    """
    options = options or PreprocessOptions.paper()
    options = dataclasses.replace(options, lung_method=lungs.method_here(options.lung_method))
    name = case_id or volume.source or "volume"
    _check_ct(volume, options, name)
    infected = None if infection is None else _on_ct_grid(volume, infection, name, "infection")
    grid = NetworkGrid(volume, options)
    hu, lung, lung_source = _lung_mask(volume, lung_mask, grid, options, name)
    box = _crop_box(lung, [options.crop_margin / s for s in grid.spacing], options.exclusive_crop, name)
    inside = box  # a widened box may reach beyond the CT, where there is air
    if options.keep_aspect:
        box = _in_proportion(box, grid.spacing, options.shape)
        inside = tuple(slice(max(0, side.start), min(size, side.stop)) for side, size in zip(box, lung.shape))

    hu = _widened(grid.sample(volume.array, inside) if hu is None else hu[inside], inside, box, HU_RANGE[0])
    lung = _widened(lung[inside], inside, box, False)
    masks = {"lung_mask": lung, "infection": None if infected is None else _widened(
        grid.sample_mask(infected)[inside], inside, box, False)}
    base = _normalised(hu)
    images = {"lung": np.where(lung, _lung_image(hu, lung, base, options), 0), "base": base}

    arrays = {key: _resized(array, options.shape) for key, array in images.items()}
    arrays.update((key, None if mask is None else _resized_mask(mask, options)) for key, mask in masks.items())
    return PreparedCase(
        id=str(name), **arrays, to_voxel=grid.cropped_to_voxel(box, options.shape), ct_affine=volume.affine,
        ct_shape=volume.shape, facts={
            "options": dataclasses.asdict(options), "lung_mask": lung_source, "source": volume.source,
            "ct_spacing_mm": list(volume.spacing), "ct_orientation": volume.orientation,
            "grid_shape": list(grid.shape), "crop": [[side.start, side.stop] for side in box]})


def _check_ct(volume, options, name):
    low, high = float(volume.array.min()), float(volume.array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(name, "finite HU values", f"values from {low} to {high}", "repair the CT")
    if options.orientation == "rotate" and volume.orientation[2] not in "SI":
        warn_or_refuse(name, "axial slices along the third axis, which the published rotation takes for granted",
                       f"{volume.orientation} voxels", "use orientation='affine'")
    slices = frame.view(volume.array, volume.affine, options.orientation)[0].shape[0]
    if slices < max(options.min_slices, 2):
        raise InputError(name, f"at least {max(options.min_slices, 2)} slices", f"{slices}",
                         "leave this case out, or pass a smaller preprocess.min_slices")


def _on_ct_grid(volume, mask, name, role):
    """A mask as bool (X, Y, Z), checked against the CT's grid."""
    array = mask.array if isinstance(mask, Volume) else np.asarray(mask)
    if array.shape != volume.shape:
        raise InputError(f"{name}: {role}", f"a mask of the CT's shape {volume.shape}", f"{array.shape}",
                         "resample it to the CT first")
    if isinstance(mask, Volume) and not geometry.same_grid(volume.shape, volume.affine, mask.shape, mask.affine):
        raise InputError(f"{name}: {role}", "a mask with the CT's affine", "another one", "bring it to the CT's grid")
    return array > 0


def _lung_mask(volume, given, grid, options, name):
    """The resampled CT where it was needed (else None), the lung mask on the network grid, and where it came from."""
    if given is not None:
        array = given.array if isinstance(given, Volume) else np.asarray(given)
        if options.resize_before_crop and array.shape == tuple(options.shape) != volume.shape:
            return None, array > 0, "given on the resampled grid"
        return None, grid.sample_mask(_on_ct_grid(volume, given, name, "lung mask")), "given"
    if options.lung_grid == "resampled":
        hu = grid.sample(volume.array)
        found = lungs.segment_lungs(Volume(hu, grid.affine, source=volume.source), options.lung_method)
        return hu, found > 0, f"{options.lung_method} on the resampled CT"
    found = lungs.segment_lungs(volume, options.lung_method)
    return None, grid.sample_mask(found > 0), f"{options.lung_method} on the original CT"


def _crop_box(lung, margin, exclusive, name):
    """Three slices around the lungs; the published ones stop before the last lung slice, row and column."""
    kept = _bounds(lung.any((1, 2)), exclusive, name)
    rows, columns = (_bounds(lung[kept].any(axes), exclusive, name) for axes in ((0, 2), (0, 1)))
    return tuple(slice(max(0, side.start - round(extra)), min(size, side.stop + round(extra)))
                 for side, extra, size in zip((kept, rows, columns), margin, lung.shape))


def _in_proportion(box, spacing, shape):
    """The box with rows and columns widened evenly to both sides, so that the network's pixels are as high as wide."""
    per_pixel = max((side.stop - side.start) * step / count
                    for side, step, count in zip(box[1:], spacing[1:], shape[1:]))
    widened = [box[0]]
    for side, step, count in zip(box[1:], spacing[1:], shape[1:]):
        more = max(0, round(per_pixel * count / step) - (side.stop - side.start))
        widened.append(slice(side.start - more // 2, side.stop + more - more // 2))
    return tuple(widened)


def _widened(array, inside, box, fill):
    """An array of the part ``inside`` of ``box``, filled up to the whole box."""
    return np.pad(array, [(part.start - side.start, side.stop - part.stop) for part, side in zip(inside, box)],
                  constant_values=fill) if inside != box else array


def _lung_image(hu, lung, base, options):
    """What the networks see of the lungs, in [0, 1], before what is outside of them is blacked out."""
    if options.median > 1:
        hu = ndimage.median_filter(hu, (1, options.median, options.median), mode="nearest")
    if options.lung_level is not None:
        hu = lung_level.levelled(hu, lung, options.lung_level, options.lung_level_limits)
    return base if options.median <= 1 and options.lung_level is None else _normalised(hu)


def _bounds(occupied, exclusive, name):
    positions = np.flatnonzero(occupied)
    if len(positions) <= int(exclusive):
        raise InputError(name, "lungs", "none in the CT's field of view" if not len(positions) else "a single slice",
                         "check that this is a chest CT in HU, or pass a lung mask")
    return slice(int(positions[0]), int(positions[-1]) + (0 if exclusive else 1))


def _normalised(hu):
    """HU to [0, 1] as float32."""
    return ((np.clip(hu, *HU_RANGE) - HU_RANGE[0]) / HU_SPAN).astype(np.float32)


def _resized(array, shape):
    return resize.resize(array, shape).astype(np.float32)


def _resized_mask(mask, options):
    soft = _resized(mask.astype(np.float32), options.shape)
    return (soft >= 0.5).astype(np.float32) if options.binary_masks else soft
