"""``python -m benchmarks.real_cts [MODEL ...]``: what a network finds in real CTs, beside a plain HU window.

Without a model it is the network that comes along.

The CTs lie outside of the repository (../shared/data/real or ``--data``; their README says what may be copied). None
has a mask: the normal ones count false positives, the COVID CT has radiologists' labels by slice, and the pictures are
to be looked at. Pictures of CTs that may not be copied must stay outside, too, so that ``--out`` is a folder elsewhere.
"""

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.real_data import CASES, DATA, SLICES
from covid3dgan import files, weights
from covid3dgan.data import volumes
from covid3dgan.data.files.geometry import axial
from covid3dgan.data.preprocess.lungs import lung_mask_for
from covid3dgan.data.preprocess.slice_lungs import find_slice_lungs
from covid3dgan.data.slice_image import SliceImage
from covid3dgan.errors import InputError
from covid3dgan.evaluation import metrics
from covid3dgan.evaluation.figures import style
from covid3dgan.evaluation.figures.prediction import contact_sheet, sheet_of_slices
from covid3dgan.inference.ct_objects import as_ct
from covid3dgan.inference.lesions import Prediction
from covid3dgan.inference.predictor import load_predictor

WINDOW = (-700.0, -200.0)  # HU of ground glass and of the edges of all that is denser
MOST_ML, MOST_PERCENT, LEAST_AUC = 2.0, 0.1, 0.95  # what a normal CT may have marked, and what the COVID CT must reach


class Window:
    """All that lies in ``WINDOW`` inside the lungs, opened twice: what a network has to beat."""

    name, lungs_by = "window", "threshold"

    def predict(self, ct, lung_mask=None):
        """The Prediction of a Volume in HU and its lungs (Volume), or of a SliceImage; its scores are its mask."""
        if isinstance(ct, SliceImage):
            lungs = find_slice_lungs(ct.upright, ct.spacing)
            mask, lungs = (ct.back(array.astype(np.uint8)) for array in (_in_window(ct.upright, lungs), lungs))
        else:
            lungs = lung_mask.array
            mask = _in_window(ct.array, lungs > 0).astype(np.uint8)
        return Prediction(mask, mask.astype(np.float32), lungs, {})


def _in_window(hu, lungs):
    return ndimage.binary_opening((hu > WINDOW[0]) & (hu < WINDOW[1]) & lungs, iterations=2)


def measure(predictors, data, out, only=()):
    """Runs every predictor on every CT.

    Args:
        predictors: name -> object with ``predict(ct, lung_mask) -> Prediction`` and ``lungs_by``.
        data: the folder of real CTs; files that it lacks are left out.
        out: folder for the contact sheets, NAME/CT.png, and real_cts.json.
        only: parts of paths; where there are any, the other CTs are left out.

    Returns:
        A list of dicts, one for each CT or slice and predictor.
    """
    data, out, rows = Path(data), Path(out), []
    for known in _chosen(CASES, data, only):
        rows += _whole(predictors, known, data, out)
        print("\n".join(_line(row) for row in rows if row["ct"] == known.name), flush=True)
    slices = sorted((data / SLICES).glob("*.dcm")) if not only or any(part in SLICES for part in only) else []
    if slices:
        rows += _single_slices(predictors, slices, out)
        print("\n".join(_line(row) for row in rows if row["kind"] == "slice"), flush=True)
    files.write_json(out / "real_cts.json", {"window": WINDOW, "rows": rows})
    return rows


def _chosen(cases, data, only):
    return [known for known in cases if (data / known.path).is_file()
            and (not only or any(part in known.path for part in only))]


def _whole(predictors, known, data, out):
    """The rows of one whole CT."""
    started = time.perf_counter()
    ct = volumes.read(data / known.path)
    read, rows, lungs = time.perf_counter() - started, [], _Lungs(ct)
    labels = None
    if known.labels:
        labels = np.array(json.loads((data / known.labels).read_text(encoding="utf-8"))["infected_by_slice"])
    for name, predictor in predictors.items():
        mask, seconds = lungs.by(predictor.lungs_by)
        started = time.perf_counter()
        found = predictor.predict(ct, mask)
        row = {"ct": known.name, "kind": "volume", "what": known.what, "predictor": name, **_amounts(ct, found, known),
               "read_s": read, "lungs_s": seconds, "predict_s": time.perf_counter() - started}
        areas = found.mask.sum(axis=(0, 1)) * np.prod(ct.spacing[:2])
        row["slice_areas_mm2"] = areas.tolist()
        if labels is not None:
            row["auc_by_slice"] = metrics.area_under_roc(areas, labels)
            row["passed"] = row["auc_by_slice"] >= LEAST_AUC
        elif known.held:
            row["passed"] = row["normal_ml"] <= MOST_ML or row["normal_percent"] <= MOST_PERCENT
        rows.append(row)
        facts = {"infection_ml": row["marked_ml"], "infection_rate_percent": row["marked_percent"]}
        sheet = contact_sheet(ct, dataclasses.replace(found, facts=facts), f"{known.name}, {name}", 24, 6)
        style.save(sheet, out / name / f"{known.name}.png", dpi=150)
    return rows


class _Lungs:
    """The lungs of one CT by each method, found once."""

    def __init__(self, ct):
        self.ct, self.found = ct, {}

    def by(self, method):
        """(the mask as a Volume, the seconds that it took)."""
        if method not in self.found:
            started = time.perf_counter()
            mask = self.ct.like(lung_mask_for(self.ct, method=method))
            self.found[method] = mask, time.perf_counter() - started
        return self.found[method]


def _amounts(ct, found, known):
    """ml of the lungs and of what is marked, in all and in the part that is known to be normal."""
    lungs, mask = (ct.like(array).canonical().array > 0 for array in (found.lungs, found.mask))
    columns = np.flatnonzero(lungs.any((1, 2)))
    middle = int(columns.mean().round())
    # Canonical voxels run from the patient's left to the right.
    part = {"both": slice(None), "left": slice(0, middle), "right": slice(middle, None), "": slice(0)}[known.normal]
    whole, marked, normal, wrong = (metrics.volume_ml(array, ct.spacing)
                                    for array in (lungs, mask, lungs[part], mask[part]))
    amounts = {"lung_ml": whole, "marked_ml": marked, "marked_percent": 100 * marked / max(whole, 1e-9)}
    if known.normal:
        amounts.update(normal_part=known.normal, normal_ml=wrong, normal_percent=100 * wrong / max(normal, 1e-9))
    return amounts


def _single_slices(predictors, paths, out):
    """The rows of single slices; one picture per predictor."""
    rows, shown = [], {name: [] for name in predictors}
    for path in paths:
        image = as_ct(path)
        for name, predictor in predictors.items():
            started = time.perf_counter()
            found = predictor.predict(image)
            seconds = time.perf_counter() - started
            # In the view of the picture: the patient's right on the left.
            mask, lungs, scores = (axial(image.volume.like(array).canonical().array)[0]
                                   for array in (found.mask, found.lungs, found.scores))
            lung, marked = (np.count_nonzero(array) * float(np.prod(image.spacing)) / 100 for array in (lungs, mask))
            rows.append({"ct": path.stem, "kind": "slice", "what": "COVID-19, one slice", "predictor": name,
                         "lung_cm2": lung, "marked_cm2": marked, "marked_percent": 100 * marked / max(lung, 1e-9),
                         "highest_score": float(scores.max()), "predict_s": seconds})
            shown[name].append((f"{path.stem}: {rows[-1]['marked_percent']:.0f} %", image.upright, mask, lungs))
    for name, slices in shown.items():
        style.save(sheet_of_slices(slices, f"single slices, {name}"), out / name / "slices.png", 150)
    return rows


def _line(row):
    """One row of the terminal's table."""
    start = f"{row['ct'][:26]:<26} {row['predictor'][:14]:<14} "
    if row["kind"] == "slice":
        return (f"{start}{row['lung_cm2']:6.0f} cm2 lungs {row['marked_cm2']:7.1f} cm2 {row['marked_percent']:6.2f} % "
                f"marked; highest score {row['highest_score']:.2f}")
    normal = f"{row['normal_ml']:7.1f} ml {row['normal_percent']:6.2f} % in {row['normal_part']}" \
        if "normal_ml" in row else ""
    auc = f" AUC by slice {row['auc_by_slice']:.3f}" if "auc_by_slice" in row else ""
    verdict = "" if "passed" not in row else " passed" if row["passed"] else " MISSED"
    return (f"{start}{row['lung_ml']:6.0f} ml  lungs {row['marked_ml']:7.1f} ml  {row['marked_percent']:6.2f} % marked;"
            f"{normal}{auc}{verdict}; read {row['read_s']:.1f} lungs {row['lungs_s']:.1f} predict "
            f"{row['predict_s']:.1f} s ({row['what']})")


def main(argv=None):
    """Measures the models of the command line and the HU window; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_cts", description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", help="run directories, TFLite files, folders of exports "
                        "(default: the network that comes along)")
    parser.add_argument("--data", default=DATA, help="the folder of real CTs (../shared/data/real by default)")
    parser.add_argument("--out", required=True, help="folder for real_cts.json and the pictures")
    parser.add_argument("--only", nargs="+", default=(), help="only CTs whose path holds one of these, e.g. dev lidc")
    args = parser.parse_args(argv)
    if not Path(args.data).is_dir():
        raise InputError(args.data, "the folder of real CTs", "nothing at that path", "pass it with --data")
    predictors = {Window.name: Window()}
    for number, path in enumerate(args.models or [weights.DEFAULT]):
        predictor = load_predictor(path)
        if not hasattr(predictor, "lungs_by"):
            raise InputError(path, "a network that finds lesions in CTs", f"one for {predictor.noun}s",
                             "name another one")
        predictors[_name(path, number, predictors)] = predictor
    measure(predictors, args.data, args.out, args.only)
    return 0


def _name(path, number, taken):
    """A model's short name for the table and its folder of pictures."""
    name = Path(path).resolve().stem
    return name if name not in taken else f"{name}-{number + 1}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as problem:
        sys.exit(f"real_cts: {problem}")
