"""The ledger of deviations: complete, true to the presets, held by tests that exist, and printed as it is."""

import ast
from pathlib import Path

import pytest

from covid3dgan import presets
from covid3dgan.evaluation import ledger as ledger_room
from covid3dgan.evaluation.ledger.form import option_value
from covid3dgan.evaluation.ledger.shabani import LEDGER

ROOT = Path(__file__).resolve().parents[3]
ALL = [(ledger, line) for ledger in ledger_room.ledgers() for line in ledger.lines]
IDS = [line.number for _, line in ALL]


def functions_of(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_shabani_has_all_its_lines():
    assert [line.number for line in LEDGER.lines] == [f"F{number:02d}" for number in range(1, 40)]
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("ledger, line", ALL, ids=IDS)
def test_every_option_is_a_preset_field_with_a_default_in_every_preset(ledger, line):
    for name in ledger.presets:
        fields = dict(presets.registry.fields_of(presets.get(name)))
        for option in line.options:
            assert option in fields
            assert option_value(name, option) == fields[option]


@pytest.mark.parametrize("ledger, line", ALL, ids=IDS)
def test_every_line_names_tests_that_exist(ledger, line):
    assert line.tests
    for test in line.tests:
        path, _, name = test.partition("::")
        assert name in functions_of(ROOT / path)


@pytest.mark.parametrize("ledger, line", ALL, ids=IDS)
def test_every_line_says_what_text_and_code_do(ledger, line):
    assert line.about and line.text and line.code


BOOKKEEPING = ("log_every", "checkpoint_every")


def changed(improved, published):
    """Fields in which two presets differ, sizes of the log left out."""
    fields, theirs = (dict(presets.registry.fields_of(presets.get(name))) for name in (improved, published))
    return {path for path, value in fields.items() if path.rpartition(".")[0] and value != theirs.get(path)
            and path.rpartition(".")[2] not in BOOKKEEPING}


@pytest.mark.parametrize("ledger", [found for found in ledger_room.ledgers() if found.improved],
                         ids=lambda ledger: ledger.improved)
def test_all_that_an_improved_preset_changes_is_named(ledger):
    named = {option for part in (*ledger.lines, *ledger.fixes) for option in part.options}
    if ledger.taken_over:
        ours, theirs = (dict(presets.registry.fields_of(presets.get(name)))
                        for name in (ledger.improved, ledger.taken_over))
        named |= {path for path in theirs if path.rpartition(".")[0] and ours[path] == theirs[path]}
    found = changed(ledger.improved, ledger.presets[0])
    assert found <= named
    for fix in ledger.fixes:
        assert fix.about and fix.why and set(fix.options) <= found, "a fix that changes nothing"


def test_the_published_preset_follows_the_code_and_the_paper_preset_the_text():
    by_code = {"F02": ["mse"], "F03": [1e-3], "F04": [5], "F09": [(None, 2.0, 2.0)], "F10": ["rotate"], "F11": [True],
               "F12": ["resampled"], "F13": [True], "F14": [True], "F17": [False], "F20": [5e-5, None], "F21": [8],
               "F22": [100], "F23": [True], "F24": [True, False, False], "F33": [True], "F34": [2],
               "F26": ["convlstm"], "F35": ["contrastive-first"], "F36": ["mean"], "F37": [0.0],
               "F38": ["lungmask-if-installed"], "F39": ["mse"]}
    by_text = {"F02": ["log"], "F03": [5e-5], "F04": [8], "F09": [(1.0, 1.0, 1.0)], "F10": ["affine"], "F11": [False],
               "F12": ["original"], "F13": [False], "F14": [False], "F17": [True], "F20": [1e-3, 1000], "F21": [32],
               "F22": [1000 * 664 * 32 // 32], "F23": [False], "F24": [False, False, False], "F33": [False],
               "F34": [1], "F26": ["convlstm"], "F35": ["contrastive-first"], "F36": ["sum"], "F37": [0.0],
               "F38": ["lungmask-if-installed"], "F39": ["mse"]}
    for preset, expected in (("shabani/published", by_code), ("shabani/paper", by_text)):
        assert {line.number: [option_value(preset, option) for option in line.options]
                for line in LEDGER.lines if line.number in expected} == expected


def test_the_page_is_what_the_ledger_says():
    page = (ROOT / "docs" / "FIDELITY.md").read_text(encoding="utf-8")
    assert page == ledger_room.page(), "run python -m covid3dgan.evaluation.ledger"
