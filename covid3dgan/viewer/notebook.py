"""A CT and what was found in it as a widget in a notebook, drawn by ipyniivue: NiiVue, as in the page of ``view``."""

__all__ = ["view_in_notebook"]

import base64

import numpy as np

from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.inference.ct_objects import as_ct
from covid3dgan.viewer import stored

LUNG_WINDOW = (-1350.0, 150.0)  # HU
_LAYERS = (("lungs", "blue", 0.2), ("infection", "red", 0.6))


def view_in_notebook(ct, found=None):
    """A widget with three planes and a 3D view; the last line of a cell shows it.

    >>> found = covid3dgan.segment("ct.nii.gz")                               # doctest: +SKIP
    >>> covid3dgan.view_in_notebook("ct.nii.gz", found)                       # doctest: +SKIP

    Args:
        ct: anything that ``covid3dgan.segment`` takes, of several slices.
        found: its ``Prediction``: the lungs are blue, infection is red, and the CT is cut to the lungs. None for the CT
            alone.

    Returns:
        ipyniivue.NiiVue; its ``volumes`` are "ct", "lungs" and "infection".
    """
    try:
        import ipyniivue
    except ImportError:
        raise InputError("view_in_notebook", "the package ipyniivue", "it is not installed",
                         "run pip install 'covid3dgan[notebook-view]', or write a page with covid3dgan view") from None
    ct = as_ct(ct)
    if not isinstance(ct, Volume):
        raise InputError(ct.source or "picture", "a CT of several slices", "one slice", "open it as a picture")
    masks = {} if found is None else {"lungs": found.lungs, "infection": found.mask}
    for name, mask in masks.items():
        if mask.shape != ct.shape:
            raise InputError(ct.source or "ct", f"the CT that was segmented, of shape {mask.shape} as its {name}",
                             f"{ct.shape}", "pass the same CT")
    canonical = ct.canonical()
    masks = {name: ct.like(np.asarray(mask) > 0).canonical().array for name, mask in masks.items()}
    frame = stored.frame_for(canonical, masks.get("lungs"))
    volumes = [_volume(ipyniivue, "ct", stored.of_hu(frame.mean(canonical.array)), frame, "gray", 1.0,
                       LUNG_WINDOW, (stored.HU_STEP, stored.HU_LOW))]
    volumes += [_volume(ipyniivue, name, frame.largest(masks[name]), frame, colour, opacity, (0.0, 1.0), (1.0, 0.0))
                for name, colour, opacity in _LAYERS if name in masks]
    widget = ipyniivue.NiiVue()
    widget.load_volumes(volumes)
    return widget


def _volume(ipyniivue, name, array, frame, colour, opacity, window, scale):
    content = base64.b64decode(stored.encode(array.astype(np.uint8), frame.affine, *scale))
    return ipyniivue.Volume(name=f"{name}.nii.gz", data=content, colormap=colour, opacity=opacity, cal_min=window[0],
                            cal_max=window[1], colorbar_visible=False)
