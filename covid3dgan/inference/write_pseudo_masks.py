"""Pseudo-masks of prepared cases as files: NIfTI in each CT's own grid, slice sums as CSV, one figure."""

__all__ = ["write_pseudo_masks"]

from pathlib import Path

import numpy as np

from covid3dgan import progress
from covid3dgan.data import volumes
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.data.volumes import Volume
from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures import pseudo_masks
from covid3dgan.evaluation.figures.style import save
from covid3dgan.files import atomic_write_text, refuse_overwrite, write_json
from covid3dgan.inference.pseudo_masks import load_generator, make_pseudo_masks
from covid3dgan.presets.preprocessing import HU_RANGE, HU_SPAN


def write_pseudo_masks(gan, data, out, options, seed, overwrite=False):
    """Writes OUT/{healthy,difference,spread}/<id>.nii.gz, OUT/slice_sums.csv, OUT/pseudo_masks.png and .json.

    Args:
        gan: a GAN run.
        data: folders of prepared cases.
        options: presets.stages.Pseudo.
        seed: seeds the latent noise.

    Differences and spreads are written in HU, healthy volumes as HU inside the lungs.

    Returns:
        The number of cases.
    """
    out = Path(out)
    refuse_overwrite(out / "pseudo_masks.json", overwrite)
    cases = open_prepared(*data)
    generator, preset, step = load_generator(gan)
    if cases.shape != tuple(preset.gan.volume_shape):
        raise InputError(data[0], f"volumes of the GAN's shape {preset.gan.volume_shape}", f"{cases.shape}",
                         "preprocess with the preset that trained the GAN")
    lungs = cases.array("lung")
    masks = make_pseudo_masks(generator, lungs, cases.array("lung_mask"), options, seed)
    for i, case in enumerate(progress.bar(cases.cases, description="writing", unit="case")):
        for name, array, offset in (("healthy", masks.healthy[i], HU_RANGE[0]),
                                    ("difference", masks.difference[i], 0.0), ("spread", masks.spread[i], 0.0)):
            on_ct = prepared_case.restore(case, array * HU_SPAN) + offset
            volumes.write(Volume(on_ct, case.ct_affine), out / name / f"{case.id}.nii.gz", overwrite=overwrite)
    rows = [f"{case.id},{s},{masks.sums[i, s]!r}" for i, case in enumerate(cases.cases) for s in range(cases.shape[0])]
    atomic_write_text(out / "slice_sums.csv", "\n".join(["case,slice,sum", *rows]) + "\n")
    save(pseudo_masks.draw(lungs[:4], masks, [case.id for case in cases.cases[:4]]), out / "pseudo_masks.png")
    write_json(out / "pseudo_masks.json", {"gan": str(gan), "step": step, "seed": seed, "options": vars(options),
                                           "cases": cases.ids, "mean_sum": float(np.mean(masks.sums))})
    return len(cases)
