"""A mask for one CT in one call; for many, keep the predictor (``covid3dgan.load_predictor``)."""

__all__ = ["segment"]

from covid3dgan.errors import ArgumentError
from covid3dgan.inference.predictor import load_predictor


def segment(ct, model=None, lungs=None):
    """The lesions of one CT.

    >>> found = covid3dgan.segment("ct.nii.gz")                               # doctest: +SKIP
    >>> found.facts["infection_rate_percent"]                                 # doctest: +SKIP

    Args:
        ct: a path (NIfTI, DICOM, a zip file, a single slice or picture), a ``Volume``, a pair (array (X, Y, Z),
            affine 4x4 to RAS+ mm), or an image of nibabel, SimpleITK or ITK; in HU.
        model: a run directory or an exported network; None for the network that comes along.
        lungs: a lung mask in any of these forms; None to find the lungs.

    Returns:
        ``Prediction(mask, scores, lungs, facts)``, arrays in the CT's own voxel order.
    """
    predictor = load_predictor(model)
    if not hasattr(predictor, "lung_method"):
        raise ArgumentError("model", "a network that finds lesions in CTs",
                            f"one that segments {predictor.noun}s ({model})", "run covid3dgan predict with it")
    return predictor.predict(ct, lungs)
