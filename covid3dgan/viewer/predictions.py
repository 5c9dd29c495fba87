"""The page of what ``predict`` has just written: ``predict --view``."""

__all__ = ["page_path", "write_predictions_page"]

from pathlib import Path

from covid3dgan.data.datasets.cases import VOLUME_SUFFIXES, stem
from covid3dgan.errors import InputError, sentence
from covid3dgan.files import refuse_overwrite
from covid3dgan.inference.inputs import is_volume_file
from covid3dgan.viewer.cases import CaseFiles
from covid3dgan.viewer.page import require_template, write_page


def page_path(out, overwrite):
    """Where the page of the masks at ``out`` goes; an error, before anything is computed, where it cannot be written.

    Args:
        out: the folder of the masks (the page is view.html in it), or the one mask's name (MASK.html).
        overwrite: whether a page that is there may be replaced.
    """
    require_template()
    out = Path(out)
    path = out.with_name(f"{stem(out)}.html") if is_volume_file(out) else out / "view.html"
    refuse_overwrite(path, overwrite)
    return path


def write_predictions_page(predictor, inputs, done, out, probability, page):
    """Writes the page of the CTs that were segmented; pictures have none.

    Args:
        predictor: the inference.predictor.Predictor that wrote the masks.
        inputs: inference.inputs.Input of all CTs.
        done: the ids of those that have masks.
        out, probability: as ``predict_each`` got them.
        page: ``page_path``'s.

    Returns:
        One sentence for each CT that could not be shown, or why there is no page: the masks are there all the same.
    """
    cases = []
    for item in inputs:
        paths = predictor.paths(item, Path(out), probability, False) if item.id in done and not item.is_picture else {}
        layers = [("lesions" if key == "mask" else key, paths[key]) for key in ("mask", "scores", "uncertainty")
                  if key in paths]
        if layers and layers[0][1].name.lower().endswith(VOLUME_SUFFIXES):
            cases.append(CaseFiles(item, tuple(layers), getattr(predictor, "lungs_by", "threshold"),
                                   getattr(predictor, "kept_lungs", None)))
    if not cases:
        return [sentence(page, "CTs whose masks are NIfTI files", "none of that kind",
                         "leave --view out for pictures and other formats")]
    title = cases[0].input.id if len(cases) == 1 else Path(out).resolve().name
    try:
        return write_page(cases, page, title, overwrite=True)[1]
    except InputError as error:
        return [str(error)]
