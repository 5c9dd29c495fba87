"""What is changed in a cell's text and in its syntax tree, without a kernel."""

import ast

import numpy as np
import pytest

from covid3dgan.errors import ArgumentError
from covid3dgan.notebooks.cell_text import HELPER, TextRules
from covid3dgan.notebooks.cell_tree import TreeRules
from covid3dgan.notebooks.data_sizes import DataSizes
from covid3dgan.notebooks.placeholders import Placeholders, parse_maps
from covid3dgan.notebooks.recorder import Recorder, read_events


def changed_text(text):
    return "".join(TextRules(Recorder())(text.splitlines(keepends=True)))


@pytest.mark.parametrize("line, expected", [
    ("!pip install noise\n", "pass\n"),
    ("    !pip uninstall -y numpy\nx = 1\n", "    pass\nx = 1\n"),
    ("pip install tensorflow-addons\n", "pass\n"),
    ("%tensorflow_version 2.x\n", "pass\n"),
    ("files = !ls data\n", "files = []\n"),
    ("cd 'Your code directory'\n", f"{HELPER}.change_directory('Your code directory')\n"),
    ("%cd /content/drive/MyDrive/my code\n", f"{HELPER}.change_directory('/content/drive/MyDrive/my code')\n"),
    ("!pip install a \\\n  b\nx = 2\n", "pass\nx = 2\n"),
    ("%%bash\nrm -rf data\n", "pass\n"),
])
def test_shell_lines_are_skipped_and_cd_is_mapped(line, expected):
    assert changed_text(line) == expected


@pytest.mark.parametrize("text", [
    "cd = 3\n", "pip = [1]\nprint(pip)\n", 'text = """\n!pip install noise\ncd here\n"""\n', "%matplotlib inline\n",
    "x = 1  # !pip\n",
])
def test_python_stays_as_it_is(text):
    assert changed_text(text) == text


def test_lines_inside_a_string_of_a_cell_with_shell_lines_stay():
    assert changed_text('!ls\ntext = """\n!kept\n"""\n') == 'pass\ntext = """\n!kept\n"""\n'


def changed_tree(code, steps=None, placeholders=None, torch_missing=False):
    recorder = Recorder()
    tree = TreeRules(recorder, placeholders, steps, torch_missing).visit(ast.parse(code))
    return ast.unparse(ast.fix_missing_locations(tree)), recorder


@pytest.mark.parametrize("code, expected", [
    ("train_for_n(nb_epoch=10000, plt_frq=10)", "train_for_n(nb_epoch=2, plt_frq=2)"),
    ("Epochs = 100", "Epochs = 2"),
    ("def f(x, epochs=50, *, n_iter=9):\n    pass", "def f(x, epochs=2, *, n_iter=2):\n    pass"),
    ("model.fit(x, epochs=1)", "model.fit(x, epochs=1)"),
    ("epochs = 'all'", "epochs = 'all'"),
    ("batch_size = 100", "batch_size = 100"),
])
def test_loop_counts_are_capped(code, expected):
    assert changed_tree(code, steps=2)[0] == expected
    assert changed_tree(code)[0] == code  # no --steps, no cap


@pytest.mark.parametrize("code, expected", [
    ("np.reshape(x, (664, 32))", f"np.reshape(x, ({HELPER}.size(664), 32))"),
    ("range(200, 226)", f"range({HELPER}.size(200), {HELPER}.size(226))"),
    ("train(con_num=220)", f"train(con_num={HELPER}.size(220))"),
    ("Dense(200)", "Dense(200)"),
    ("np.random.seed(664)", "np.random.seed(664)"),
    ("int(3584 / 2)", f"int({HELPER}.size(3584) / 2)"),
    ("p[i][68:]", f"{HELPER}.tail(p[i], 68)"),
    ("p[2:]", "p[2:]"),
    ("x = 226.0", "x = 226.0"),
])
def test_sizes_of_the_published_data_and_slices_of_paths_are_looked_up(code, expected):
    assert changed_tree(code)[0] == expected


def test_functions_that_need_pytorch_for_lungs_are_replaced_where_it_is_missing():
    code = "def apply(image):\n    return torch.device('cpu')"
    assert changed_tree(code)[0] == code
    assert changed_tree(code, torch_missing=True)[0].endswith(f"apply = {HELPER}.lung_function('apply')")
    other = "def apply(image):\n    return image + 1"
    assert changed_tree(other, torch_missing=True)[0] == other


def sizes(covid=None, healthy=None, **variables):
    found = DataSizes(Recorder(), lambda: variables)
    if covid:
        found.note("train_covid_cropped.npy", (covid, 32, 128, 128))
    if healthy:
        found.note("train_control_cropped.npy", (healthy, 32, 128, 128))
    return found


def test_sizes_follow_the_data_in_proportion():
    """650 of 664 COVID volumes are 9.79 of 10; 20744 of 21248 slices are 312.4 of 320."""
    here = sizes(covid=10, healthy=113)
    assert [here.size(n) for n in (664, 650, 661, 21248, 20744)] == [10, 9, 9, 320, 312]
    assert [here.size(n) for n in (226, 220, 200)] == [113, 110, 100]
    assert [event["what"] for event in here.recorder.events][:2] == ["constant 664", "constant 650"]
    groups = sizes(x_train=np.zeros((40, 2)), x_train_hi=np.zeros((22, 2)))
    assert [groups.size(n) for n in (3584, 1792, 3350)] == [40, 22, 37]


def test_published_data_changes_no_size():
    here = sizes(covid=664, healthy=226)
    assert [here.size(n) for n in (664, 650, 226, 200, 20744, 3584)] == [664, 650, 226, 200, 20744, 3584]
    assert not here.recorder.events


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/beside.npy").write_text("x")
    maps = parse_maps([f".../train_covid_cropped.npy={tmp_path}/mine/c.npy", f"./PreprocessedData={tmp_path}/mine",
                       f"your code directory={tmp_path}/mine"])
    return Placeholders(Recorder(), tmp_path / "work", tmp_path / "home", maps)


@pytest.mark.parametrize("text, expected", [
    (".../train_covid_cropped.npy", "mine/c.npy"),
    ("train_covid_cropped.npy", None),  # the key is a path, and this is another one
    ("./PreprocessedData/LungMask.npy", "mine/LungMask.npy"),
    ("Your code directory", "mine"),
    (".../generator_model", "work/generator_model"),
    ("/content/drive/MyDrive/Medical/x.npy", "work/Medical/x.npy"),
    ("/PreprocessedData_of_nobody/LungMask.npy", "work/PreprocessedData_of_nobody/LungMask.npy"),
    ("beside.npy", None),  # it might be about to be written
    ("...", None), ("relu", None), ("my path", None), ("/tmp", None),
    ("path to your data folder", "work"),
])
def test_paths_are_replaced(paths, tmp_path, text, expected):
    assert paths.replace(text) == (None if expected is None else str(tmp_path / expected))


def test_files_beside_the_notebook_are_read_and_never_written(paths, tmp_path):
    beside = str(tmp_path / "home/beside.npy")
    for code in ("np.load('beside.npy')", "open('beside.npy')", "open('beside.npy', mode='rb')"):
        assert beside in changed_tree(code, placeholders=paths)[0]
    for code in ("np.save('beside.npy', x)", "open('beside.npy', 'w')", "h5py.File('beside.npy', 'a')",
                 "name = 'beside.npy'"):
        assert changed_tree(code, placeholders=paths)[0] == code


def test_mapped_file_keeps_the_name_that_the_notebook_gave(paths, tmp_path):
    paths.replace(".../train_covid_cropped.npy")
    assert paths.name_of(tmp_path / "mine/c.npy") == "train_covid_cropped.npy"


def test_strings_on_their_own_are_comments(paths):
    code = "def f():\n    '''.../a.npy'''\n    return '.../a.npy'"
    assert changed_tree(code, placeholders=paths)[0].count(str(paths.work)) == 1


@pytest.mark.parametrize("text", ["nothing", "=x", "a="])
def test_wrong_map_is_one_sentence(text):
    with pytest.raises(ArgumentError, match="expected PLACEHOLDER=PATH"):
        parse_maps([text])


def test_recorder_writes_an_event_once_per_cell(tmp_path):
    recorder = Recorder(tmp_path / "events")
    for _ in range(2):
        recorder.emit("cap", "a", "b")
        recorder.emit("cap", "a", "b")
        recorder.new_cell()
    assert len(read_events(tmp_path / "events")) == 2 and len(read_events(tmp_path / "events", skip=1)) == 1
