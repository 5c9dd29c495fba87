"""Colab's situation: a Python 3.12 with a notebook kernel and nothing else; the set-up cell makes it run.

Minutes long, and it needs a package index; ``make test-slow`` runs it where a Python 3.12 is found.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from covid3dgan.notebooks import sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
ROOT = Path(__file__).resolve().parents[2]
RUN = """
import nbformat, sys
from nbclient import NotebookClient
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(open(path).read()) for path in sys.argv[1:]])
client = NotebookClient(notebook, timeout=None, startup_timeout=600, kernel_name="python3")
client.execute()
print("".join(output.get("text", "") for output in notebook.cells[-1].outputs if output.get("name") == "stdout"))
"""
PREDICT = """
import keras
import numpy as np
import covid3dgan
from covid3dgan.data.phantoms import chest_ct
case = chest_ct.generate("coronacases-like", 0, 1, size=(96, 96, 32))
found = covid3dgan.segment(case.ct)
print("keras", keras.__version__.split(".")[0], "lungs", int(found.lungs.sum()), "mask", found.mask.shape)
print("generator", covid3dgan.models.build_generator().count_params())
"""


def bare_python():
    """An interpreter of Python 3.12 that starts; None where there is none."""
    names = [shutil.which("python3.12"), *sorted(Path.home().glob(".pyenv/versions/3.12*/bin/python"))]
    for name in filter(None, names):
        if subprocess.run([name, "-c", "import venv"], capture_output=True).returncode == 0:
            return str(name)
    return None


def not_in_a_clone(folder, names):
    """For ``shutil.copytree``: what lies in a checkout that somebody works in, and in no clone."""
    found = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "*.egg-info")(folder, names)
    return found | ({"runs", "build"} & set(names) if Path(folder) == ROOT else set())


@pytest.mark.skipif(bare_python() is None, reason="no Python 3.12 here")
def test_the_set_up_cell_makes_a_bare_python_ready(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    subprocess.run([bare_python(), "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    made = subprocess.run([python, "-m", "pip", "install", "-q", "ipykernel", "nbclient"], capture_output=True)
    if made.returncode:
        pytest.skip("no package index in reach")
    # As Colab has it: the repository's clone lies in the folder that the notebook runs in, under the package's name.
    shutil.copytree(ROOT, tmp_path / "content/covid3dgan", ignore=not_in_a_clone)
    setup, predict, run = (tmp_path / name for name in ("setup.txt", "predict.txt", "run.py"))
    setup.write_text(sources._setup_cell(), encoding="utf-8")
    predict.write_text("import covid3dgan.models\n" + PREDICT, encoding="utf-8")
    run.write_text(RUN, encoding="utf-8")
    done = subprocess.run([python, run, setup, predict], cwd=tmp_path / "content", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = done.stdout.split("\n")[:2]
    assert first.startswith("keras 3 lungs") and first.endswith("mask (96, 96, 32)")
    assert int(first.split()[3]) > 10_000 and second == "generator 7861643"
