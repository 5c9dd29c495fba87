"""results/ and what is written from it: completed as by hand, twice the same, and no number from anywhere else."""

import copy
import csv
import io
import json

import pytest

from benchmarks.results import __main__ as command
from benchmarks.results import claims, page, readme, records, tables

RECORD = {"claim": "a claim", "paper": "001", "kind": "phantom", "data": "phantoms", "cases": 8, "command": "a command",
          "commit": "abc", "seeds": [0, 1, 2], "machine": {"processor": "P", "instructions": "AVX2", "cores": 2},
          "environment": "TensorFlow", "note": "",
          "numbers": [{"what": "GAN", "on": "Mosmed-like", "metric": "Dice", "unit": "%", "values": [40.0, 60.0, 80.0],
                       "intervals": [[30.0, 50.0], [55.0, 65.0], None],
                       "paper": {"at": "001/table3_ablation/GAN/Mosmed/dice"}, "target": {"at_least": 50}}]}


@pytest.fixture(scope="module")
def found():
    return records.load()


def changed(**fields):
    """RECORD with other fields; those of a number under ``number``."""
    record = copy.deepcopy(RECORD)
    record["numbers"][0].update(fields.pop("number", {}))
    return {**record, **fields}


# === records ===

def test_mean_spread_target_and_the_papers_number_are_filled_in():
    """40, 60, 80: mean 60, squares of the differences 400 + 0 + 400 over 2, so 20; 40 misses "at least 50"."""
    number, = records.complete(RECORD)["numbers"]
    assert (number["mean"], number["spread"], number["met"]) == (60, 20, "no")
    assert number["paper"] == {"at": "001/table3_ablation/GAN/Mosmed/dice", "mean": 41.2, "spread": 14.71}


@pytest.mark.parametrize("target, met", [({"at_least": 40}, "yes"), ({"at_most": 79.9}, "no"), ({"at_most": 80}, "yes"),
                                         (None, "none")])
def test_a_target_is_met_if_every_run_meets_it(target, met):
    assert records.complete(changed(number={"target": target}))["numbers"][0]["met"] == met


def test_what_is_written_by_hand_over_a_mean_is_computed_again():
    assert records.complete(changed(number={"mean": 99, "met": "yes"}))["numbers"][0]["mean"] == 60


def test_one_run_has_no_spread_and_a_seed_may_lack_a_number():
    assert records.complete(changed(number={"values": [None, 60.0, None]}))["numbers"][0]["spread"] is None


@pytest.mark.parametrize("record, sentence", [
    (changed(kind="patients"), "kind: expected one of real, phantom, none, found 'patients'"),
    (changed(command=""), "command: expected text, found ''"),
    ({name: value for name, value in RECORD.items() if name != "seeds"}, "expected the field seeds"),
    (changed(seeds=[0, 1]), "GAN: values: expected one for each of the seeds [0, 1], found 3"),
    (changed(number={"intervals": [[30.0, 39.0], None, None]}), "GAN: intervals: 40.0 is not in [30.0, 39.0]"),
    (changed(number={"paper": {"at": "001/table9/GAN"}}),
     "GAN: paper: paper_numbers.json has no 'table9' of 001/table9/GAN"),
    (changed(number={"average": 3}), "GAN: unknown field average"),
    (changed(number={"target": {"above": 3}}), "GAN: target: expected at_least or at_most"),
])
def test_a_wrong_record_is_told_by_its_field(record, sentence):
    assert records.problems(record) == [sentence]


def test_all_wrong_files_are_named_at_once(tmp_path):
    for name, text in (("shabani/a", "{"), ("khali/b", json.dumps({**RECORD, "cases_": 1})), ("other/c", "{}")):
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with pytest.raises(records.ResultError) as error:
        records.load(tmp_path)
    for part in ("shabani/a: expected JSON", "khali/b: unknown field cases_", "other/: expected one of the sections"):
        assert part in str(error.value)


def test_the_csv_has_a_row_for_every_number_with_its_values(found):
    read = list(csv.DictReader(io.StringIO(records.csv_text(found))))
    assert len(read) == sum(len(record["numbers"]) for record in found.values())
    row, = csv.DictReader(io.StringIO(records.csv_text({"shabani/x": records.complete(RECORD)})))
    assert row["values"] == "40.0 60.0 80.0" and row["intervals"] == "30.0..50.0 55.0..65.0 -"
    assert (row["n"], row["mean"], row["paper mean"], row["target"], row["processor"]) == (
        "3", "60", "41.2", "at least 50", "P")


# === tables ===

def test_a_row_has_paper_mean_spread_interval_count_and_verdict():
    lines = tables.table({"shabani/x": records.complete(RECORD)})
    assert lines[-1] == ("| GAN, Dice | phantoms: Mosmed-like | 41.2 ± 14.7 | - | 60.0 ± 20.0 % [30.0, 65.0] (3) "
                         "| at least 50 %: **missed** | a |")


def test_metrics_stand_side_by_side_where_there_are_several_and_only_there():
    """GAN has two metrics, one with the paper's number; the threshold has one, and stays in the other table."""
    plain = {"unit": "%", "values": [1.0, 3.0, 5.0], "intervals": None}
    record = changed()
    record["numbers"] += [{"what": "GAN", "on": "Mosmed-like", "metric": "recall", **plain},
                          {"what": "threshold", "on": "Mosmed-like", "metric": "Dice", **plain}]
    for number in record["numbers"]:
        number.pop("intervals")
    found = {"afseg/x": records.complete(record)}
    assert tables.metrics_table(found) == [
        "| what, paper / ours | data | Dice | recall | from |", "|---|---|---|---|---|",
        "| GAN | phantoms: Mosmed-like | 41.2 / 60.0 % | 3.0 ± 2.0 % (3) | a |"]
    assert [line.split(" | ")[0] for line in tables.table(found, but_for_metrics=True)[2:]] == ["| threshold, Dice"]
    assert tables.metrics_table({"afseg/x": records.complete(RECORD)}) == []


def test_machines_stand_side_by_side_and_a_miss_is_bold():
    one = changed(kind="none", seeds=[], number={"values": [3.0], "intervals": None, "unit": "s",
                                                 "target": {"at_most": 2}})
    other = changed(kind="none", seeds=[], machine={"processor": "Q", "instructions": "AMX", "cores": 2},
                    number={"values": [1.5], "intervals": None, "unit": "s", "target": {"at_most": 2}})
    lines = tables.machines_table({"speed/x": records.complete(one), "speed/y": records.complete(other)})
    assert lines[0] == "| what | data | target | P, AVX2 | Q, AMX |"
    assert lines[-1] == "| GAN, Dice | Mosmed-like | at most 2 s | 3.0 s (a) **missed** | 1.5 s (b) |"


def test_small_numbers_keep_their_digits():
    tiny = changed(seeds=[], number={"values": [1.2e-6], "intervals": None, "unit": "1"})
    assert tables.mean_text(records.complete(tiny)["numbers"][0]) == "1.2e-6 (1)"


def test_sources_of_one_command_share_a_line():
    two = {"shabani/x": records.complete(RECORD), "shabani/y": records.complete(RECORD)}
    assert tables.sources(two) == [
        "* [a](../results/shabani/x.json), [b](../results/shabani/y.json): `a command`; AVX2; abc."]


def test_a_long_command_is_cut_between_words():
    """88 columns hold the program's name and six settings of twelve."""
    lines = tables.sources({"shabani/x": records.complete(changed(command="covid3dgan " + "--set a.b=1 " * 20))})
    text = " ".join(line.strip() for line in lines)
    assert text.count("--set a.b=1") == 6 and text.endswith("--set a.b=1 ...`; AVX2; abc.")


# === documents ===

def test_documents_are_what_the_result_files_say():
    """So the command has been run, and running it twice gives the same."""
    stale = [str(path.relative_to(records.ROOT)) for path, text in command.documents()
             if path.read_text(encoding="utf-8") != text]
    assert not stale, f"run python -m benchmarks.results: {', '.join(stale)}"


def test_check_writes_nothing_and_says_what_is_out_of_date(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setattr(command, "documents", lambda: [(tmp_path / "a.md", "text")])
    assert command.main(["--check"]) == 1 and not list(tmp_path.iterdir())
    assert capsys.readouterr().out == "a.md: out of date\n"
    assert command.main([]) == 0 and (tmp_path / "a.md").read_text() == "text"
    assert command.main(["--check"]) == 0


def test_the_page_is_short(found):
    lines = page.results_page(found).splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 120


def test_real_images_come_first_and_phantoms_are_marked(found):
    titles = [line for line in page.results_page(found).splitlines() if line.startswith("## ")]
    assert titles[0] == "## Real images"
    for name, record in found.items():
        if record["kind"] == "phantom":
            for line in tables.table({name: record})[2:]:
                assert line.split(" | ")[1].startswith("phantoms: "), line
            assert all("| phantoms: " in line for line in tables.machines_table({name: record})[2:])


def test_no_document_has_a_number_that_is_in_no_result_file(found):
    known = claims.known_numbers(found)
    stated = claims.results_claims((records.ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8"))
    assert len(stated) > 100
    assert not list(claims.unfounded(stated, known))
    own_words = claims.readme_claims((records.ROOT / "README.md").read_text(encoding="utf-8"))
    assert not list(claims.unfounded(own_words, known))


def test_the_rule_sees_claims_and_passes_over_names():
    text = ("Python 3.9 to 3.13 and CC BY 3.0, [a page](x/v1.2.md), `--set a=0.5`, 7,861,643 parameters, 2 cores.\n"
            "It takes 12 s and 1.84 GB, finds 0.512 of it in 40 cases, 93 % right.\n```\nwait 99 s\n```\n"
            "<!-- results: papers -->\n| 0.111 |\n<!-- end -->\n")
    assert claims.readme_claims(text) == ["12", "1.84", "0.512", "93"]
    table = ("| what | data | paper | ours | from |\n|---|---|---|---|---|\n"
             "| float32, 0.1 | 512x512 | 62.0 ± 14.9 | 66.7 ± 8.4 % [49.4, 79.1] (2) | b |\n\n1.5 in a sentence\n")
    assert claims.results_claims(table) == ["62.0", "14.9", "66.7", "8.4", "49.4", "79.1"]


def test_a_claim_holds_if_a_number_rounds_to_it():
    known = {0.5123, 12, 1.2e-6}
    assert sorted(claims.unfounded(["0.512", "0.51", "0.513", "12", "12.0", "13", "1.2e-6", "1.3e-6"], known)) == [
        "0.513", "1.3e-6", "13"]


# === README's tables ===

def test_blocks_are_written_between_their_marks(found):
    text = readme.with_blocks("before\n<!-- results: papers -->\nold\n<!-- end -->\nafter\n", found)
    assert text.startswith("before\n<!-- results: papers -->\n| paper |") and text.endswith("|\n<!-- end -->\nafter\n")
    assert "old" not in text and readme.with_blocks(text, found) == text
    with pytest.raises(records.ResultError, match="no block called nothing; there are demo"):
        readme.with_blocks("<!-- results: nothing -->\n<!-- end -->", found)
