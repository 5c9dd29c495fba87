"""A report as Markdown: tables in the paper's shape first, the long ones folded below them."""

__all__ = ["written"]

from urllib.parse import quote

from covid3dgan.evaluation.report.items import PHANTOM_NOTICE, Code, Link, Paragraph, Picture


def written(title, subtitle, lead, sections, folder, drawn):
    """The whole file as text.

    Args:
        title, subtitle, lead, sections: see ``report.write``.
        folder: where the pictures lie, beside the file.
        drawn: name of a picture -> (its PNG, its text for those who do not see it).
    """
    lines = [f"# {title}", ""]
    if subtitle:
        lines += [subtitle, ""]
    if any(section.phantom for section in sections):
        lines += [f"**{PHANTOM_NOTICE}**", ""]
    lines += _lead(lead, folder, drawn)
    for section in sections:
        lines += [f"## {section.title}", ""]
        for item in section.items:
            lines += _item(item, folder, drawn, "phantoms" if section.phantom else "")
    return "\n".join(lines + ["Research software, not a medical device.", ""])


def _lead(lead, folder, drawn):
    lines = [f"- {name}: {text}" for name, text in lead.facts]
    lines += [f"- {headline.label}: {_cell(headline.cell)}" for headline in lead.headlines]
    lines += [""] if lines else []
    for link in lead.links:
        lines += [_link(link), ""]
    if lead.picture:
        lines += _item(lead.picture, folder, drawn, "")
    return [*lines, "```", lead.command, "```", ""] if lead.command else lines


def _item(item, folder, drawn, badge):
    if isinstance(item, Paragraph):
        return [item.text, ""]
    if isinstance(item, Link):
        return [_link(item), ""]
    if isinstance(item, Code):
        block = ["```", item.text, "```", ""]
        if not item.heading:
            return block
        return [f"<details><summary>{item.heading}</summary>", "", *block, "</details>", ""]
    if isinstance(item, Picture):
        beside = f" ({badge})" if badge else ""
        return [f"![{drawn[item.name][1]}]({folder}/{item.name}.png)", "", f"*{item.caption}{beside}*", ""]
    badge = item.badge or badge
    beside = f" ({badge})" if badge else ""
    if item.wide is None:
        return _table(item, beside)
    return [*_wide(item.wide, beside), "<details><summary>All numbers, with intervals, data and commands</summary>", "",
            *_table(item, beside), "</details>", ""]


def _link(link):
    return f"[{link.text}]({quote(link.address)}{f'#{quote(link.part)}' if link.part else ''})"


def _row(cells):
    shown = [_link(cell) if isinstance(cell, Link) else str(cell).replace("|", "\\|").replace("\n", " ")
             for cell in cells]
    return "| " + " | ".join(shown) + " |"


def _table(table, beside):
    rule = ["---:" if column in table.numeric else "---" for column in range(len(table.columns))]
    return [f"**{table.title}**{beside}", "", _row(table.columns), _row(rule), *map(_row, table.rows), "",
            *(f"- {note}" for note in table.notes), ""]


def _wide(wide, beside):
    groups = [name for name, span in wide.groups for _ in range(span)]
    columns = [": ".join(filter(None, pair)) for pair in zip(groups, wide.columns)]
    rows = [(name, *("" if cell is None else _cell(cell) for cell in cells)) for name, cells in wide.rows]
    return [f"**{wide.title}**{beside}", "", _row((wide.corner, *columns)), _row(["---"] * (1 + len(columns))),
            *map(_row, rows), "", *(f"- {note}" for note in wide.notes), ""]


def _cell(cell):
    """Paper / code / **ours** (difference, n)."""
    parts = [cell.paper, cell.code and f"code {cell.code}", cell.ours and f"**{cell.ours}**"]
    behind = ", ".join(filter(None, (cell.difference, cell.interval and f"95 % CI {cell.interval}",
                                     cell.n and f"n {cell.n}")))
    return " / ".join(filter(None, parts)) + (f" ({behind})" if behind else "")
