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
    spacing, first = files.about["grid"]["spacing"], files.about["grid"]["part"][2][0]
    pictures = [(f"slice {first + z + 1}", axial(hu)[z].astype(np.float32), axial(mask)[z], axial(lungs)[z])
                for z in chosen]
    figure = sheet_of_slices(pictures, _title(case, files), aspect=spacing[1] / spacing[0])
    figure.supxlabel(f"{NOTE} {_how(case, files)}", fontsize=6)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    return picture.getvalue()


def _title(case, files):
    facts = case["facts"]
    who = ", ".join(text for text in (case["name"], case["patient"] and f"patient {case['patient']}", case["date"])
                    if text)
    sides = "; ".join(f"{side} {_ml(facts[f'{side}_infection_ml'])}, {facts[f'{side}_infection_rate_percent']:.1f} % "
                      f"of {facts[f'{side}_lung_ml']:.0f} ml" for side in ("right", "left"))
    found = lesions(files, case["threshold"])
    largest = ", ".join(f"{_ml(lesion['ml'])} {lesion['side']}" for lesion in found[:_LISTED])
    count = f"{len(found)} {'lesion' if len(found) == 1 else 'lesions'}"
    return (f"{_safe(who)}\nLesions: {_ml(facts['infection_ml'])}, {facts['infection_rate_percent']:.1f} % of the "
            f"lungs\n{sides}\n{count}{'; the largest: ' if len(found) > 1 else ': ' if found else ''}{largest}")


def _ml(value):
    """A volume in words, with as many digits as in the page (page/case/panel.js)."""
    if value and value < 0.095:
        return "under 0.01 ml" if value < 0.005 else f"{value:.2f} ml"
    return f"{value:.1f} ml" if value < 999.95 else f"{value:.0f} ml"


def _how(case, files):
    threshold = (case["threshold"] or files.about["cut"]) / 255
    state = "corrected by hand" if case["hand"] else "as the network found it"
    return f"Mask {state}{', checked by a person' if case['checked'] else ''}; threshold {threshold:.2f}."


def _safe(text):
    """Without the signs that matplotlib would read as formulas."""
    return text.replace("$", r"\$")
