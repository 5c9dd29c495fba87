"""A chest of boxes for tests of the app, so that every voxel and every colour can be worked by hand."""

import contextlib
import dataclasses

import numpy as np
from app_client import TOKEN, Served
from app_page import open_page

from covid3dgan.app.case_files import CaseFiles
from covid3dgan.app.store import DONE
from covid3dgan.data.volumes import Volume
from covid3dgan.evaluation import metrics
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


@contextlib.contextmanager
def browser_with_chest(work, **how):
    """A browser at an app without a network, whose list has one case, 'one': the chest. ``how``: of ``open_page``."""
    ct, prediction = chest()
    facts = {**metrics.sizes(ct, prediction.mask, prediction.lungs), "warnings": []}
    with Served(work) as app:
        CaseFiles(app.folder.case("one")).make(ct, dataclasses.replace(prediction, facts=facts), 0.5, {
            "id": "one", "model": {"file": "net.tflite", "sha256": "0" * 64}, "lungs": "threshold", "series": None,
            "patient": "", "date": "", "healthy": True}, np.full(ct.array.shape, -850, np.float32))
        app.store.add("one", "one.nii.gz", False, None, "one")
        app.store.change("one", state=DONE, facts=facts)
        app.store.set("tour", "seen")
        with open_page(f"http://127.0.0.1:{app.port}/?token={TOKEN}", **how) as browser:
            yield browser
            assert browser.errors == []
