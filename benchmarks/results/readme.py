"""README's tables, between ``<!-- results: NAME -->`` and ``<!-- end -->``."""

__all__ = ["BLOCKS", "with_blocks"]

import re

from benchmarks.results.records import ResultError
from benchmarks.results.tables import mean_text, pair_text

# The rows on the papers: paper, title, record, what, on, metric.
_PAPERS = (
    ("001 Shabani", "GAN alone, Mosmed", "shabani/published_protocol", "GAN alone", "Mosmed-like", "slice Dice"),
    ("001 Shabani", "whole system, Mosmed", "shabani/published_protocol", "whole system", "Mosmed-like", "slice Dice"),
    ("000 Elmourabit", "whole system, Mosmed", "elmourabit/demo", "whole system", "Mosmed-like", "slice Dice"),
    ("002 Khali", "TransUNet, the published metric", "khali/demo", "TransUNet", "Mosmed-like", "pixel maximum"),
    ("003 AF-SEG", "AF-SEG, blood cells", "afseg/demo", "AF-SEG", "cells", "Dice"),
    ("003 AF-SEG", "AF-SEG, vessels", "afseg/demo", "AF-SEG", "vessels", "Dice"),
    ("004 SSInfNet", "SSInfNet, infection", "ssinfnet/demo", "SSInfNet", "infection", "F1"),
    ("004 SSInfNet", "SSInfNet, kinds of lesion", "ssinfnet/demo", "SSInfNet", "overall", "F1"),
)
# The rows on time: title, what, on; the columns are instruction sets.
_TIMES = (
    ("`predict`, one CT of 512x512x150, with start-up", "`predict` with start-up", "512x512x150"),
    ("`predict`, one CT of 512x512x40, with start-up", "`predict` with start-up", "NIfTI, 512x512x40"),
    ("`make demo` without making its environment", "`demo`, whole run", "96 cases"),
    ("... its peak memory", "`demo`, peak memory", "96 cases"),
    ("a GAN step of the demo, float32", "GAN step of the demo", "4 x 32x64x64"),
    ("... with oneDNN off", "GAN step of the demo, oneDNN off", "4 x 32x64x64"),
    ("a full-size GAN step, float32", "GAN step, float32", "5 x 32x128x128"),
    ("... in bfloat16", "GAN step, bfloat16", "5 x 32x128x128"),
    ("`make test`", "`make test`", "3742 tests"),
)
# Our names of the methods, and those of the command.
_DEMO_NAMES = {"best HU threshold": "best HU threshold", "GAN alone": "GAN", "GAN + UNet": "GAN + UNet",
               "whole system": "GAN + UNet + contrastive"}
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


def _times(records):
    speed = {name: record for name, record in records.items() if name.startswith("speed/")}
    sets = list(dict.fromkeys(record["machine"]["instructions"] for record in speed.values()))
    lines = ["| | " + " | ".join(sets) + " |", "|" + "---|" * (len(sets) + 1)]
    for title, what, on in _TIMES:
        cells = dict.fromkeys(sets, "-")
        for record in speed.values():
            for number in record["numbers"]:
                if (number["what"], number["on"]) == (what, on):
                    cells[record["machine"]["instructions"]] = _time_text(number)
        if set(cells.values()) == {"-"}:
            raise ResultError(f"speed: README shows {what}, {on}, which is in no file")
        lines.append(f"| {title} | " + " | ".join(cells.values()) + " |")
    return lines


def _time_text(number):
    """"9 min 13 s", "2.5 GB"."""
    if number["unit"] == "s" and number["mean"] >= 120:
        return f"{number['mean'] // 60:.0f} min {number['mean'] % 60:.0f} s"
    return mean_text(number, with_count=False)


def _demo(records):
    """What `covid3dgan demo` prints at its end, seed 0."""
    found = {}
    for number in records["shabani/demo"]["numbers"]:
        if number["on"].endswith("-like") and number["metric"] == "volume Dice":
            found.setdefault(_DEMO_NAMES[number["what"]], {})[number["on"].removesuffix("-like")] = number["values"][0]
    seconds = find(records, "speed/demo", "`demo`, its own clock", "", "")["mean"]
    names = list(next(iter(found.values())))
    return ["```", "Mean Dice per volume on held-out PHANTOMS (not patients), seed 0:",
            f"  {'':<26}" + "".join(f"{name:>13}" for name in names),
            *(f"  {method:<26}" + "".join(f"{values[name]:>13.3f}" for name in names)
              for method, values in found.items()),
            "", f"{seconds:.0f} s. Masks: runs/demo/predictions", "Open the report: runs/demo/report.html", "```"]


BLOCKS = {"demo": _demo, "papers": _papers, "times": _times}
