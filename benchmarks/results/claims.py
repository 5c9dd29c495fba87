"""The rule for documents: a number that is in no result file is in no document.

What counts as a claim:

* in docs/RESULTS.md every number in a table, but for the columns that name things ("what", "data", "from") and the
  counts in round brackets;
* in README.md every number with a decimal point or a unit of time, memory, volume or share, outside of code, links,
  versions ("Python 3.9", "CC BY 3.0") and the tables that are written from the result files anyway.

A claim holds if some number of the result files (a value, mean, spread, end of an interval, paper's number or target),
rounded to the decimals that the document prints, is the same.
"""

__all__ = ["known_numbers", "readme_claims", "results_claims", "unfounded"]

import re

_NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.]*\d)"
_UNIT = r"\s?(?:%|s\b|ms\b|min\b|minutes?\b|seconds?\b|hours?\b|MB\b|GB\b|MiB\b|GiB\b|ml\b|times\b)"
_NAMES = ("what", "data", "from")
_VERSIONS = re.compile(r"(?:Python|TensorFlow|Keras|CC BY|Apache|version)[- ]?\d[\d.]*(?:(?:-| to | and )\d[\d.]*)?")


def results_claims(text):
    """The numbers, as printed, that the tables of docs/RESULTS.md state."""
    found, columns = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if columns is None:
            columns = cells
        elif not set(line) <= set("|-"):
            for column, cell in zip(columns, cells):
                if column not in _NAMES:
                    found += re.findall(_NUMBER, re.sub(r"\(\w+\)", "", cell))
    return found


def readme_claims(text):
    """The numbers, as printed, that README states in its own words."""
    text = re.sub(r"<!-- results: \w+ -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text)
    text = _VERSIONS.sub(" ", text)
    return [found[0] for found in re.finditer(_NUMBER, text)
            if "." in found[0] or re.match(_UNIT, text[found.end():])]


def known_numbers(records):
    """Every number that the result files hold."""
    found = set()
    for record in records.values():
        for number in record["numbers"]:
            found.update(value for value in number["values"] if value is not None)
            found.update(end for one in number.get("intervals") or () if one for end in one)
            found.update((number["mean"], number["spread"]))
            found.update((number.get("target") or {}).values())
            for side in ("paper", "published_code"):
                found.update((number.get(side) or {}).get(name) for name in ("mean", "spread"))
    return {value for value in found if value is not None}


def unfounded(claims, known):
    """The claims that no number of the result files rounds to."""
    written = {}
    for claim in set(claims):
        form = f".{len(claim.partition('e')[0].partition('.')[2])}{'e' if 'e' in claim else 'f'}"
        if form not in written:
            written[form] = {_plain(f"{value:{form}}") for value in known}
        if _plain(claim) not in written[form]:
            yield claim


def _plain(text):
    return (text.lstrip("-") if float(text) == 0 else text).replace("e-0", "e-")
