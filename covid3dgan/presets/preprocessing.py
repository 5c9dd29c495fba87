"""The preprocessing stage of the presets (data/preprocess/recipe.py)."""

__all__ = ["HU_RANGE", "HU_SPAN", "PreprocessOptions"]

import dataclasses
from typing import Literal, Optional

HU_RANGE = (-1000.0, 400.0)  # what prepared values of 0 and 1 stand for, and every figure shows as black and white
HU_SPAN = HU_RANGE[1] - HU_RANGE[0]


@dataclasses.dataclass(frozen=True)
class PreprocessOptions:
    """How a CT becomes network volumes; the defaults are ours."""

    shape: tuple[int, int, int] = (32, 128, 128)  # slices, rows, columns
    spacing: tuple[Optional[float], Optional[float], Optional[float]] = (1.0, 1.0, 1.0)  # F09, mm; None keeps an axis
    orientation: Literal["rotate", "affine"] = "affine"  # F10
    resize_before_crop: bool = False  # published: to ``shape`` once before the crop and once more after it
    exclusive_crop: bool = False  # F11: the crop loses its last slice, row and column
    crop_margin: float = 5.0  # F37: mm around the lungs
    lung_grid: Literal["resampled", "original"] = "original"  # F12: where the lung mask is made
    # F38: the built-in method, the network R231 of the package lungmask, or that where the package is installed.
    lung_method: Literal["threshold", "lungmask", "lungmask-if-installed"] = "threshold"
    binary_masks: bool = True  # masks are cut at 0.5 after the last resize; published: left soft
    base_holds_lung_mask: bool = False  # F13: what is written to BaseCTImages.npy; `PreparedCase.base` is always the CT
    min_slices: int = 32  # CTs with fewer are refused
    lung_level: Optional[float] = None  # HU of the lungs' lower quartile (data/preprocess/lung_level.py)
    # What levelling takes for a healthy lung at most: HU from front to back, and HU of its lower quartile.
    lung_level_limits: tuple[float, float] = (400.0, -550.0)
    median: int = 1  # K27: side of the median filter over each slice of the lung image, in pixels; 1: none
    keep_aspect: bool = False  # K29: the crop is widened in the plane, so that a pixel is as high as it is wide

    @classmethod
    def paper(cls, **changes):
        """What paper 001 says: 1 mm, R231's lungs on the original CT, a centred crop, cases under 32 slices refused."""
        return cls(**{"crop_margin": 0.0, "lung_method": "lungmask-if-installed", **changes})

    @classmethod
    def published(cls, **changes):
        """What the published notebook does (March 2022)."""
        values = dict(spacing=(None, 2.0, 2.0), orientation="rotate", resize_before_crop=True, exclusive_crop=True,
                      crop_margin=0.0, lung_grid="resampled", lung_method="lungmask-if-installed", binary_masks=False,
                      base_holds_lung_mask=True, min_slices=2)
        return cls(**{**values, **changes})
