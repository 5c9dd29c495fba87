"""The report page of a case as a picture: who, what was measured, slices with the corrected mask."""

__all__ = ["report_page"]

import gc
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from covid3dgan.app.lesions import lesions
from covid3dgan.data.files.geometry import axial
from covid3dgan.evaluation.figures.prediction import sheet_of_slices

NOTE = "Research software, not a medical device."
_SLICES = 12
_LISTED = 5
# One thread for all: matplotlib's settings belong to the whole process, and it keeps fonts for each thread that draws.
_DRAWING = ThreadPoolExecutor(1, "report")


def report_page(case, files):
    """PNG bytes.

    Args:
        case: of app.store.Store.
        files: app.case_files.CaseFiles.
    """
    try:
        return _DRAWING.submit(_drawn, case, files).result()
    finally:
        gc.collect()  # a figure's parts hold each other: left alone, those of ten reports pile up


def _drawn(case, files):
    mask, lungs, hu = files.mask(case["threshold"]), files.read("lungs"), files.read("ct")
    shown = np.flatnonzero((lungs > 0).any((0, 1)))
    chosen = np.unique(np.linspace(shown[0], shown[-1], _SLICES).round().astype(int))[::-1]
    spacing = files.about["grid"]["spacing"]
    figure = sheet_of_slices([(f"slice {z + 1}", axial(hu)[z].astype(np.float32), axial(mask)[z], axial(lungs)[z])
                              for z in chosen], _title(case, files), aspect=spacing[1] / spacing[0])
    figure.supxlabel(f"{NOTE} {_how(case, files)}", fontsize=6)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()


def _title(case, files):
    facts = case["facts"]
    who = ", ".join(text for text in (case["name"], case["patient"] and f"patient {case['patient']}", case["date"])
                    if text)
    sides = "; ".join(f"{side} {facts[f'{side}_infection_ml']:.1f} ml, {facts[f'{side}_infection_rate_percent']:.1f} % "
                      f"of {facts[f'{side}_lung_ml']:.0f} ml" for side in ("right", "left"))
    found = lesions(files, case["threshold"])
    largest = ", ".join(f"{lesion['ml']:.1f} ml {lesion['side']}" for lesion in found[:_LISTED])
    return (f"{_safe(who)}\nLesions: {facts['infection_ml']:.1f} ml, {facts['infection_rate_percent']:.1f} % of the "
            f"lungs\n{sides}\n{len(found)} lesions{'; the largest: ' if found else ''}{largest}")


def _how(case, files):
    threshold = (case["threshold"] or files.about["cut"]) / 255
    state = "corrected by hand" if case["hand"] else "as the network found it"
    return f"Mask {state}{', checked by a person' if case['checked'] else ''}; threshold {threshold:.2f}."


def _safe(text):
    """Without the signs that matplotlib would read as formulas."""
    return text.replace("$", r"\$")
