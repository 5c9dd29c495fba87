"""The cohort ``medseg-like``: phantom CTs with ground glass and consolidation labelled, in MedSeg's folder layout.

MedSeg's volumes are nine Radiopaedia CTs, so these are the radiopaedia-like phantoms with their label maps; the
reader of the real data set reads them.
"""

__all__ = ["PATIENTS", "UNLABELLED", "phantom_slices", "write_medseg_like"]

from pathlib import Path

from covid3dgan import files, progress
from covid3dgan.data import volumes
from covid3dgan.data.datasets.slices import from_volume, join
from covid3dgan.data.phantoms import chest_ct

PATIENTS = "radiopaedia-like"
UNLABELLED = "uestc-like"  # plays iCTCF: another hospital's patients, nobody labelled them


def write_medseg_like(out, cohort, cases, seed, size):
    """Writes rp_im, rp_msk (1 ground glass, 2 consolidation) and rp_lung_msk, and cohort.json."""
    rows = []
    for number in progress.bar(range(cases), description=cohort, unit="case"):
        case = chest_ct.generate(PATIENTS, number, seed, size)
        for folder, volume in (("rp_im", case.ct), ("rp_msk", case.lesion_classes), ("rp_lung_msk", case.lungs)):
            volumes.write(volume, Path(out) / folder / f"{number + 1}.nii.gz")
        classes = case.lesion_classes.array
        rows.append({"id": f"rp_{number + 1}", "ground_glass_voxels": int((classes == 1).sum()),
                     "consolidation_voxels": int((classes == 2).sum())})
    files.write_json(Path(out) / "cohort.json", {"cohort": cohort, "kind": "phantom", "seed": seed, "size": list(size),
                                                 "patients": PATIENTS, "cases": rows})


def phantom_slices(options, seed):
    """(labelled, unlabelled) SliceSets of phantoms made in memory.

    Args:
        options: presets.ssinfnet.Slices.
    """
    def slices(cohort, count, labelled):
        parts = []
        for number in progress.bar(range(count), description=f"{cohort} phantoms", unit="case"):
            case = chest_ct.generate(cohort, number, seed, options.phantom_size)
            parts.append(from_volume(case.ct, case.lesion_classes if labelled else None, case.id, options.size,
                                     options.window, options.per_case))
        return join(parts)

    return slices(PATIENTS, options.phantom_cases, True), slices(UNLABELLED, options.phantom_unlabelled, False)
