"""The page of what ``evaluate`` has just scored: ``evaluate --view``."""

__all__ = ["write_evaluated_page"]

import warnings

from covid3dgan.data.datasets.cases import VOLUME_SUFFIXES
from covid3dgan.errors import InputError, InputWarning, sentence
from covid3dgan.inference.inputs import Input
from covid3dgan.viewer.cases import CaseFiles
from covid3dgan.viewer.page import MOST_CASES, write_page


def write_evaluated_page(pairs, page, title, notice=""):
    """Writes the page: each CT with its prediction and its reference.

    Args:
        pairs: case -> evaluation.pairs.Pair; those without a CT, and pictures, are not shown.
        page: path of the .html file; an older one is replaced.
        title, notice: see :func:`viewer.page.write_page`.

    Returns:
        (ids, sentences): the cases that the page holds, none where there is no page; and one sentence for each CT that
        could not be shown, or why there is no page: the scores are there all the same.
    """
    cases = [CaseFiles(Input(name, pair.image, pair.lungs, pair.window),
                       (("prediction", pair.prediction), ("reference mask", pair.reference)))
             for name, pair in pairs.items()
             if pair.image is not None and all(path.name.lower().endswith(VOLUME_SUFFIXES)
                                               for path in (pair.image, pair.prediction, pair.reference))]
    if not cases:
        return [], [sentence(page, "CTs as NIfTI files behind the masks", "none", "pass --ct, or leave --view out")]
    if len(cases) > MOST_CASES:
        warnings.warn(InputWarning(sentence(page, f"at most {MOST_CASES} CTs", f"{len(cases)}",
                                            f"it shows the first {MOST_CASES}")), stacklevel=2)
    ids = [case.input.id for case in cases[:MOST_CASES]]
    try:
        return ids, write_page(cases[:MOST_CASES], page, title, notice, overwrite=True)[1]
    except InputError as error:
        return [], [str(error)]
