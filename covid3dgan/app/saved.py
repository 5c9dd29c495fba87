"""What people keep of a case: corrections, masks as NIfTI and DICOM, the table, the report page."""

__all__ = ["download", "keep_hand", "new_id", "plain", "source_input"]

import csv
import dataclasses
import io
import re
import secrets
import tempfile
import threading
from pathlib import Path

from covid3dgan.app.lesions import lesions
from covid3dgan.data import volumes
from covid3dgan.errors import InputError
from covid3dgan.inference.inputs import find_inputs

_SAVING = threading.Lock()
_READ_ON = 5  # revisions that stay for whoever is reading them


def new_id():
    """The id of a new case: nothing that a user names is part of a path."""
    return secrets.token_hex(8)


def keep_hand(store, files, identity, packed, threshold, revision):
    """Keeps corrections and threshold; returns the case as it is then, None where ``revision`` is not the latest.

    Args:
        packed: gzipped bytes of the hand volume.
    """
    with _SAVING:
        if store.get(identity)["revision"] != revision:
            return None
        files = dataclasses.replace(files, revision=revision).write_hand(packed)
        hand = files.read("hand")
        facts = {**files.about["facts"], **files.sizes(files.mask(threshold, hand))}
        store.change(identity, revision=files.revision, facts=facts, threshold=threshold, hand=int(hand.any()))
        files.forget_before(revision - _READ_ON)
        return store.get(identity)


def download(kind, case, files):
    """(bytes, file name, media type) of "mask.nii.gz", "network.nii.gz", "segmentation.dcm", "lesions.csv" or
    "report.png"."""
    makers = {"mask.nii.gz": (_nifti, "application/gzip"), "network.nii.gz": (_network, "application/gzip"),
              "segmentation.dcm": (_segmentation, "application/dicom"), "lesions.csv": (_table, "text/csv"),
              "report.png": (_report, "image/png")}
    if kind not in makers:
        raise InputError("what to save", f"one of {', '.join(makers)}", repr(kind), "choose one of them")
    maker, media = makers[kind]
    return maker(case, files), f"{plain(case['name'])}_{kind}", media


def plain(name):
    """A name as a part of a file's name."""
    return re.sub(r"[^\w.-]+", "_", str(name), flags=re.ASCII).strip("._")[:80] or "ct"


def _nifti(case, files):
    return _written(lambda path: volumes.write(files.on_ct(files.mask(case["threshold"])), path), ".nii.gz")


def _network(case, files):
    return (files.folder / "network.nii.gz").read_bytes()


def _segmentation(case, files):
    from covid3dgan.data.files.dicom_seg import write_segmentation

    item = source_input(case)
    if item.series is None:
        raise InputError(case["name"], "a DICOM series for a DICOM segmentation", "another kind of file",
                         "save the mask as NIfTI")
    about = files.about
    described = about["model"]
    name = str(described.get("run") or described.get("file")).rpartition("/")[2]
    masks = {"lungs": files.on_ct(files.read("lungs")).array,
             "infection": files.on_ct(files.mask(case["threshold"])).array}
    by_hand = " corrected by hand" if case["hand"] else ""
    return _written(lambda path: write_segmentation(
        path, item.series, masks, (name + by_hand, str(described.get("sha256") or described.get("step")))), ".dcm")


def _table(case, files):
    rows = [{"lesion": "all", **{key: value for key, value in (case["facts"] or {}).items() if key != "warnings"}}]
    rows += [{"lesion": number, "infection_ml": found["ml"], "side": found["side"], "changed_by_hand": found["by_hand"],
              "x_mm": found["centre"][0], "y_mm": found["centre"][1], "z_mm": found["centre"][2]}
             for number, found in enumerate(lesions(files, case["threshold"]), 1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="",
                            lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
                     for row in rows)
    return text.getvalue().encode()


def _report(case, files):
    from covid3dgan.app.report import report_page  # loads matplotlib

    return report_page(case, files)


def _written(write, suffix):
    """The bytes of a file that ``write(path)`` makes."""
    with tempfile.TemporaryDirectory(prefix="covid3dgan-") as room:
        path = Path(room) / f"made{suffix}"
        write(path)
        return path.read_bytes()


def source_input(case):
    """The inference.inputs.Input that a case was read from."""
    for item in find_inputs(case["source"]):
        if item.id == case["item"]:
            if item.problem is not None:
                raise item.problem
            return item
    raise InputError(case["name"], "the CT that it was made from", "it is gone", "add the CT again")
