"""A report's tables as HTML: each in a box of its own that scrolls sideways, with its first column standing still."""

__all__ = ["table_of", "wide_cell"]

from html import escape

from covid3dgan.evaluation.report.items import Link

_LONG = 30  # letters: a longer text in a table cell is wrapped
_DIRECTION = {1: "higher", -1: "lower", 0: "even"}


def table_of(table, badge, inline, link):
    """A ``Table`` as HTML; one with a wide form shows that, and itself folded below.

    Args:
        badge: what is written beside the title of a table that has no badge of its own; empty for nothing.
        inline, link: functions text -> HTML and Link -> HTML.
    """
    badge = table.badge or badge
    if table.wide is None:
        return _long(table, badge, inline, link) + _notes(table.notes, inline)
    return (_wide(table.wide, badge, inline) + _notes(table.wide.notes, inline)
            + "<details><summary>All numbers, with intervals, data and commands</summary>"
            + _long(table, badge, inline, link) + _notes(table.notes, inline) + "</details>")


def _box(title, badge, inline):
    """The box's start, to the end of the caption."""
    shown = f' <span class="badge">{escape(badge)}</span>' if badge else ""
    return (f'<div class="table" tabindex="0" role="region" aria-label="{escape(title, quote=True)}">'
            f'<table><caption><span>{inline(title)}{shown}</span></caption>')


def _notes(notes, inline):
    return '<ul class="notes">' + "".join(f"<li>{inline(note)}</li>" for note in notes) + "</ul>" if notes else ""


# === The paper's shape ===

def _wide(wide, badge, inline):
    grouped = any(name for name, _ in wide.groups)
    lines = [_box(wide.title, badge, inline), "<thead>"]
    corner = f'<th scope="col"{" rowspan=2" if grouped else ""}>{inline(wide.corner)}</th>'
    starts, at = set(), 0
    for _, span in wide.groups:
        starts.add(at)
        at += span
    if grouped:
        heads = "".join(f'<th class="first" scope="colgroup" colspan="{span}">{inline(name)}</th>'
                        for name, span in wide.groups)
        lines.append(f"<tr>{corner}{heads}</tr>")
    names = "".join(f'<th scope="col"{_first(at, starts)}>{inline(name)}</th>' for at, name in enumerate(wide.columns))
    lines += [f"<tr>{'' if grouped else corner}{names}</tr>", "</thead><tbody>"]
    for name, cells in wide.rows:
        lines.append(f'<tr class="group"><th scope="row">{inline(name)}</th>')
        lines += [f'<td{_first(at, starts)}>{"" if cell is None else wide_cell(cell)}</td>'
                  for at, cell in enumerate(cells)]
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
    return "".join(lines).replace('<div class="table"', '<div class="table wide"', 1)


def _first(at, starts):
    return ' class="first"' if at in starts else ""


def wide_cell(cell, named=False):
    """The paper's number, the published code's, ours, and the difference; ``named``: with their names in sight."""
    alone = not named or not (cell.paper or cell.code)  # nothing to tell it from, or told by its place
    parts = []
    for name, text, kind in (("paper", cell.paper, "paper"), ("code", cell.code, "code"), ("ours", cell.ours, "ours")):
        if text:
            shown = "name" if name == "code" or not alone else "unseen"
            parts.append(f'<span class="{kind}"><span class="{shown}">{name} </span>{_spread(text)}</span>')
    behind = []
    if cell.difference:
        behind.append(f'<span class="{_DIRECTION[cell.higher]}"><span class="unseen">difference </span>'
                      f"{escape(cell.difference)}</span>")
    if cell.interval:
        behind.append(f'<span class="n">95 % CI {escape(cell.interval)}</span>')
    if cell.n:
        behind.append(f'<span class="n">n {escape(cell.n)}</span>')
    if behind:
        gap = ", " if cell.interval and cell.n else " "
        parts.append(f'<span class="behind">{gap.join(behind)}</span>')
    return " ".join(parts)


def _spread(text):
    """A number with what follows its plus-minus set smaller."""
    mean, sign, spread = text.partition(" ± ")
    return escape(mean) + (f'<small> ±&thinsp;{escape(spread)}</small>' if sign else "")


# === Line by line ===

def _long(table, badge, inline, link):
    spans = _spans(table)
    lines = [_box(table.title, badge, inline), "<thead><tr>"]
    lines += [f'<th scope="col"{_align(table, column)}>{inline(text)}</th>'
              for column, text in enumerate(table.columns)]
    lines.append("</tr></thead><tbody>")
    for line, row in enumerate(table.rows):
        first = ' class="group"' if table.merged and spans[line][0] else ""
        lines.append(f"<tr{first}>")
        for column, content in enumerate(row):
            text = link(content) if isinstance(content, Link) else inline(content)
            if column < table.merged:
                if spans[line][column]:
                    lines.append(f'<th scope="rowgroup" rowspan="{spans[line][column]}">{text}</th>')
            elif column == 0 and 0 not in table.numeric:
                lines.append(f'<th scope="row">{text}</th>')
            else:
                long = "" if isinstance(content, Link) or len(str(content)) <= _LONG else ' class="long"'
                lines.append(f"<td{_align(table, column) or long}>{text}</td>")
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
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
