"""The built-in lung mask in the place of lungmask, which needs PyTorch and downloads its weights."""

__all__ = ["is_image", "lung_labels", "lung_masks"]

import importlib

import numpy as np

from covid3dgan.notebooks.idioms.inert import inert_module


def lung_masks(recorder):
    """Module name -> function that fills it, for lungmask and its modules."""
    def apply(image, *args, **kwargs):
        return lung_labels(image, recorder)

    class LMInferer:
        """lungmask's class of later versions."""

        def __init__(self, *args, **kwargs):
            pass

        def apply(self, image):
            return apply(image)

    def whole(module):
        mask(module)
        module.mask = importlib.import_module("lungmask.mask")
        return "the built-in lung mask in the place of the network R231"

    def mask(module):
        inert_module(module)
        module.apply = module.apply_fused = apply
        module.LMInferer = LMInferer
        module.get_model = lambda *args, **kwargs: None

    return {"lungmask": whole, "lungmask.mask": mask, "lungmask.utils": inert_module, "lungmask.resunet": inert_module}


def is_image(value):
    """Whether ``value`` is an image of SimpleITK, which lungmask takes as well as arrays."""
    return hasattr(value, "GetSpacing") and hasattr(value, "GetSize")


def lung_labels(image, recorder):
    """Lung labels of a CT as lungmask's ``apply`` gives them: uint8, 1 for the right lung, 2 for the left.

    Args:
        image: (slices, rows from the front, columns from the patient's right) in HU, or SimpleITK's image of it.
    """
    from covid3dgan.data.files.geometry import axial, from_axial
    from covid3dgan.data.preprocess.chest.lung_threshold import find_lungs

    spacing = None
    if is_image(image):
        import SimpleITK

        spacing, image = image.GetSpacing(), SimpleITK.GetArrayFromImage(image)
    hu = np.asarray(image, np.float32)
    slices, rows, columns = hu.shape
    how = "by the built-in method"
    if spacing is None:
        spacing = (350.0 / columns, 350.0 / rows, 300.0 / slices)
        how += ", for a chest of 350 x 350 x 300 mm, since an array carries no spacing"
    recorder.emit("adaptation", "lung mask by lungmask", how)
    lungs = axial(find_lungs(np.ascontiguousarray(from_axial(hu)), spacing))
    if not lungs.any():
        recorder.emit("adaptation", "lung mask by lungmask", "no lungs found in at least one volume: an empty mask")
        return np.zeros(hu.shape, np.uint8)
    sides = np.where(np.arange(columns) < columns / 2, 1, 2).astype(np.uint8)
    return np.where(lungs, sides, 0).astype(np.uint8)
