"""Reports: one self-contained HTML file (images inside, nothing loaded from anywhere) and the same in Markdown.

    >>> sections = [Section("Results", [Paragraph("Two cases."), Table("Scores", ("case", "Dice"), (("a", "61.2"),))])]
    >>> write("report.html", "Evaluation", sections)                                              # doctest: +SKIP
"""

__all__ = ["Code", "Link", "Paragraph", "Picture", "Section", "Table", "write"]

import base64
import dataclasses
import html
import re
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote

from covid3dgan.errors import InputError
from covid3dgan.evaluation.figures import style
from covid3dgan.files import atomic_path, atomic_write_text, refuse_overwrite

# Shown under every heading of results that were made on phantoms.
PHANTOM_NOTICE = "Made on phantoms (synthetic images). These are not results on patients."
_LONG = 30  # letters: a longer text in a table cell is wrapped
_DISPLAY = 0.56  # screen pixels per picture pixel: sharp on dense screens, letters the size of the text


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A paragraph; text between `backquotes` is set as code."""

    text: str


@dataclasses.dataclass(frozen=True)
class Code:
    """A block of code or commands, verbatim."""

    text: str


@dataclasses.dataclass(frozen=True)
class Link:
    """A link to a file beside the report."""

    text: str
    address: str


@dataclasses.dataclass(frozen=True)
class Picture:
    """A matplotlib Figure with its caption; ``name`` becomes the file name beside the Markdown."""

    figure: Any
    caption: str
    name: str


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of strings.

    ``merged``: so many leading columns show a value that repeats from the row above only once. ``numeric``: indices of
    the columns that are set flush right. ``notes`` stand below.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    merged: int = 0
    numeric: tuple[int, ...] = ()

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(f"table {self.title!r}", f"{len(self.columns)} cells in every row",
                                 f"{len(row)} in {row!r}", "complete the row")


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands under it; ``phantom`` adds the notice that these are no results on patients."""

    title: str
    items: tuple
    phantom: bool = False


def write(path, title, sections, subtitle: Optional[str] = None, overwrite=False, pictures: Optional[str] = None):
    """Writes ``path`` (.html) and, beside it, the same report as .md with its pictures in a folder of their own.

    Args:
        path: the HTML file.
        title, subtitle: of the report.
        sections: an iterable of ``Section``.
        pictures: that folder's name; ``<name>_figures`` if None.

    Returns:
        (path of the HTML file, path of the Markdown file).
    """
    path = Path(path)
    if path.suffix != ".html":
        raise InputError(path, "a name that ends in .html", f"the name {path.name!r}", "rename the report")
    markdown = path.with_suffix(".md")
    for target in (path, markdown):
        refuse_overwrite(target, overwrite)
    sections = list(sections)
    drawn = {item.name: style.png(item.figure) for section in sections for item in section.items
             if isinstance(item, Picture)}
    folder = path.parent / (pictures or f"{path.stem}_figures")
    for name, content in drawn.items():
        with atomic_path(folder / f"{name}.png") as temporary:
            temporary.write_bytes(content)
    atomic_write_text(path, _html(title, subtitle, sections, drawn))
    atomic_write_text(markdown, _markdown(title, subtitle, sections, folder.name))
    return path, markdown


def _html(title, subtitle, sections, pictures):
    contents = "".join(f'<li><a href="#s{index}">{html.escape(section.title)}</a></li>'
                       for index, section in enumerate(sections, 1))
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if subtitle:
        parts.append(f'<p class="subtitle">{_inline(subtitle)}</p>')
    if len(sections) > 1:
        parts.append(f'<nav aria-label="Contents"><ol>{contents}</ol></nav>')
    for index, section in enumerate(sections, 1):
        parts.append(f'<section id="s{index}"><h2>{html.escape(section.title)}</h2>')
        if section.phantom:
            parts.append(f'<p class="phantom">{PHANTOM_NOTICE}</p>')
        parts += [_html_item(item, pictures) for item in section.items]
        parts.append("</section>")
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts)
            + "\n<footer>Research software, not a medical device.</footer>\n</main>\n</body>\n</html>\n")


def _html_item(item, pictures):
    if isinstance(item, Paragraph):
        return f"<p>{_inline(item.text)}</p>"
    if isinstance(item, Link):
        return f'<p><a href="{html.escape(quote(item.address))}">{_inline(item.text)}</a></p>'
    if isinstance(item, Code):
        return f"<pre><code>{html.escape(item.text)}</code></pre>"
    if isinstance(item, Picture):
        data = base64.b64encode(pictures[item.name]).decode()
        wide = round(_DISPLAY * int.from_bytes(pictures[item.name][16:20], "big"))
        return (f'<figure><img width="{wide}" alt="{html.escape(item.caption, quote=True)}" '
                f'src="data:image/png;base64,{data}">'
                f"<figcaption>{_inline(item.caption)}</figcaption></figure>")
    return _html_table(item)


def _html_table(table):
    spans = _spans(table)
    lines = [f'<div class="table"><table><caption>{_inline(table.title)}</caption><thead><tr>']
    lines += [f'<th scope="col"{_align(table, column)}>{html.escape(text)}</th>'
              for column, text in enumerate(table.columns)]
    lines.append("</tr></thead><tbody>")
    for line, row in enumerate(table.rows):
        first = ' class="group"' if table.merged and spans[line][0] else ""
        lines.append(f"<tr{first}>")
        for column, text in enumerate(row):
            if column < table.merged:
                span = spans[line][column]
                if span:
                    lines.append(f'<th scope="rowgroup" rowspan="{span}">{_inline(text)}</th>')
            else:
                long = ' class="long"' if len(str(text)) > _LONG else ""
                lines.append(f"<td{_align(table, column) or long}>{_inline(text)}</td>")
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
    if table.notes:
        lines.append('<ul class="notes">' + "".join(f"<li>{_inline(note)}</li>" for note in table.notes) + "</ul>")
    return "".join(lines)


def _spans(table):
    """For each row and merged column: over how many rows its value reaches, 0 where one above covers it."""
    spans = [[0] * table.merged for _ in table.rows]
    for column in range(table.merged):
        start = 0
        for line in range(1, len(table.rows) + 1):
            same = line < len(table.rows) and table.rows[line][:column + 1] == table.rows[start][:column + 1]
            if not same:
                spans[start][column] = line - start
                start = line
    return spans


def _align(table, column):
    return ' class="number"' if column in table.numeric else ""


def _inline(text):
    """Escaped text with `code` marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(text), quote=False))


def _markdown(title, subtitle, sections, folder):
    lines = [f"# {title}", ""]
    if subtitle:
        lines += [subtitle, ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        if section.phantom:
            lines += [f"**{PHANTOM_NOTICE}**", ""]
        for item in section.items:
            if isinstance(item, Paragraph):
                lines += [item.text, ""]
            elif isinstance(item, Link):
                lines += [f"[{item.text}]({quote(item.address)})", ""]
            elif isinstance(item, Code):
                lines += ["```", item.text, "```", ""]
            elif isinstance(item, Picture):
                lines += [f"![{item.caption}]({folder}/{item.name}.png)", "", f"*{item.caption}*", ""]
            else:
                lines += _markdown_table(item)
    return "\n".join(lines + ["Research software, not a medical device.", ""])


def _markdown_table(table):
    def line(cells):
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    rule = ["---:" if column in table.numeric else "---" for column in range(len(table.columns))]
    return [f"**{table.title}**", "", line(table.columns), line(rule), *(line(row) for row in table.rows), "",
            *(f"- {note}" for note in table.notes), ""]


_CSS = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--paper:#fff;--line:#d5dbe1;--band:#f4f6f8;--link:#0969da;
--warn-ink:#7a3e00;--warn:#fff4e0;--warn-line:#e69f00}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#9aa4af;--paper:#14181d;--line:#333b45;--band:#1d232a;
--link:#6cb2ff;--warn-ink:#ffd699;--warn:#33260d;--warn-line:#b87900}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",
Arial,sans-serif}
main{max-width:84rem;margin:0 auto;padding:2.5rem 1.5rem 3rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem}
h2{font-size:1.3rem;margin:2.8rem 0 .8rem;padding-top:1.2rem;border-top:1px solid var(--line)}
p{max-width:48rem;margin:.7rem 0}
.subtitle{color:var(--soft);margin-top:0}
nav ol{columns:18rem auto;column-gap:2.5rem;
margin:1.2rem 0;padding:1rem 1rem 1rem 2.4rem;background:var(--band);border-radius:.5rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
.phantom{max-width:none;padding:.6rem .9rem;color:var(--warn-ink);background:var(--warn);
border-left:4px solid var(--warn-line);border-radius:.2rem;font-weight:600}
.table{overflow-x:auto;margin:1.2rem 0 .4rem}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;min-width:60%}
caption{text-align:left;font-weight:600;font-size:1rem;padding:.2rem 0 .5rem}
th,td{padding:.28rem .42rem;text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--line);color:var(--soft);font-weight:600;vertical-align:bottom}
tbody th{font-weight:600}
td{white-space:nowrap}tbody th{max-width:10rem}td.long{white-space:normal;min-width:14rem;max-width:22rem}
tr.group>*{border-top:1px solid var(--line)}
tbody tr:hover td{background:var(--band)}
.number{text-align:right}
.notes{margin:.2rem 0 1.6rem;padding-left:1.1rem;color:var(--soft);font-size:.84rem;max-width:60rem}
code{font:.85em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--band);padding:.1em .35em;
border-radius:.25em;overflow-wrap:anywhere}
pre{background:var(--band);padding:.9rem 1.1rem;border-radius:.5rem;overflow-x:auto}pre code{padding:0;background:none}
figure{margin:1.6rem 0;max-width:max-content}
figure img{display:block;max-width:100%;height:auto;background:#fff;padding:.6rem;border-radius:.5rem;
border:1px solid var(--line)}
figcaption{color:var(--soft);font-size:.9rem;margin-top:.5rem;max-width:48rem}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure,.table{break-inside:avoid}nav{display:none}
table{font-size:7.5pt}th,td{padding:.15rem .35rem}td{white-space:normal}}
"""
