"""The command line's frame: exit codes, hints, speed-critical imports."""

import importlib
import json
import os
import shlex
import subprocess
import sys

import pytest

import covid3dgan
from covid3dgan import errors
from covid3dgan.cli import main as cli
from covid3dgan.cli.shared.examples import EXAMPLES


def test_help_and_info_load_no_tensorflow():
    code = """
import sys
from covid3dgan.cli.main import main
main(["--help"]); main(["info"]); main(["info", "--json"]); main(["info", "shabani/paper"])
loaded = [m for m in ("tensorflow", "keras", "scipy", "matplotlib") if m in sys.modules]
sys.exit(str(loaded) if loaded else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_info_json_lists_what_it_promises(capsys):
    assert cli.main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["covid3dgan"] == covid3dgan.__version__
    assert "shabani/published" in facts["presets"] and set(facts["verbs"]) == set(cli.VERBS)
    assert {"tensorflow-addons", "lungmask", "gpu", "bfloat16_units"} <= set(facts["optional_parts"])
    assert "onednn" in facts["machine"]


def test_info_prints_a_preset_with_its_overrides(capsys):
    assert cli.main(["info", "shabani/demo", "--set", "gan.batch_size=3"]) == 0
    assert "gan.batch_size" in capsys.readouterr().out


def test_info_prints_the_words_behind_each_field_of_a_papers_preset(capsys):
    assert cli.main(["info", "shabani/paper", "--set", "gan.batch_size=3"]) == 0
    text = capsys.readouterr().out
    assert '"We train our GAN for 10,000 iterations" (4.1)' in text and "silent: " in text
    assert "changed by --set; shabani/paper has 8" in text
    assert cli.main(["info", "khali/paper", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["transunet"]["temperature"] == content["quotations"]["transunet.temperature"]["value"] == 0.06
    assert cli.main(["info", "shabani/demo", "--json"]) == 0
    assert "quotations" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_examples_that_parse(verb, capsys):
    assert len(EXAMPLES[verb]) == 2
    parser = cli.verb_parser(verb, importlib.import_module(f"covid3dgan.cli.{verb.replace('-', '_')}"))
    for example in EXAMPLES[verb]:
        parser.parse_args(shlex.split(example))
    assert cli.main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"  covid3dgan {verb} {EXAMPLES[verb][1]}\n" in shown
    assert "(default: None)" not in shown and "(default: [])" not in shown


def test_a_command_that_loads_tensorflow_prints_its_own_words_only(tmp_path):
    environ = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "covid3dgan", "train", "gan", str(tmp_path / "none"), str(tmp_path / "run"),
               "--preset", "shabani/demo"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("covid3dgan train: "), done.stderr
    assert len(subprocess.run([*command, "--debug"], env=environ, capture_output=True, text=True).stderr) > 1000


def test_what_tensorflow_printed_is_shown_where_its_import_fails(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'the reason\\n')\nraise ImportError('no')\n")
    code = ("from covid3dgan.quiet_start import quiet_tensorflow\nquiet_tensorflow()\n"
            "try:\n    import tensorflow\nexcept ImportError as error:\n    print(error)\n")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("no\n", "the reason\n")


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert covid3dgan.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["info", "--nonsense"], ["info", "shabani/nonsense"]])
def test_wrong_arguments_exit_2(argv, capsys):
    assert cli.main(argv) == 2
    assert capsys.readouterr().err


class _Verb:
    """A stand-in verb that fails as told."""

    def __init__(self, error):
        self.error = error

    def add_arguments(self, parser):
        pass

    def run(self, args):
        raise self.error


@pytest.mark.parametrize("error, code, text", [
    (errors.InputError("a.nii", "a volume", "a picture", "pass another file"), 1,
     "covid3dgan info: a.nii: expected a volume, found a picture; pass another file."),
    (errors.ArgumentError("--n", "a number", "x", "correct it"), 2, "expected a number"),
    (RuntimeError("out of luck"), 1, "failed: RuntimeError: out of luck (--debug shows where)"),
    (KeyboardInterrupt(), 1, "interrupted"),
])
def test_errors_become_one_sentence_and_an_exit_code(error, code, text, monkeypatch, capsys):
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: _Verb(error))
    assert cli.main(["info"]) == code
    message = capsys.readouterr().err
    assert text in message and message.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: _Verb(RuntimeError("where")))
    with pytest.raises(RuntimeError, match="where"):
        cli.main(["info", "--debug"])


def test_nearest_names():
    assert errors.nearest_names("gann", ["gan", "segmenter"]) == " (nearest: gan)"
    assert errors.nearest_names("zzz", ["gan"]) == ""
