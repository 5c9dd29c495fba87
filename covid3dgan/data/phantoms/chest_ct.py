"""Phantoms: synthetic chest CTs in HU with COVID-19 lesions whose true masks are known.

They exist because volumes of patients with reference masks cannot be redistributed. Results on phantoms are never
results on patients.

>>> case = generate("mosmed-like", 0, size=(64, 64, 24))
>>> case.ct.shape, case.id
((64, 64, 24), 'mosmed-like_000')
"""

__all__ = ["COHORTS", "COHORT_WRITERS", "MEDSEG_PATIENTS", "PhantomCase", "generate", "infection_rate", "write_cohort",
           "write_medseg_like"]

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from covid3dgan import files, progress
from covid3dgan.data import volumes
from covid3dgan.data.files.memory import available_memory
from covid3dgan.data.phantoms import scanner, tissues
from covid3dgan.data.phantoms import vessels as phantom_vessels
from covid3dgan.data.phantoms.anatomy import Thorax
from covid3dgan.data.phantoms.ct_cohorts import COHORTS, find_cohort, infection_rate, random_of
from covid3dgan.data.phantoms.grid import Tubes
from covid3dgan.data.phantoms.images import IMAGE_COHORTS, write_image_cohort
from covid3dgan.data.phantoms.lesions import grow_lesions
from covid3dgan.data.phantoms.variety import PLAIN, draw_variety
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import ArgumentError, InputError, nearest_names

SIZE = (160, 160, 40)
SMALLEST_SIZE = (32, 32, 8)
BYTES_PER_VOXEL = 140  # that are in use at once while a phantom is made
# One stream of random numbers per concern, so that a change of size or of the disease leaves the patient the same.
ANATOMY, PLACEMENT, BODY, SURFACE, VESSELS, LUNGS, LESIONS, NOISE, VARIETY = range(9)
MEDSEG_PATIENTS = "radiopaedia-like"  # MedSeg's volumes are nine CTs of Radiopaedia


@dataclass(frozen=True)
class PhantomCase:
    """One synthetic CT and everything that is known about it; every volume lies on the CT's grid."""

    id: str
    ct: Volume              # HU, whole numbers
    infection: Volume       # uint8 0/1
    lungs: Volume           # uint8 0/1, lesions and vessels included
    healthy: Volume         # HU: the same scan without the disease (the CT itself in the healthy cohort)
    lesion_classes: Volume  # uint8: 0 none, 1 ground glass, 2 consolidation
    vessels: Volume         # uint8 0/1: voxels of the lungs that are at least half vessel
    rate: float             # percentage of the lung mask that is infected


# How BLAS splits a product among threads shows in the last digit, and so here and there in a voxel's HU.
@threadpool_limits.wrap(limits=1, user_api="blas")
def generate(cohort, case, seed=0, size=SIZE):
    """One phantom; the same arguments always give the same voxels, however many threads there are.

    Args:
        cohort: a name in ``COHORTS``.
        case: number of the case in the cohort, from 0.
        seed: number of the whole cohort.
        size: the array's shape (X, Y, Z), slices last.

    Returns:
        A :class:`PhantomCase`.
    """
    settings = find_cohort(cohort)
    _check_at_least("case", case, 0)
    _check_at_least("seed", seed, 0)
    size = _checked_size(size)

    def rng(stream):
        return random_of(cohort, seed, 1, case, stream)

    thorax = Thorax(rng(ANATOMY))
    place = rng(PLACEMENT)
    order = str(place.choice(scanner.VOXEL_ORDERS))
    grid = scanner.choose_grid(place, thorax, scanner.grid_size(order, size))
    placement = scanner.choose_placement(place, grid, order)

    share = tissues.lung_coverage(rng(SURFACE), grid, thorax)
    lungs = share >= 0.5
    variety = draw_variety(rng(VARIETY)) if settings.varied else PLAIN
    arteries, veins = (variety.vessels(tubes) for tubes in phantom_vessels.grow_vessels(rng(VESSELS), thorax))
    airways = phantom_vessels.grow_airways(rng(VESSELS), thorax, arteries)
    content = tissues.draw_lungs(rng(LUNGS), grid, thorax, Tubes.join([arteries, veins]), airways)
    body = content.with_airways(tissues.draw_body(rng(BODY), grid, thorax))
    level = rng(NOISE).uniform(*settings.noise)

    def scanned(parenchyma):
        hu = variety.scanned(body + share * (content.with_vessels(parenchyma, variety.agent) - body), grid)
        hu = scanner.add_noise(rng(NOISE), hu, grid, thorax, level)
        return np.clip(np.rint(hu), scanner.HU_LOW, scanner.HU_HIGH)

    def volume(array):
        return Volume(placement.arrange(array), placement.affine)

    healthy = volume(scanned(content.parenchyma))
    ct, classes = healthy, np.zeros(grid.shape, np.uint8)
    if settings.infection_rate is not None:
        lesions = grow_lesions(rng(LESIONS), grid, thorax, lungs, content.parenchyma,
                               infection_rate(cohort, case, seed) / 100, settings.style)
        ct, classes = volume(scanned(lesions.laid_over(content.parenchyma))), lesions.classes
    return PhantomCase(
        id=f"{cohort}_{case:03d}", ct=ct, infection=volume(classes > 0), lungs=volume(lungs), healthy=healthy,
        lesion_classes=volume(classes), vessels=volume(lungs & (content.vessels >= 0.5)),
        rate=100.0 * float((classes > 0).sum() / lungs.sum()))


def write_ct_cohort(out, cohort, cases, seed, size=None):
    """Writes ``out``/images, masks and lungs, one .nii.gz per case, and ``out``/cohort.json with what was drawn."""
    size = _checked_size(SIZE if size is None else size)
    rows = []
    for number in progress.bar(range(cases), description=cohort, unit="case"):
        case = generate(cohort, number, seed, size)
        name = f"{case.id}.nii.gz"
        for folder, volume in (("images", case.ct), ("masks", case.infection), ("lungs", case.lungs)):
            volumes.write(volume, Path(out) / folder / name)
        rows.append({"id": case.id, "infection_rate_percent": round(case.rate, 4), "orientation": case.ct.orientation,
                     "spacing_mm": [round(s, 4) for s in case.ct.spacing]})
    files.write_json(Path(out) / "cohort.json", {
        "cohort": cohort, "kind": "phantom", "seed": seed, "size": list(size),
        "mean_infection_rate_percent": round(float(np.mean([r["infection_rate_percent"] for r in rows])), 4),
        "cases": rows})


def write_medseg_like(out, cohort, cases, seed, size=None):
    """Writes MedSeg's layout: rp_im, rp_msk (1 ground glass, 2 consolidation) and rp_lung_msk, and cohort.json."""
    size = _checked_size(SIZE if size is None else size)
    rows = []
    for number in progress.bar(range(cases), description=cohort, unit="case"):
        case = generate(MEDSEG_PATIENTS, number, seed, size)
        for folder, volume in (("rp_im", case.ct), ("rp_msk", case.lesion_classes), ("rp_lung_msk", case.lungs)):
            volumes.write(volume, Path(out) / folder / f"{number + 1}.nii.gz")
        classes = case.lesion_classes.array
        rows.append({"id": f"rp_{number + 1}", "ground_glass_voxels": int((classes == 1).sum()),
                     "consolidation_voxels": int((classes == 2).sum())})
    files.write_json(Path(out) / "cohort.json", {"cohort": cohort, "kind": "phantom", "seed": seed, "size": list(size),
                                                 "patients": MEDSEG_PATIENTS, "cases": rows})


# Cohort name -> writer(out, cohort, cases, seed, size). Cohorts that are not CTs add their own writer here.
COHORT_WRITERS = {**{name: write_ct_cohort for name in COHORTS},
                  **{name: write_image_cohort for name in IMAGE_COHORTS}, "medseg-like": write_medseg_like}


def write_cohort(out, cohort, cases, seed=0, size=None, overwrite=False):
    """Writes a whole cohort as a plain data set; the same arguments always give the same bytes.

    Args:
        out: the folder; it must not exist, or hold a cohort (or nothing) that ``overwrite`` allows to replace.
        cohort: a name in ``COHORT_WRITERS``.
        cases: how many.
        size: of each case; None is the cohort's own default (``SIZE`` for CTs).
    """
    if cohort not in COHORT_WRITERS:
        raise ArgumentError("cohort", f"one of {', '.join(COHORT_WRITERS)}",
                            f"{cohort!r}{nearest_names(cohort, COHORT_WRITERS)}", "choose one of them")
    _check_at_least("cases", cases, 1)
    _check_at_least("seed", seed, 0)
    out = Path(out)
    files.refuse_overwrite(out, overwrite)
    _check_replaceable(out)
    temporary = out.with_name(f".tmp-{os.getpid()}-{out.name}")  # so that the cohort is whole or absent
    try:
        COHORT_WRITERS[cohort](temporary, cohort, cases, seed, size)
        if out.is_dir():
            shutil.rmtree(out)
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_replaceable(out):
    """``overwrite`` replaces whole folders: never one that holds anything but a phantom cohort."""
    if out.exists() and not (out.is_dir() and ((out / "cohort.json").is_file() or not any(out.iterdir()))):
        raise InputError(out, "a folder with a phantom cohort (cohort.json)", "something else",
                         "choose another name, or remove it yourself")


def _check_at_least(name, value, least):
    if value < least:
        raise ArgumentError(name, f"{least} or more", str(value), "choose another number")


def _checked_size(size):
    size = tuple(int(n) for n in size)
    if len(size) != 3 or any(n < least for n, least in zip(size, SMALLEST_SIZE)):
        raise ArgumentError("size", f"three numbers, at least {','.join(map(str, SMALLEST_SIZE))}",
                            ",".join(map(str, size)), "ask for a larger volume")
    needed, free = BYTES_PER_VOXEL * math.prod(size), available_memory()
    if free is not None and needed > free:
        raise ArgumentError("size", "a volume that fits into the free memory",
                            f"one that takes {needed / 1e9:.1f} GB to make where {free / 1e9:.1f} GB are free",
                            "ask for a smaller one")
    return size
