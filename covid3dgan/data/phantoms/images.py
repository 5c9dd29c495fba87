"""Cohorts of synthetic 2D images with true masks, for ``covid3dgan phantom``."""

__all__ = ["IMAGE_COHORTS", "SIZE", "write_image_cohort"]

import functools
from pathlib import Path

import numpy as np

from covid3dgan import files, progress
from covid3dgan.data.files import images
from covid3dgan.data.phantoms.angiograms import angiogram
from covid3dgan.data.phantoms.cells import DENSE, SPARSE, blood_smear
from covid3dgan.data.phantoms.fundus import fundus
from covid3dgan.errors import ArgumentError

SIZE = (256, 256)
SMALLEST_SIDE = 64


def _fundus(seed, number, size=256):
    """A photograph of the fundus in colour, and its vessels."""
    return fundus(seed, number, size)[:2]


IMAGE_COHORTS = {
    "blood-cells": functools.partial(blood_smear, foreground=SPARSE),
    "blood-cells-dense": functools.partial(blood_smear, foreground=DENSE),
    "angiograms": angiogram,
    "fundus": _fundus,
}


def write_image_cohort(out, cohort, cases, seed, size=None):
    """Writes ``out``/images and masks, one .png per case, and ``out``/cohort.json.

    Args:
        cohort: a key of ``IMAGE_COHORTS``.
        cases: how many images.
        seed: of the whole cohort.
        size: (rows, columns), equal; ``SIZE`` by default.
    """
    size = SIZE if size is None else tuple(size)
    if len(size) != 2 or size[0] != size[1] or size[0] < SMALLEST_SIDE:
        raise ArgumentError("size", f"two equal numbers, at least {SMALLEST_SIDE},{SMALLEST_SIDE}, for {cohort}",
                            ",".join(map(str, size)), "ask for a square image")
    rows = []
    for number in progress.bar(range(cases), description=cohort, unit="image"):
        image, mask = IMAGE_COHORTS[cohort](seed, number, size[0])
        name = f"{cohort}_{number:03d}"
        images.write(image, Path(out) / "images" / f"{name}.png")
        images.write_mask(mask, Path(out) / "masks" / f"{name}.png")
        rows.append({"id": name, "foreground": round(float(mask.mean()), 5)})
    files.write_json(Path(out) / "cohort.json", {
        "cohort": cohort, "kind": "phantom", "seed": seed, "size": list(size),
        "mean_foreground": round(float(np.mean([row["foreground"] for row in rows])), 5), "cases": rows})
