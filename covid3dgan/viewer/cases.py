"""Which files make a case of the page: each CT with its masks, scores and as-if-healthy volumes, paired by name."""

__all__ = ["CaseFiles", "find_cases"]

import dataclasses
from pathlib import Path
from typing import Optional

from covid3dgan.data.datasets.cases import VOLUME_SUFFIXES, case_id, data_files, stem
from covid3dgan.data.datasets.opening import find_dataset
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import Input, find_inputs
from covid3dgan.inference.kept_lungs import KeptLungs


@dataclasses.dataclass(frozen=True)
class CaseFiles:
    """The files of one CT.

    Args:
        input: the CT, and its lung mask where there is one.
        layers: (name, path) of what lies on its grid, told apart by its values (viewer.layers).
        lung_method: how lungs are found where no mask is given, see data.preprocess.lungs.
        kept_lungs: inference.kept_lungs.KeptLungs, where the lungs may have been found already.
    """

    input: Input
    layers: tuple[tuple[str, Path], ...] = ()
    lung_method: str = "threshold"
    kept_lungs: Optional[KeptLungs] = None


def find_cases(ct, layers=(), lungs=None):
    """The cases at ``ct``, in the order of their ids.

    Args:
        ct: a NIfTI file, a DICOM series, a zip file, a data set (its own masks are shown, too), or a folder of CTs.
        layers: for one CT files; for several folders with files named after the CTs: ID.nii.gz, ID_scores.nii.gz.
        lungs: a lung mask (for one CT) or a folder of lung masks.

    Raises:
        InputError: nothing at a path; a folder in which no file belongs to a CT; one file for several CTs.
    """
    inputs = find_inputs(ct, lungs)
    own = _own_masks(ct)
    ids = [item.id for item in inputs]
    found = {name: [] for name in ids}
    for path in map(Path, layers):
        if not path.exists():
            raise InputError(path, "a mask or a folder of masks", "nothing at that path", "check its name")
        if path.is_dir():
            _share(path, ids, found)
        elif len(ids) == 1:
            found[ids[0]].append((_name(path, ids[0]), path))
        else:
            raise InputError(path, f"a folder of masks for {len(ids)} CTs", "one file", "pass the folder")
    for name in own.keys() & found.keys():
        found[name].append(("reference mask", own[name]))  # the last, so that a prediction has the first colour
    return [CaseFiles(item, tuple(found[item.id])) for item in inputs]


def _own_masks(ct):
    """{id: infection mask} of a data set; empty for anything else."""
    dataset = find_dataset(ct) if Path(ct).is_dir() else None
    return {} if dataset is None else {case.id: case.infection for case in dataset if case.infection is not None}


def _share(folder, ids, found):
    """Gives each file of a folder to the CT that it is named after."""
    paths = data_files(folder, VOLUME_SUFFIXES)
    matched = [(path, _owner(path, ids)) for path in paths]
    if not any(owner for _, owner in matched):
        raise InputError(folder, f"masks named after the CTs ({ids[0]}.nii.gz)",
                         f"{', '.join(p.name for p in paths[:3]) or 'no NIfTI file'}", "check the folder")
    for path, owner in matched:
        if owner:
            found[owner].append((_name(path, owner), path))


def _owner(path, ids):
    """The id that a file is named after, or None: the file's whole name, what case_id leaves of it, or its start."""
    name = stem(path)
    for candidate in (name, case_id(path)):
        if candidate in ids:
            return candidate
    starts = [identity for identity in ids if name.startswith(f"{identity}_")]
    return max(starts, key=len) if starts else None


def _name(path, identity):
    """What the page calls a layer: its file's name without the CT's; where that leaves nothing, its folder's."""
    name = stem(path)
    rest = name[len(identity):].strip("_-") if name.startswith(identity) else name
    return rest or path.resolve().parent.name
