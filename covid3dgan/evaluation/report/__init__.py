"""Reports: one self-contained HTML file (images inside, nothing loaded from anywhere) and the same in Markdown.

    >>> sections = [Section("Results", [Paragraph("Two cases."), Table("Scores", ("case", "Dice"), (("a", "61.2"),))])]
    >>> write("report.html", "Evaluation", sections)                                              # doctest: +SKIP
"""

__all__ = ["ON_PHANTOMS", "PHANTOM_NOTICE", "Cell", "Code", "Headline", "Lead", "Link", "Paragraph", "Picture",
           "Section", "Table", "Wide", "write"]

from pathlib import Path
from typing import Optional

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures import style
from covid3dgan.evaluation.report import markdown_page, web_page
from covid3dgan.evaluation.report.items import (
    ON_PHANTOMS,
    PHANTOM_NOTICE,
    Cell,
    Code,
    Headline,
    Lead,
    Link,
    Paragraph,
    Picture,
    Section,
    Table,
    Wide,
)
from covid3dgan.files import atomic_path, atomic_write_text, refuse_overwrite


def write(path, title, sections, subtitle: Optional[str] = None, overwrite=False, pictures: Optional[str] = None,
          lead: Optional[Lead] = None):
    """Writes ``path`` (.html) and, beside it, the same report as .md with its pictures in a folder of their own.

    Args:
        path: the HTML file.
        title, subtitle: of the report.
        sections: an iterable of ``Section``.
        pictures: that folder's name; ``<name>_figures`` if None.
        lead: what the first screen shows.

    Returns:
        (path of the HTML file, path of the Markdown file).
    """
    path = Path(path)
    if path.suffix != ".html":
        raise InputError(path, "a name that ends in .html", f"the name {path.name!r}", "rename the report")
    markdown = path.with_suffix(".md")
    for target in (path, markdown):
        refuse_overwrite(target, overwrite)
    sections, lead = list(sections), lead or Lead()
    shown = [lead.picture] if lead.picture else []
    shown += [item for section in sections for item in section.items if isinstance(item, Picture)]
    drawn = {item.name: (style.png(item.figure), style.described(item.figure)) for item in shown}
    folder = path.parent / (pictures or f"{path.stem}_figures")
    for name, (content, _) in drawn.items():
        with atomic_path(folder / f"{name}.png") as temporary:
            temporary.write_bytes(content)
    atomic_write_text(path, web_page.written(title, subtitle, lead, sections, drawn))
    atomic_write_text(markdown, markdown_page.written(title, subtitle, lead, sections, folder.name, drawn))
    return path, markdown
