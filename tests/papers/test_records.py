"""The papers' records: what they name is there, and a sixth paper needs nothing but a record and its own files."""

import dataclasses
import subprocess
import sys
import types

import pytest

from covid3dgan import papers, presets
from covid3dgan.cli.main import main
from covid3dgan.evaluation import paper_tables
from covid3dgan.evaluation.ledger import Ledger, Line, ledgers
from covid3dgan.papers.record import Network, Paper, Recipe
from covid3dgan.presets import registry


@pytest.fixture
def toy(monkeypatch):
    """A sixth paper, in a module of its own: one preset, network, recipe, table and ledger. Yields what was called."""
    called = {}

    def train(**arguments):
        called["train"] = arguments
        return types.SimpleNamespace(manifest={"status": "done", "step": 3}, path="run")

    def reproduce(out, preset, execution, **arguments):
        called["reproduce"] = {"out": out, "preset": preset, **arguments}
        return "report.html"

    module = types.ModuleType("toy_paper")
    module.train, module.reproduce = train, reproduce
    module.tables = lambda: (paper_tables.PaperTable("Table 1", "Toy", "%", None, ()),)
    module.LEDGER = Ledger("Paper 005: toy", "Toy.", ("toy/paper",),
                           (Line("T01", "toy", "this", "that", ("transunet.steps",)),), order=9)
    monkeypatch.setitem(sys.modules, "toy_paper", module)
    monkeypatch.setattr(papers, "_records", dict(papers._records))
    papers.register(Paper(
        system="toy", number="005", title="toy", presets="toy_paper", recipe=Recipe("toy_paper:reproduce", "toy/paper"),
        tables="toy_paper:tables", ledger="toy_paper:LEDGER",
        networks={"toy-net": Network("toy_paper:train", "toy/paper", steps="transunet.steps", options=("start",))},
        loaders={"toy-net": "toy_paper:load"}))
    presets.names()  # loads the others' presets, so that the copy below holds them
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    registry.register(dataclasses.replace(presets.get("khali/demo"), name="toy/paper", system="toy", summary="toy"))
    yield called


def test_importing_the_records_loads_nothing_heavy():
    code = """
import sys
from covid3dgan import papers
loaded = [name for name in ("tensorflow", "keras", "numpy", "scipy", "covid3dgan.presets") if name in sys.modules]
sys.exit(str(loaded) if loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("paper", papers.all(), ids=lambda paper: paper.system)
def test_what_a_record_names_is_there(paper):
    paths = [paper.recipe.run, paper.tables, *paper.loaders.values(),
             *(network.train for network in paper.networks.values())]
    assert all(callable(papers.resolve(path)) for path in paths)
    assert not paper.ledger or isinstance(papers.resolve(paper.ledger), Ledger)
    assert paper_tables.tables(paper.system)
    for name in (paper.recipe.default_preset(phantoms) for phantoms in (False, True)):
        assert presets.get(name).system == paper.system
    for network in paper.networks.values():
        preset = presets.get(network.preset)
        assert preset.system == paper.system
        assert not network.steps or presets.override(preset, [f"{network.steps}=7"]) != preset
    demo = presets.get(paper.recipe.default_preset(phantoms=True))
    for changes in (paper.small_run, paper.short_run):
        presets.override(demo, changes)


def test_notebooks_that_records_name_are_all_there_are(request):
    of_no_paper = {"Segment.py", "PaperNumbers.py"}
    own = {name for paper in papers.all() for name in paper.notebooks}
    assert own | of_no_paper == {path.name for path in (request.config.rootpath / "notebooks").glob("*.py")}


def test_no_two_papers_share_a_name_a_number_a_network_or_a_kind():
    for shared in ([paper.system for paper in papers.all()], [paper.number for paper in papers.all()],
                   [name for paper in papers.all() for name in paper.networks],
                   [kind for paper in papers.all() for kind in paper.loaders]):
        assert len(set(shared)) == len(shared)
    with pytest.raises(ValueError, match="two papers are called 'khali'"):
        papers.register(papers.get("khali"))


def test_a_sixth_paper_is_in_every_list(toy, capsys):
    assert presets.names()[-1] == "toy/paper"
    assert paper_tables.tables("toy")[0].title == "Toy"
    assert ledgers()[-1].title == "Paper 005: toy"
    assert papers.loaders()["toy-net"] == "toy_paper:load"
    for verb, name in (("train", "toy-net"), ("reproduce", "toy")):
        assert main([verb, "--help"]) == 0
        assert f",{name}}}" in "".join(capsys.readouterr().out.split())


def test_a_sixth_paper_is_trained_and_reproduced(toy, capsys):
    assert main(["train", "toy-net", "data", "run", "--steps", "3", "--start", "old"]) == 0
    asked = toy["train"]
    assert (asked["data"], asked["path"], asked["start"]) == (["data"], "run", "old")
    assert asked["preset"].name == "toy/paper" and asked["preset"].transunet.steps == 3 and "gan" not in asked
    assert main(["train", "toy-net", "data", "run", "--validation", "x"]) == 2
    assert main(["reproduce", "toy", "--out", "there"]) == 0
    assert toy["reproduce"]["out"] == "there" and "sizes" not in toy["reproduce"]
    assert main(["reproduce", "toy", "--out", "there", "--workers", "2"]) == 2
    assert "report: report.html" in capsys.readouterr().err


def test_a_system_without_a_record_is_refused_with_its_nearest_names():
    with pytest.raises(ValueError, match="found 'kali' [(]nearest: khali[)]"):
        papers.get("kali")
