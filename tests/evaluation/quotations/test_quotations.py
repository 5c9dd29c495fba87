"""What holds each field of the paper presets: an entry for each, words that the papers have, values that agree."""

import os
import re
from pathlib import Path

import pytest

from covid3dgan import presets
from covid3dgan.evaluation import quotations
from covid3dgan.evaluation.quotations.form import Quotation, Silence, as_json, describe, quotable_fields, shown

TABLES = {table.preset: table for table in quotations.tables()}
MOST_WORDS = 25


@pytest.fixture(scope="module")
def texts():
    """{number of a paper: its text, folded}; skipped where the papers are absent."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "papers"
    folder = Path(os.environ.get("COVID3DGAN_SHARED_PAPERS", beside))
    if not folder.is_dir():
        pytest.skip("the papers' texts are not here (set COVID3DGAN_SHARED_PAPERS)")
    return {table.paper: folded(next(folder.glob(f"{table.paper}_*.txt")).read_text(encoding="utf-8"))
            for table in TABLES.values()}


def folded(text):
    """Without white space, hyphens at line ends, and the marks of formulas and of bold print."""
    text = re.sub(r"(?<=\w)-\s*\n\s*", "", text)
    return re.sub(r"[\s$*]", "", text)


def missing(words, text):
    """The first part of ``words`` (" ... " parts them) that ``text``, folded, does not have after the ones before."""
    start = 0
    for part in words.split(" ... "):
        start = text.find(folded(part), start)
        if start < 0:
            return part
        start += len(folded(part))
    return ""


def spellings(number):
    """How a number may be written: 1e-3, 0.001; 10000, 10,000, 5e-05."""
    exponent = re.sub(r"e([+-])0*", r"e\1", f"{number:.0e}")
    return {str(number), f"{number:,}", f"{number:g}", f"{number:.10f}".rstrip("0"), exponent}


def test_the_papers_have_a_table():
    numbers = [table.paper for table in quotations.tables()]
    assert numbers == sorted(numbers) and {"000", "001", "002", "003", "004"} <= set(numbers)
    assert {"elmourabit/paper", "shabani/paper", "khali/paper", "afseg/cells", "afseg/vessels",
            "ssinfnet/paper"} <= set(TABLES)
    assert quotations.of_preset("shabani/paper") is TABLES["shabani/paper"]
    assert quotations.of_preset("shabani/demo") is quotations.of_preset("afseg/cells/demo") is None


@pytest.mark.parametrize("name", TABLES)
def test_every_field_has_an_entry_and_no_entry_lacks_a_field(name):
    assert list(TABLES[name].entries) == list(quotable_fields(name)), "missing, odd, or in another order"


def quoted(name):
    """(field, Quotation) of a preset's table, those that contradict included."""
    return [(path, quotation) for path, entry in TABLES[name].entries.items() if isinstance(entry, Quotation)
            for quotation in (entry, *entry.against)]


@pytest.mark.parametrize("name", TABLES)
def test_every_entry_says_something_short(name):
    assert all(entry.reason for entry in TABLES[name].entries.values() if isinstance(entry, Silence))
    assert [path for path, quotation in quoted(name)
            if not quotation.section or not 0 < len(quotation.words.split()) <= MOST_WORDS] == []


@pytest.mark.parametrize("name", TABLES)
def test_the_paper_has_the_quoted_words(name, texts):
    text = texts[TABLES[name].paper]
    assert [(path, part) for path, quotation in quoted(name) if (part := missing(quotation.words, text))] == []
    remarks = [(path, entry.reason if isinstance(entry, Silence) else entry.note + entry.departs)
               for path, entry in TABLES[name].entries.items()]
    assert [(path, words) for path, remark in remarks for words in re.findall(r'"([^"]+)"', remark)
            if missing(words, text)] == []


@pytest.mark.parametrize("name", TABLES)
def test_the_preset_holds_what_the_words_say(name):
    held = quotable_fields(name)
    assert [path for path, quotation in quoted(name) if quotation.value is not None
            and (held[path] == quotation.value) is bool(quotation.departs)] == []


@pytest.mark.parametrize("name", TABLES)
def test_a_number_stands_in_the_words_or_is_counted_up_in_the_note(name):
    numbers = [(path, quotation) for path, quotation in quoted(name)
               if isinstance(quotation.value, (int, float)) and not isinstance(quotation.value, bool)]
    assert [path for path, quotation in numbers
            if not any(spelling in quotation.words + quotation.note for spelling in spellings(quotation.value))
            and not (quotation.value == 1 and re.search(r"\bone\b", quotation.note))] == []


def test_the_steps_of_the_segmenters_are_the_epochs_of_the_texts():
    for name, cases in (("shabani/paper", 664), ("elmourabit/paper", 850)):
        preset = presets.get(name)
        assert preset.segmenter.steps == 1000 * cases * preset.preprocess.shape[0] / preset.segmenter.batch_size


def test_every_grid_that_thresholds_are_tuned_on_has_the_papers_five():
    for name in presets.names():
        threshold = getattr(presets.get(name), "threshold", None)
        if threshold is not None:
            assert {0.1, 0.15, 0.2, 0.25, 0.3} <= set(threshold.grid) and list(threshold.grid) == sorted(threshold.grid)


# === how they are shown ===

def test_an_entry_as_a_line():
    assert shown(Silence("why")) == "silent: why"
    assert shown(Quotation("4", "so it is", 8)) == '"so it is" (4)'
    assert shown(Quotation("4", "so", note="as coded", against=(Quotation("3", "not so"), Quotation("2", "or so")))
                 ) == '"so" (4); against "not so" (3) and "or so" (2). As coded'
    assert shown(Quotation("4", "so", departs="too dear")) == '"so" (4); not followed: too dear'


def test_a_changed_field_loses_its_quotation():
    table = TABLES["shabani/paper"]
    preset = presets.override(presets.get("shabani/paper"), ["gan.batch_size=3"])
    lines = describe(preset, table).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("  gan.batch_size"))
    assert lines[at].split()[-1] == "3" and lines[at + 1].strip() == "changed by --set; shabani/paper has 8"
    assert '      "We train our GAN for 10,000 iterations" (4.1)' in lines
    assert max(map(len, lines)) <= 120
    content = as_json(preset, table)
    assert "gan.batch_size" not in content and set(content) == set(table.entries) - {"gan.batch_size"}
    assert content["gan.steps"] == {"section": "4.1", "words": "We train our GAN for 10,000 iterations", "value": 10000}
    assert content["gan.flip"] == {"reason": table.entries["gan.flip"].reason}
    assert content["preprocess.binary_masks"]["reason"] and content["preprocess.exclusive_crop"]["value"] is False


def test_words_that_the_text_has_not_are_found():
    text = folded("a multi-\nple of **eight**,\n\n and $x = 0.05$ more")
    assert missing("a multiple of eight, and x = 0.05", text) == "" == missing("multiple ... more", text)
    assert missing("more ... multiple", text) == "multiple" and missing("a multiple of nine", text)
