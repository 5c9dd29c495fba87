"""What the network that comes along is trained on: a few real CTs whose licences allow it, and healthy phantoms."""

__all__ = ["REAL", "RealCt", "Source", "check_real", "prepare_phantoms", "prepare_real"]

import dataclasses
from pathlib import Path

import numpy as np

from covid3dgan import files, progress
from covid3dgan.data import volumes
from covid3dgan.data.datasets.opening import open_dataset
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.dataset import prepare_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.errors import InputError


@dataclasses.dataclass(frozen=True)
class RealCt:
    """A real CT that may be trained on, and where its lungs are normal; the rest is left out.

    Args:
        path: within the folder of real CTs.
        sha256: of the file.
        right, left: the normal part of each lung, from 0, the lowest slice of the lungs, to 1, the highest.
        source: its data set.
    """

    path: str
    sha256: str
    right: tuple[float, float]
    left: tuple[float, float]
    source: "Source"


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set, its licence, and how it wants to be cited."""

    name: str
    licence: str
    attribution: str


LIDC = Source("LIDC-IDRI, The Cancer Imaging Archive", "CC BY 3.0",
              "Armato SG et al. 2015, Data From LIDC-IDRI, The Cancer Imaging Archive, "
              "doi 10.7937/K9/TCIA.2015.LO9QL9SX")
LUNG_DX = Source("Lung-PET-CT-Dx, The Cancer Imaging Archive", "CC BY 4.0",
                 "Li P et al. 2020, A Large-Scale CT and PET/CT Dataset for Lung Cancer Diagnosis (Lung-PET-CT-Dx), "
                 "The Cancer Imaging Archive, doi 10.7937/TCIA.2020.NNC2-0461")
ALL = (0.0, 1.0)
REAL = (
    # In its right upper lobe a nodule and, above it, a mass with a collapsed lobe.
    RealCt("lidc_idri_0314.nii.gz", "05e66a9470af5340b5c7fadc2e95709d170a0a970fdab718afdd7647a853688f",
           (0.0, 0.57), ALL, LIDC),
    # One CT in two kernels: a tumour in the left upper lobe.
    RealCt("more/LungDx-A0001_B.nii.gz", "f648e23cb93d3b95a2d2920f9b3a81c252ddebcc9e7063725f928d933624634a",
           ALL, (0.0, 0.6), LUNG_DX),
    RealCt("more/LungDx-A0001_L.nii.gz", "ac209af0319afd060a6af1d1fdbf1f7d8a1eee7cef865a8fd59173adbe2eb7cf",
           ALL, (0.0, 0.6), LUNG_DX),
    # A tumour in the right lower lobe.
    RealCt("more/LungDx-A0002_B40f.nii.gz", "06136d69c0b81fd9d50c56866ad6457606908304f042c0c6b6fcb00c918f53d8",
           (0.67, 1.0), ALL, LUNG_DX),
)


def prepare_real(root, out, options):
    """Prepares every CT of ``REAL`` into ``out``; what is there already stays.

    Args:
        root: the folder that holds them.
        options: presets.preprocessing.PreprocessOptions.
    """
    check_real(root)
    for known in progress.bar(REAL, description="real CTs", unit="case"):
        file = Path(out) / f"{Path(known.path).name.replace('.nii.gz', '')}.npz"
        if not file.exists():
            ct = volumes.read(Path(root) / known.path)
            case = prepare(ct, infection=np.zeros(ct.shape, bool), options=options, case_id=file.stem)
            prepared_case.save(_only_normal(case, known), file)


def check_real(root):
    """An InputError where a file of ``REAL`` is missing or another one."""
    for known in REAL:
        file = Path(root) / known.path
        what = f"{known.source.name} ({known.source.licence}), sha256 {known.sha256[:12]}..."
        if not file.is_file():
            raise InputError(file, what, "no such file", "copy it there (docs/MODEL_CARD.md lists all), or train on "
                             "phantoms alone with --phantoms-only")
        found = files.sha256(file)
        if found != known.sha256:
            raise InputError(file, what, f"another file ({found[:12]}...)", "copy it again")


def _only_normal(case, known):
    """A prepared case without the parts of its lungs that are not normal: healthy as far as it goes."""
    columns = np.flatnonzero((case.lung_mask > 0.5).any((0, 1)))
    middle = int((columns[0] + columns[-1] + 1) // 2)
    keep = np.zeros(case.shape, bool)
    # Columns run from the patient's right to the left.
    for side, (low, high) in ((slice(None, middle), known.right), (slice(middle, None), known.left)):
        keep[round(low * len(keep)):round(high * len(keep)), :, side] = True
    facts = {**case.facts, "group": "healthy", "normal": {"right": list(known.right), "left": list(known.left)}}
    return dataclasses.replace(case, lung=np.where(keep, case.lung, 0), lung_mask=np.where(keep, case.lung_mask, 0),
                               facts=facts)


def prepare_phantoms(out, cohorts, seed, options):
    """Phantoms, prepared; returns their folder. What is there stays.

    Args:
        cohorts: a tuple of (name, number, size) for each, all healthy or all diseased.
        seed: of the first; the others follow.
        options: presets.preprocessing.PreprocessOptions.
    """
    out = Path(out)
    for number, (cohort, count, size) in enumerate(cohorts):
        raw = out / f"raw-{cohort}"
        if not (raw / "cohort.json").is_file():
            chest_ct.write_cohort(raw, cohort, count, seed + number, size, overwrite=True)
        group = "healthy" if "healthy" in cohort else "covid"
        for case in progress.bar(list(open_dataset(raw)), description="phantoms", unit="case"):
            file = out / "prepared" / f"{case.id}.npz"
            if not file.exists():
                prepared_case.save(prepare_case(dataclasses.replace(case, group=group), options), file)
    return out / "prepared"
