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


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["info", "--nonsense"], ["info", "shabani/nonsense"],
                                  ["info", "--set", "gan.steps=3"]])
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
    (FileExistsError(17, "File exists", "out"), 1,
     "covid3dgan info: out: expected a path that can be read or written, found File exists; check the path,"),
    (ConnectionError("gone"), 1, "failed: ConnectionError: gone (--debug shows where)"),
    (ModuleNotFoundError("No module named 'keras.models'", name="keras.models"), 1,
     "covid3dgan info: TensorFlow: expected it in this Python, since networks are trained and opened with it, found no "
     "package keras.models; run pip install 'covid3dgan[keras3]' (Python 3.9: 'covid3dgan[reference]')."),
    (ModuleNotFoundError("No module named 'other'", name="other"), 1, "failed: ModuleNotFoundError: No module named"),
    (KeyboardInterrupt(), 1, "interrupted"),
])
def test_errors_become_one_sentence_and_an_exit_code(error, code, text, monkeypatch, capsys):
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: _Verb(error))
    assert cli.main(["info"]) == code
    message = capsys.readouterr().err
    assert text in message and message.count("\n") == 1


@pytest.mark.parametrize("argv, text", [
    (["app", "--data", "nowhere"], "nowhere: expected a folder of CTs for --data, found no such folder"),
    (["app", "--export", "out", "--work", "nowhere"], "nowhere: expected the work folder of an app, found no such"),
    (["predict", "ct.nii.gz", "out", "--model", "a.txt"], "a.txt: expected a run directory, a .tflite file or"),
    (["predict", "ct.nii.gz", "a.txt"], "a.txt: expected a folder for the masks, or for one CT a name that ends in "
     ".nii or .nii.gz, found another file"),
    (["predict", "ct.nii.gz", "mask.png"], "found the name of a picture; name a folder."),
    (["verify", "empty"], "found an empty folder"),
    (["reproduce", "shabani", "--data", "nowhere", "--out", "out"], "nowhere: expected a folder with the real data"),
    (["pseudo-mask", "a.txt", "empty", "out"], "a.txt: expected a run directory with run.json, found a file; name"),
    (["train", "gan", "empty", "run", "--preset", "afseg/cells"], "expected a preset with fields gan.*, found"),
    (["preprocess", "data", "out", "--preset", "afseg/cells"], "--preset: expected a preset that prepares CTs"),
])
def test_what_cannot_be_used_is_said_and_nothing_is_left(argv, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "ct.nii.gz").write_bytes(b"no CT")
    (tmp_path / "empty").mkdir()
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert cli.main(argv) in (1, 2)
    message = capsys.readouterr().err
    assert text in message and message.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: _Verb(RuntimeError("where")))
    with pytest.raises(RuntimeError, match="where"):
        cli.main(["info", "--debug"])


def test_nearest_names():
    assert errors.nearest_names("gann", ["gan", "segmenter"]) == " (nearest: gan)"
    assert errors.nearest_names("zzz", ["gan"]) == ""
