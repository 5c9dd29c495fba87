"""README's tables, between ``<!-- results: NAME -->`` and ``<!-- end -->``."""

__all__ = ["BLOCKS", "with_blocks"]

import re

from benchmarks.results.records import ResultError
from benchmarks.results.tables import mean_text, pair_text

# What README's table of the papers shows: record, what, on, metric; title of the row.
_PAPERS = (
    ("001", "whole system, Mosmed", "shabani/published_protocol", "whole system", "Mosmed-like", "slice Dice"),
    ("001", "GAN alone, Mosmed", "shabani/published_protocol", "GAN alone", "Mosmed-like", "slice Dice"),
    ("000", "whole system, Radiopaedia", "elmourabit/demo", "whole system", "Radiopaedia-like", "slice Dice"),
    ("002", "TransUNet, pixel maximum", "khali/demo", "TransUNet", "Mosmed-like", "pixel maximum"),
    ("003", "AF-SEG, cells", "afseg/demo", "AF-SEG", "cells", "Dice"),
    ("003", "AF-SEG, vessels", "afseg/demo", "AF-SEG", "vessels", "Dice"),
    ("004", "SSInfNet, infection", "ssinfnet/demo", "SSInfNet", "infection", "F1"),
    ("004", "SSInfNet, overall", "ssinfnet/demo", "SSInfNet", "overall", "F1"),
)
_BLOCK = re.compile(r"(<!-- results: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def with_blocks(text, records):
    """``text`` with each block written anew."""
    unknown = [name for _, name, _, _ in _BLOCK.findall(text) if name not in BLOCKS]
    if unknown:
        raise ResultError(f"README.md: no block called {unknown[0]}; there are {', '.join(BLOCKS)}")
    return _BLOCK.sub(lambda found: found[1] + "\n".join(BLOCKS[found[2]](records)) + "\n" + found[4], text)


def find(records, name, what, on, metric):
    """One number of one record."""
    for number in records[name]["numbers"]:
        if (number["what"], number["on"], number["metric"]) == (what, on, metric):
            return number
    raise ResultError(f"{name}: README shows {what}, {on}, {metric}, which is not in it")


def _papers(records):
    lines = ["| paper | what | the paper, on patients or photographs | ours, on phantoms: mean ± spread (n) |",
             "|---|---|---|---|"]
    for paper, title, name, what, on, metric in _PAPERS:
        number = find(records, name, what, on, metric)
        unit = " %" if number["unit"] == "%" else ""
        lines.append(f"| {paper} | {title}, {metric} | {pair_text(number, 'paper')}{unit} | {mean_text(number)} |")
    return lines


BLOCKS = {"papers": _papers}
