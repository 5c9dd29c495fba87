"""The first screen of a paper's report: what was run on what, its main numbers beside the paper's, one picture."""

__all__ = ["first_screen"]

from covid3dgan import papers
from covid3dgan.evaluation import report
from covid3dgan.evaluation.figures.overview import overview
from covid3dgan.evaluation.paper_shape import headlines


def first_screen(preset, seed, facts, numbers, shown, command, links=()):
    """(title of the report, its ``report.Lead``).

    Args:
        preset: the preset that ran.
        seed: of the run.
        facts: (name, text) of what is said of data and training.
        numbers: arguments of ``paper_shape.headlines`` for each table that main numbers come from.
        shown: (what the slice is, steps, predicted mask, true mask), see ``overview``; None where there is none.
        command: what makes the report again.
        links: ``report.Link``s to pages beside the report.
    """
    paper = papers.get(preset.system)
    picture = None
    if shown is not None:
        name, *drawn = shown
        steps = drawn[0]
        caption = [f"{name}.", *(["Grey: -1000 to 400 HU."] if steps[0][0] == "CT" else []),
                   *(["Difference: blue below, red above."] if "difference" in {kind for _, _, kind in steps} else [])]
        picture = report.Picture(overview(*drawn), " ".join(caption), "overview")
    facts = (("preset", f"`{preset.name}`: {preset.summary}"), ("seed", str(seed)),
             *((name.replace("_", ", "), text) for name, text in facts))
    return f"Paper {paper.number}: {paper.title}", report.Lead(
        facts, tuple(found for one in numbers for found in headlines(*one)), picture, command, tuple(links))
