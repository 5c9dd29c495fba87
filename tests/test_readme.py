"""README's commands, as a newcomer types them: in order, in an empty folder, with small sizes; the rest is parsed.

Every command of README stands in exactly one of the tables below, so that it is seen which one is run.
"""

import importlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

import covid3dgan
from covid3dgan.cli.main import main, verb_parser
from covid3dgan.viewer import build

ROOT = Path(covid3dgan.__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Run, with what is added to make it small, and a file that it writes.
RUN = {
    "covid3dgan predict my_ct.nii.gz masks": ("", "masks/my_ct.nii.gz"),
    "covid3dgan phantom cts --cohort coronacases-like --cases 4": ("--cases 2 --size 96,96,40", "cts/cohort.json"),
    "covid3dgan verify cts": ("", None),
    "covid3dgan predict cts found --overlay": ("", "found/predictions.csv"),
    "covid3dgan view cts found --out page.html": ("", "page.html"),
    "covid3dgan evaluate found cts --protocol per_volume": ("", None),
    "covid3dgan info shabani/published": ("", None),
}
# Parsed by the command's own parser, and why they are not run.
PARSED = {
    "covid3dgan reproduce shabani --preset shabani/demo --out runs/s1": "minutes",
    "covid3dgan predict cts masks --model runs/s1/segmenters/GAN-UNet-contrastive": "needs that run",
    "covid3dgan finetune corrected --out runs/finetuned": "minutes; tests/systems/test_finetune.py runs it",
    "covid3dgan app": "opens a page and stays",
    "covid3dgan export runs/s1/segmenters/GAN-UNet-contrastive": "needs that run",
    "covid3dgan import-weights my_en_de runs/published": "needs the published weights",
    "covid3dgan notebook run GAN3D.ipynb --steps 20 --map .../train_covid_cropped.npy=covid.npy": "needs a notebook",
}
# Of other programs: looked up, and why they are not run.
OTHERS = {"pip install .": "installs; tests/test_package.py builds and tries the wheel",
          "make demo": "minutes", "make test": "this suite"}


def fences(language):
    """The texts of README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands():
    """README's shell commands, in order, without their comments."""
    lines = [line for text in fences("sh") for line in text.splitlines()]
    return [shlex.join(shlex.split(line, comments=True)) for line in lines if line.strip()]


def arguments(command):
    """What follows the program's name."""
    return shlex.split(command)[1:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder but for my_ct.nii.gz."""
    path = tmp_path_factory.mktemp("newcomer")
    assert main(["phantom", str(path / "made"), "--cohort", "mosmed-like", "--cases", "1", "--size", "96,96,40",
                 "--quiet"]) == 0
    shutil.move(next((path / "made" / "images").iterdir()), path / "my_ct.nii.gz")
    shutil.rmtree(path / "made")
    return path


def test_every_command_is_in_one_table():
    assert sorted(commands()) == sorted([*RUN, *PARSED, *OTHERS])


def test_readme_is_short_and_its_files_are_there():
    lines = README.splitlines()
    assert len(lines) <= 150 and max(map(len, lines)) <= 120
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_run_in_order(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for command in commands():
        if command not in RUN:
            continue
        small, written = RUN[command]
        if " view " in command and build.wanted():
            verb_parser("view", importlib.import_module("covid3dgan.cli.view")).parse_args(arguments(command)[1:])
            continue  # the page is not built here: make viewer
        assert main([*arguments(command), *small.split()]) == 0, f"{command}: {capsys.readouterr().err}"
        said = capsys.readouterr()
        assert written is None or (folder / written).is_file(), command
        if command.startswith("covid3dgan predict my_ct"):
            assert re.search(r"my_ct: \d+\.\d ml, \d+\.\d\d % of the lung", said.out + said.err)  # as README says


@pytest.mark.parametrize("command", PARSED)
def test_what_is_not_run_has_arguments_that_parse(command):
    verb, *rest = arguments(command)
    verb_parser(verb, importlib.import_module(f"covid3dgan.cli.{verb.replace('-', '_')}")).parse_args(rest)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize("command", [command for command in OTHERS if command.startswith("make ")])
def test_makes_targets_are_there(command):
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_python_lines_run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    texts = fences("python")
    assert len(texts) == 2
    names = {}
    for text in texts:
        exec(compile(text, "README.md", "exec"), names)
    assert names["found"].mask.shape == (96, 96, 40) and len(capsys.readouterr().out.split()) == 2
    assert names["generator"].count_params() == 7_861_643 and names["preset"].name == "shabani/published"
