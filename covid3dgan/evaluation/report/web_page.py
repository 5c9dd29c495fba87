"""A report as one HTML page: no script, nothing loaded; the styles are those of page.css."""

__all__ = ["written"]

import base64
import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from covid3dgan.evaluation.report.items import PHANTOM_NOTICE, Code, Link, Paragraph, Picture
from covid3dgan.evaluation.report.web_tables import table_of, wide_cell

_DISPLAY = 0.56  # screen pixels per picture pixel: sharp on dense screens, letters the size of the text
_FOOTER = "Research software, not a medical device."


def written(title, subtitle, lead, sections, drawn):
    """The whole page as text.

    Args:
        title, subtitle, lead, sections: see ``report.write``.
        drawn: name of a picture -> (its PNG, its text for those who do not see it).
    """
    css = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    parts = ['<a class="skip" href="#content">To the content</a>', '<div class="frame">', "<header>",
             f"<h1>{escape(title)}</h1>"]
    if subtitle:
        parts.append(f'<p class="subtitle">{inline(subtitle)}</p>')
    phantom = any(section.phantom for section in sections)
    if phantom:
        parts.append(f'<p class="phantom" role="note">{PHANTOM_NOTICE}</p>')
    parts += ["</header>", *_lead(lead, drawn, phantom), *_contents(sections), '<main id="content">']
    for index, section in enumerate(sections, 1):
        parts.append(f'<section id="s{index}"><h2>{escape(section.title)}</h2>')
        parts += _items(section, drawn)
        parts.append("</section>")
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)}</title>\n<style>{css}</style>\n</head>\n<body>\n" + "\n".join(parts)
            + f"\n</main>\n<footer>{_FOOTER}</footer>\n</div>\n</body>\n</html>\n")


def _contents(sections):
    if len(sections) < 2:
        return
    yield '<nav aria-label="Contents"><p>Contents</p><ol>'
    for index, section in enumerate(sections, 1):
        yield f'<li><a href="#s{index}">{escape(section.title)}</a></li>'
    yield "</ol></nav>"


def _lead(lead, drawn, phantom):
    """The first screen: facts and main numbers beside one picture."""
    if not (lead.facts or lead.headlines or lead.picture):
        return
    yield '<div class="lead">'
    yield '<div class="run">'
    if lead.headlines:
        yield '<ul class="headlines">'
        yield from (f'<li><span class="label">{inline(found.label)}</span>{wide_cell(found.cell, named=True)}</li>'
                    for found in lead.headlines)
        yield "</ul>"
    if lead.facts:
        rows = "".join(f"<dt>{inline(name)}</dt><dd>{inline(text)}</dd>" for name, text in lead.facts)
        yield f"<dl>{rows}</dl>"
    if lead.command:
        yield f"<pre><code>{escape(lead.command)}</code></pre>"
    yield from (f'<p class="open">{link(found)}</p>' for found in lead.links)
    yield "</div>"
    if lead.picture:
        yield _picture(lead.picture, drawn, "phantoms" if phantom else "")
    yield "</div>"


def _items(section, drawn):
    """The items as HTML; pictures that follow each other share a row where the screen is wide."""
    badge, row = "phantoms" if section.phantom else "", []
    for item in section.items:
        if isinstance(item, Picture):
            row.append(_picture(item, drawn, badge))
            continue
        if row:
            yield f'<div class="pictures">{"".join(row)}</div>'
            row = []
        yield _item(item, badge)
    if row:
        yield f'<div class="pictures">{"".join(row)}</div>'


def _item(item, badge):
    if isinstance(item, Paragraph):
        return f"<p>{inline(item.text)}</p>"
    if isinstance(item, Link):
        return f"<p>{link(item)}</p>"
    if isinstance(item, Code):
        block = f'<pre tabindex="0"><code>{escape(item.text)}</code></pre>'
        return f"<details><summary>{inline(item.heading)}</summary>{block}</details>" if item.heading else block
    return table_of(item, badge, inline, link)


def _picture(item, drawn, badge):
    content, description = drawn[item.name]
    data = base64.b64encode(content).decode()
    wide, high = (int.from_bytes(content[at:at + 4], "big") for at in (16, 20))
    shown = f'<span class="badge">{badge}</span>' if badge else ""
    return (f'<figure><img width="{round(_DISPLAY * wide)}" height="{round(_DISPLAY * high)}" '
            f'alt="{escape(description, quote=True)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{inline(item.caption)}{shown}</figcaption></figure>")


def link(found):
    """A link to a file beside the report."""
    part = f"#{quote(found.part)}" if found.part else ""
    return f'<a href="{escape(quote(found.address) + part)}">{inline(found.text)}</a>'


def inline(text):
    """Escaped text with `code` marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(str(text), quote=False))
