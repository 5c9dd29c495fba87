"""Masks of a recipe's first test cases as NIfTI, and the page that shows them, which the report links to."""

__all__ = ["FOLDER", "masks_section", "predict_cases", "view_links", "write_view"]

import math

from covid3dgan import progress
from covid3dgan.evaluation import report
from covid3dgan.inference.inputs import Input
from covid3dgan.inference.predict_each import predict_each
from covid3dgan.viewer import page
from covid3dgan.viewer.cases import CaseFiles

FOLDER, PAGE = "predictions", "view.html"
SHOWN = 4  # cases of each test cohort


def predict_cases(model, cohorts, out, count=SHOWN):
    """Masks of the first test cases, in each CT's own geometry, in ``out``/predictions/COHORT.

    Args:
        model: inference.lesions.LesionPredictor.
        cohorts: systems.cohorts.Cohorts.
        count: cases of each test cohort.

    Returns:
        Cohort -> {"cases": facts by id, "problems": sentences}.
    """
    facts = {}
    for name, cases in cohorts.tests.items():
        results, problems = predict_each(model, [_input(case) for case in cases[:count]], out / FOLDER / name,
                                         overlay=True, resume=True)
        facts[name] = {"cases": results, "problems": problems}
    return facts


def write_view(cohorts, out, title, count=SHOWN):
    """Writes ``out``/view.html, which shows what ``predict_cases`` found beside the reference masks in a browser.

    Returns:
        Its path; None where there are no such cases, or the page's template was never built.
    """
    cases = [CaseFiles(_input(case), (("lesions", out / FOLDER / name / f"{case.id}.nii.gz"),
                                      ("reference mask", case.infection)))
             for name, tests in cohorts.tests.items() for case in tests[:count]]
    cases = [case for case in cases if all(path and path.is_file() for _, path in case.layers)][:page.MOST_CASES]
    if not (cases and page.TEMPLATE.is_file()):
        return None
    notice = report.PHANTOM_NOTICE if cohorts.phantom else ""
    path, problems = page.write_page(cases, out / PAGE, title, notice, overwrite=True)
    for problem in problems:
        progress.say(f"not in {path.name}: {problem}")
    return path


def view_links(view):
    """What the first screen links to: the page of ``write_view``, where there is one."""
    return () if view is None else (report.Link(f"Open the masks in a browser: {view.name}", view.name),)


def masks_section(view, phantom, dice):
    """The report's sections (one or none) that link to the page of ``write_view``, and to each of its cases.

    Args:
        view: that page; None where there is none.
        dice: data set -> {case: Dice in percent} of the scored cases.
    """
    if view is None:
        return ()
    rows = [(name, report.Link(case, view.name, case), "-" if math.isnan(value) else f"{value:.1f}")
            for name, cases in dice.items() for case, value in cases.items()
            if (view.parent / FOLDER / name / f"{case}.nii.gz").is_file()]
    cases = report.Table("Cases", ("data set", "case", "Dice (%)"), tuple(rows), merged=1, numeric=(2,))
    return (report.Section("Masks", (
        report.Paragraph("The first test cases with predicted and reference masks, slice by slice and in 3D, and their "
                         "volumes per side."), *([cases] if rows else [report.Link(f"Open {view.name}", view.name)])),
                           phantom),)


def _input(case):
    return Input(case.id, case.image, case.lungs, case.window)
