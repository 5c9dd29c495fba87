"""The corrected cases: found, checked, split into folds by patient, prepared as the network's own were."""

__all__ = ["CorrectedCase", "find_corrected", "folds_of", "prepare_corrected"]

import dataclasses
import warnings
from pathlib import Path

import numpy as np

from covid3dgan import progress, streams
from covid3dgan.data import volumes
from covid3dgan.data.datasets.cases import Case
from covid3dgan.data.datasets.opening import open_dataset, read_case
from covid3dgan.data.preprocess import lungs, prepared_case
from covid3dgan.data.preprocess.recipe import prepare
from covid3dgan.errors import InputError, InputWarning, sentence


@dataclasses.dataclass(frozen=True)
class CorrectedCase:
    """A CT with the mask that a person drew or corrected.

    ``infected``: whether the mask holds a lesion. ``patient``: what is held out together; the case's id where the data
    set does not say. ``prepared``: its .npz, once it is made.
    """

    case: Case
    infected: bool
    prepared: Path

    @property
    def patient(self):
        return self.case.patient or self.case.id


def find_corrected(folder, out, least):
    """([CorrectedCase], sentences about cases that cannot be used) of a data set's CTs that have a mask.

    Args:
        folder: a data set (docs/DATASETS.md, layout plain, and all others that have masks).
        out: where ``prepared/ID.npz`` will be.
        least: how many of the cases must have a lesion, of at least two patients.
    """
    data = open_dataset(folder)
    with_mask = [case for case in data if case.kind == "volume" and case.infection is not None]
    found, problems = [], []
    for case in progress.bar(with_mask, description="masks", unit="case"):
        try:
            infected = bool(volumes.read_mask(case.infection).array.any())
        except InputError as error:
            problems.append(str(error))
            continue
        found.append(CorrectedCase(case, infected, Path(out) / "prepared" / f"{case.id}.npz"))
    _check_number(folder, found, problems, least)
    left_out = len(data) - len(with_mask)
    if left_out:
        warnings.warn(InputWarning(sentence(folder, "a mask for every CT", f"none for {left_out} of {len(data)} cases",
                                            "these are left out")), stacklevel=2)
    return found, problems


def _check_number(folder, found, problems, least):
    """An InputError where too few cases, or cases of one patient alone, have a lesion."""
    infected = [case for case in found if case.infected]
    more = f"; the first of {len(problems)} problems: {problems[0]}" if problems else ""
    if len(infected) < least:
        raise InputError(folder, f"at least {least} CTs whose corrected mask has a lesion",
                         f"{len(infected)} in {len(found)} CTs with a mask{more}", "correct more cases first")
    if len({case.patient for case in infected}) < 2:
        raise InputError(folder, "lesions of at least two patients", f"one patient, {infected[0].patient}",
                         "add cases of others: else nothing can be held out")


def folds_of(cases, folds, seed):
    """Groups of cases, each held out once; all of a patient are in one, and every one has a lesion.

    Args:
        cases: :class:`CorrectedCase`, those with a lesion of at least two patients.
        folds: how many groups; fewer where fewer patients have a lesion.
        seed: shuffles the patients.
    """
    with_lesion = {case.patient for case in cases if case.infected}
    patients = sorted({case.patient for case in cases})
    shuffled = [patients[i] for i in np.random.default_rng([seed, streams.CORRECTED_FOLDS]).permutation(len(patients))]
    shuffled.sort(key=lambda patient: patient not in with_lesion)  # dealt out first, one to each fold
    number = min(max(folds, 2), len(with_lesion))
    fold_of = {patient: index % number for index, patient in enumerate(shuffled)}
    return [[case for case in cases if fold_of[case.patient] == index] for index in range(number)]


def prepare_corrected(cases, out, predictor):
    """(the cases with their lungs, sentences about those that could not be prepared); what is there already stays.

    Args:
        cases: :class:`CorrectedCase`.
        out: found lungs are written to ``lungs/ID.nii.gz`` in it, on the CT's grid.
        predictor: inference.lesions.LesionPredictor: CTs are prepared as it prepares them to be scored.
    """
    done, problems = [], []
    for case in progress.bar(cases, description="prepare", unit="case"):
        try:
            done.append(_prepared(case, Path(out) / "lungs" / f"{case.case.id}.nii.gz", predictor))
        except InputError as error:
            problems.append(str(error))
    return done, problems


def _prepared(case, lung_file, predictor):
    """One case, prepared, with the file of its lungs."""
    with_lungs = case.case if case.case.lungs is not None else dataclasses.replace(case.case, lungs=lung_file)
    if not case.prepared.is_file() or not Path(with_lungs.lungs).is_file():
        read = read_case(case.case)
        found = lungs.lung_mask_for(read.ct, read.lungs, predictor.lungs_by)
        if read.lungs is None:
            lung_file.parent.mkdir(parents=True, exist_ok=True)
            volumes.write(read.ct.like(found), lung_file, overwrite=True)
        made = prepare(read.ct, read.ct.like(found), read.infection, predictor.options_for(read.ct), case.case.id)
        prepared_case.save(made, case.prepared, overwrite=True)
    return dataclasses.replace(case, case=with_lungs)
