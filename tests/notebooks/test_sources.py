"""The project's own notebooks: sources and .ipynb agree, outputs belong to their cells, the first cell works."""

import importlib.util
import json
import subprocess
import sys
import types

import nbformat
import pytest

from covid3dgan.notebooks import scale, sources

NAMES = {"Quickstart", "Segment", "PaperNumbers", "Preprocess", "GAN3D", "Segmentation2D", "Evaluation", "AFSEG",
         "TransUNet", "SSInfNet"}


def test_all_are_there():
    assert {source.stem for source in sources.sources()} == NAMES


@pytest.mark.parametrize("source", sources.sources(), ids=lambda path: path.stem)
def test_ipynb_is_what_the_source_makes(source):
    written = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    made = nbformat.reads(sources.as_ipynb(source), as_version=4)
    held = [cell for cell in written.cells if cell.get("id") != sources.NOTE]
    assert [(cell.cell_type, cell.id, cell.source) for cell in held] == [
        (cell.cell_type, cell.id, cell.source) for cell in made.cells], "run python -m covid3dgan.notebooks.sources"


@pytest.fixture
def a_source(tmp_path, monkeypatch):
    """(function that writes the source, function that builds and returns the .ipynb) of a folder of one notebook."""
    monkeypatch.setattr(sources, "FOLDER", tmp_path)

    def write(*cells):
        text = "# %% [markdown]\n# # Title\n\n" + "".join(f"# %%\n{cell}\n\n" for cell in cells)
        (tmp_path / "Some.py").write_text(text, encoding="utf-8")

    def build():
        [path] = sources.build()
        return nbformat.read(path, as_version=4)
    return write, build


def executed(notebook):
    """As outputs.py would leave it."""
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs = [nbformat.v4.new_output("stream", text=f"cell {number}")]
        cell.metadata[sources.METADATA] = {"sha256": sources.executed_hash(cell.source), "seconds": 1.0}
    return sources.annotated(notebook, {"seconds": 2.0}, "**The outputs below** ...")


def shown(notebook):
    return [output.text for cell in notebook.cells for output in cell.get("outputs", ())]


def test_outputs_stay_until_a_code_cell_changes(a_source):
    write, build = a_source
    write("print(1)", "print(2)")
    path = sources.FOLDER / "Some.ipynb"
    nbformat.write(executed(build()), path)
    before = shown(nbformat.read(path, as_version=4))
    assert before == ["cell 0", "cell 1"]
    assert shown(build()) == before and build().metadata[sources.METADATA] == {"seconds": 2.0}
    write("print(1)", "print(3)")
    changed = build()
    assert shown(changed) == [] and sources.METADATA not in changed.metadata
    assert all(cell.get("id") != sources.NOTE for cell in changed.cells)


def test_outputs_stay_when_the_set_up_cell_changes(a_source, monkeypatch, tmp_path):
    write, build = a_source
    write(sources._SETUP_MARK, "print(1)")
    nbformat.write(executed(build()), sources.FOLDER / "Some.ipynb")
    other = tmp_path / "setup.txt"
    other.write_text("another = 1")
    monkeypatch.setattr(sources, "_SETUP", other)
    rebuilt = build()
    assert "another = 1" in [cell.source for cell in rebuilt.cells] and shown(rebuilt)


def setup_cells():
    return {source.stem: next("".join(cell["source"]) for cell in json.loads(sources.as_ipynb(source))["cells"]
                              if cell["cell_type"] == "code") for source in sources.sources()}


def test_first_cells_are_the_same():
    assert len(set(setup_cells().values())) == 1


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """A machine without covid3dgan; runs the set-up cell with the settings given and returns what it called."""
    import IPython

    calls = []
    find = importlib.util.find_spec
    folder = types.SimpleNamespace(origin=None)

    def find_here(name, *rest):
        if name != "covid3dgan":
            return find(name, *rest)
        return folder if (tmp_path / name).is_dir() else None

    monkeypatch.setattr(importlib.util, "find_spec", find_here)
    monkeypatch.setattr(subprocess, "check_call", lambda command: calls.append(command))
    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(run_line_magic=lambda *rest: None))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def run(**settings):
        cell = next(iter(setup_cells().values()))
        for name, value in settings.items():
            cell = cell.replace(f"{name} = {'False' if name == 'MOUNT_DRIVE' else 'None'}", f"{name} = {value!r}", 1)
        exec(cell, {"__name__": "__main__"})
        return calls
    run.calls = calls
    return run


@pytest.mark.parametrize("version, file", [((3, 11, 7), "requirements.txt"), ((3, 12, 1), "requirements-keras3.txt")])
def test_first_cell_installs_what_this_python_can_have(bare_machine, tmp_path, monkeypatch, version, file):
    (tmp_path / "covid3dgan").mkdir()
    (tmp_path / "covid3dgan/requirements-keras3.txt").touch()
    monkeypatch.setattr(sys, "version_info", version)
    first, second = bare_machine()
    assert first[-1] == str(tmp_path / "covid3dgan" / file) and second[-2:] == ["-e", str(tmp_path / "covid3dgan")]
    assert sys.path[0] == str(tmp_path / "covid3dgan")


def test_first_cell_says_what_to_do_where_there_is_no_repository(bare_machine):
    with pytest.raises(SystemExit, match="set REPOSITORY"):
        bare_machine()


@pytest.mark.parametrize("there", [False, True], ids=["first time", "again"])
def test_first_cell_clones_once(bare_machine, tmp_path, there):
    """A folder of the package's name, which Python takes for a package, does not count as installed."""
    if there:
        (tmp_path / "covid3dgan").mkdir()
        (tmp_path / "covid3dgan/requirements-keras3.txt").touch()
        assert importlib.util.find_spec("covid3dgan").origin is None
        calls = bare_machine(REPOSITORY="https://example.org/covid3dgan.git")
        assert [call[:2] for call in calls] == [[sys.executable, "-m"]] * 2
    else:
        with pytest.raises(SystemExit):  # the clone is only noted here, so that nothing can be installed
            bare_machine(REPOSITORY="https://example.org/covid3dgan.git")
        assert bare_machine.calls[0][:2] == ["git", "clone"]


def test_drive_is_mounted_only_if_asked(bare_machine, tmp_path, monkeypatch):
    (tmp_path / "requirements-keras3.txt").touch()
    mounted = []
    colab = types.ModuleType("google.colab")
    colab.drive = types.SimpleNamespace(mount=mounted.append)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    bare_machine()
    assert not mounted
    bare_machine(MOUNT_DRIVE=True)
    assert mounted == ["/content/drive"]


@pytest.mark.parametrize("name", ["shabani/demo", "khali/demo", "afseg/cells/demo", "ssinfnet/demo"])
def test_a_short_run_takes_fewer_steps_and_settings_win(name, monkeypatch):
    monkeypatch.setenv(scale.VARIABLE, "short")
    short = scale.preset(name)
    monkeypatch.setenv(scale.VARIABLE, "small")
    small = scale.preset(name)
    monkeypatch.setenv(scale.VARIABLE, "demo")
    assert len({short, small, scale.preset(name)}) == 3 and short.name == small.name == name
    monkeypatch.setenv(scale.VARIABLE, "tiny")
    with pytest.raises(ValueError, match="COVID3DGAN_NOTEBOOK_SCALE"):
        scale.is_short()
