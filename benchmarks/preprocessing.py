"""One CT through the published preprocessing: its functions, written anew with scipy and scikit-image, against ours.

The CT is a phantom with lesions. Both sides get the lung mask of the resampled CT, so the lung net is in neither; the
published side resamples the CT twice, once for the image and once for the net, as its notebook does.
"""

import sys
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import ROOT, Bench, wait_for_turn

NAMES = ("lung", "infection", "lung_mask", "base")


def _slow():
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import published_preprocessing

    return published_preprocessing


def _published(held):
    slow, spacing = _slow(), np.sqrt((held["affine"][:3, :3] ** 2).sum(axis=0))
    net = slow.lung_mask(held["lungs"], spacing)
    wait_for_turn()
    started = time.perf_counter()
    slow.resampled(held["ct"], spacing)
    return slow.prepared(held["ct"], spacing, net, held["infection"]), time.perf_counter() - started


def _ours(held):
    from covid3dgan.data.preprocess.recipe import preprocess
    from covid3dgan.data.volumes import Volume

    wait_for_turn()
    started = time.perf_counter()
    prepared = preprocess(Volume(held["ct"], held["affine"]), held["lungs"], held["infection"], recipe="published")
    return prepared, time.perf_counter() - started


def published(size):
    return {"seconds": _published(material.phantom(size))[1]}


def first_ct(size):
    return {"seconds": _ours(material.phantom(size))[1]}


def further_cts(size):
    held = material.phantom(size)
    _ours(held)
    return {"seconds": _ours(held)[1]}


def compared(size):
    """The largest differences of the four volumes between the two sides; the seconds are ours."""
    held = material.phantom(size)
    prepared, seconds = _ours(held)
    wanted = _published(held)[0]
    found = {name: float(np.abs(getattr(prepared, name) - wanted[name]).max()) for name in NAMES}
    return {"seconds": seconds, "peak_mb": None,
            "note": "largest differences: " + ", ".join(f"{name} {value:.1e}" for name, value in found.items())}


BENCH = Bench("preprocessing of one CT", "CT",
              {"published": published, "ours, first CT": first_ct, "ours, further CTs": further_cts,
               "ours, compared": compared},
              options={"size": [512, 512, 40]}, quick={"size": [112, 112, 32]},
              quick_sides=("published", "ours, further CTs"), needs=("skimage",))
