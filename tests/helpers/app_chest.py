"""A chest of boxes for tests of the app, so that every voxel and every colour can be worked by hand."""

import numpy as np

from covid3dgan.data.volumes import Volume
from covid3dgan.inference.lesions import Prediction

SHAPE = (50, 44, 30)
AFFINE = np.diag([-4.0, 4.0, 5.0, 1.0])  # the first axis runs to the patient's left


def chest():
    """(ct, prediction): lungs of two boxes in a body, a lesion of 3 x 4 x 2 voxels in the patient's left lung."""
    hu, lungs, scores = np.full(SHAPE, 40, np.float32), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32)
    lungs[13:22, 14:30, 8:20] = lungs[28:37, 14:30, 8:20] = 1
    scores[30:33, 18:22, 12:14] = 0.7
    scores[30:33, 18:22, 14] = 0.4  # below the threshold
    mask = (scores > 0.5).astype(np.uint8)
    hu[lungs > 0], hu[mask > 0] = -850, -300
    facts = {"infection_ml": float(mask.sum() * 0.08), "warnings": []}
    return Volume(hu, AFFINE), Prediction(mask, scores, lungs, facts)
