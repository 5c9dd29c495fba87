"""docs/NOTEBOOKS.md names functions and ledger lines that are there."""

import importlib
import re
from pathlib import Path

import pytest

from covid3dgan.evaluation.ledger import ledgers

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/NOTEBOOKS.md"
NAMES = sorted(set(re.findall(r"`((?:data|models|losses|training|inference|evaluation|runs)\.[\w.]+)`",
                              DOCUMENT.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name):
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module("covid3dgan." + ".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        break
    for part in parts[end:]:
        found = getattr(found, part)


def test_every_ledger_line_is_there():
    held = {line.number for ledger in ledgers() for line in ledger.lines}
    assert set(re.findall(r"\bF\d\d\b", DOCUMENT.read_text(encoding="utf-8"))) <= held
