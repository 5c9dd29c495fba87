"""Slices of phantoms with ground glass and consolidation labelled, as SSInfNet wants them, made in memory.

The cohort ``medseg-like`` on disk is chest_ct.write_medseg_like's; the reader of the real data set reads it.
"""

__all__ = ["UNLABELLED", "phantom_slices"]

from covid3dgan import progress
from covid3dgan.data.datasets.slices import from_volume, join
from covid3dgan.data.phantoms import chest_ct

UNLABELLED = "uestc-like"  # plays iCTCF: another hospital's patients, nobody labelled them


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

    return (slices(chest_ct.MEDSEG_PATIENTS, options.phantom_cases, True),
            slices(UNLABELLED, options.phantom_unlabelled, False))
