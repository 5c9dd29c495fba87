"""What a ``reproduce`` has found, inside a notebook: the paper's tables with ours beside, and the report's figures."""

__all__ = ["show_figures", "show_tables", "small_png"]

import io
import re
from pathlib import Path

from covid3dgan.notebooks import paper_numbers

_PICTURE = re.compile(r"^!\[(?P<caption>[^\]]*)\]\((?P<file>[^)]+)\)$", re.MULTILINE)


def show_tables(system, ours):
    """Displays every table of the system's paper, and a chart of those with numbers of ours.

    Args:
        ours: list of paper_numbers.Ours.
    """
    from IPython.display import Markdown, display

    for table in paper_numbers.printed(system):
        display(Markdown(paper_numbers.markdown(table, system, ours)))
        drawn = paper_numbers.chart(table, system, ours)
        if drawn is not None:
            display(drawn)


def show_figures(report, width=640):
    """Displays the pictures of a report, each above its caption.

    Args:
        report: path of report.html or report.md; the Markdown twin names the pictures.
        width: most pixels of a picture across.
    """
    from IPython.display import Image, Markdown, display

    markdown = Path(report).with_suffix(".md")
    for found in _PICTURE.finditer(markdown.read_text(encoding="utf-8")):
        display(Image(data=small_png(markdown.parent / found["file"], width), alt=found["caption"]))
        display(Markdown(found["caption"]))


def small_png(path, width):
    """The bytes of a picture of at most ``width`` pixels across, in at most 256 colours."""
    import PIL.Image

    with PIL.Image.open(path) as picture:
        picture = picture.convert("RGB")
        if picture.width > width:
            picture = picture.resize((width, round(picture.height * width / picture.width)),
                                     PIL.Image.Resampling.LANCZOS)
        content = io.BytesIO()
        picture.quantize(256).save(content, "PNG", optimize=True)
    return content.getvalue()
