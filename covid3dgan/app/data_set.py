"""The data set that corrections become: what people corrected or checked, for the verbs that evaluate and train."""

__all__ = ["new_data_set", "write_data_set"]

import datetime
import os
import secrets
import shutil
from pathlib import Path

from covid3dgan import progress
from covid3dgan.app.case_files import CaseFiles
from covid3dgan.app.saved import plain, source_input
from covid3dgan.app.store import DONE
from covid3dgan.data import volumes
from covid3dgan.data.datasets.cases import case_id
from covid3dgan.errors import InputError
from covid3dgan.files import atomic_path, atomic_write_text
from covid3dgan.inference.slices import read_ct

_COLUMNS = ("id", "group", "patient", "date", "changed_by_hand")
_TEMPORARY = ".tmp-"


def new_data_set(store, folder):
    """``write_data_set`` into a new folder in the work folder."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
    return write_data_set(store, folder, folder.root / "data_sets" / f"{stamp}_{secrets.token_hex(2)}")


def write_data_set(store, folder, out):
    """(path, count): a data set of what people corrected or checked, in the layout 'plain' (docs/DATASETS.md).

    ``images/ID.nii.gz``, ``masks/ID.nii.gz`` and ``lungs/ID.nii.gz`` on each CT's own grid, ``network/ID.nii.gz``: what
    the network alone had said, and cases.csv with the columns id, group, patient, date and changed_by_hand. All of it
    takes its place when it is whole.
    """
    out = Path(out)
    cases = [case for case in store.all() if case["state"] == DONE and (case["hand"] or case["checked"])]
    if not cases:
        raise InputError("the data set", "a CT that was corrected or marked as checked", "none", "correct one first")
    if out.exists() and (not out.is_dir() or any(not path.name.startswith(_TEMPORARY) for path in out.iterdir())):
        raise InputError(out, "a folder that is empty or does not exist yet", "one with files", "name another")
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    half_done = out / f"{_TEMPORARY}{secrets.token_hex(4)}"
    try:
        rows, used = [_COLUMNS], set()
        for case in progress.bar(cases[::-1], description="data set", unit="CT"):
            case = store.get(case["id"]) or case  # it may have been saved again meanwhile
            files = CaseFiles(folder.case(case["id"]), case["revision"])
            rows.append(_write_case(half_done, _identity(case, used), case, files))
        atomic_write_text(half_done / "cases.csv", "".join(",".join(map(str, row)) + "\n" for row in rows))
        for path in sorted(half_done.iterdir(), key=lambda path: path.name == "images"):  # they make it a data set
            os.replace(path, out / path.name)
    finally:
        for left in out.glob(f"{_TEMPORARY}*"):  # an earlier call that was killed may have left some, too
            shutil.rmtree(left, ignore_errors=True)
        if made and not any(out.iterdir()):
            out.rmdir()
    return out, len(cases)


def _identity(case, used):
    """A case's name as the layout's reader will call it, each once; upper and lower case are one on some disks."""
    identity = plain(case["name"]).lstrip("-_.") or "ct"
    while case_id(identity) != identity:  # a_mask_ct, a.nii.gz.nii
        identity = case_id(identity)
    if identity.lower() in used:
        identity = f"{identity}_{case['id']}"
    used.add(identity.lower())
    return identity


def _write_case(out, identity, case, files):
    """Writes one case's files; its row of cases.csv."""
    ct = read_ct(source_input(case))
    mask = files.on_ct(files.mask(case["threshold"]))
    for name, volume in (("images", ct), ("masks", ct.like(mask.array)),
                         ("lungs", ct.like(files.on_ct(files.read("lungs")).array))):
        volumes.write(volume, out / name / f"{identity}.nii.gz")
    with atomic_path(out / "network" / f"{identity}.nii.gz") as temporary:
        temporary.write_bytes((files.folder / "network.nii.gz").read_bytes())
    patient = " ".join(case["patient"].replace(",", " ").split())
    return (identity, "covid" if mask.array.any() else "healthy", patient, plain(case["date"]) if case["date"] else "",
            case["hand"])
