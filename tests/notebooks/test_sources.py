"""The project's own notebooks: sources and .ipynb agree, outputs are stripped, the first cell works everywhere."""

import json
import subprocess
import sys
import types

import pytest

from covid3dgan.notebooks import scale, sources

NAMES = {"Quickstart", "Preprocess", "GAN3D", "Segmentation2D", "Evaluation", "AFSEG", "TransUNet", "SSInfNet"}


def test_all_are_there():
    assert {source.stem for source in sources.sources()} == NAMES


@pytest.mark.parametrize("source", sources.sources(), ids=lambda path: path.stem)
def test_ipynb_is_what_the_source_makes(source):
    written = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    made = json.loads(sources.as_ipynb(source))
    assert written["cells"] == made["cells"], "run python -m covid3dgan.notebooks.sources"
    for cell in written["cells"]:
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None)


def setup_cells():
    return {source.stem: next("".join(cell["source"]) for cell in json.loads(sources.as_ipynb(source))["cells"]
                              if cell["cell_type"] == "code") for source in sources.sources()}


def test_first_cells_are_the_same():
    assert len(set(setup_cells().values())) == 1


@pytest.fixture
def bare_machine(monkeypatch, tmp_path):
    """A machine without covid3dgan, with a checkout in ./covid3dgan; returns (run the cell, what it called)."""
    import importlib.util

    import IPython

    calls = []
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "covid3dgan" else find(name))
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
    monkeypatch.setenv(scale.VARIABLE, "demo")
    assert short != scale.preset(name) and short.name == name
    monkeypatch.setenv(scale.VARIABLE, "small")
    with pytest.raises(ValueError, match="COVID3DGAN_NOTEBOOK_SCALE"):
        scale.is_short()
