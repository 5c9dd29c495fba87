"""What is changed in a cell's text and in its syntax tree, without a kernel."""

import ast

import numpy as np
import pytest

from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.notebooks.cells.array_index import ArrayIndices, IndexRules
from covid3dgan.notebooks.cells.data_sizes import DataSizes
from covid3dgan.notebooks.cells.lung_functions import LungFunctionRules, lung_function
from covid3dgan.notebooks.cells.text import HELPER, TextRules
from covid3dgan.notebooks.cells.tree import TreeRules
from covid3dgan.notebooks.idioms.runtime import GpuRules
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
    ("%%capture\n!ls\nx = 1\n", "pass\npass\nx = 1\n"),
    ("%%capture --no-stderr out\nx = 1\n", f"out = {HELPER}.captured()\nx = 1\n"),
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


def changed_tree(code, steps=None, placeholders=None, rules=None):
    recorder = Recorder()
    tree = (rules or TreeRules(recorder, placeholders, steps)).visit(ast.parse(code))
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


REPLACED = f"mine = {HELPER}.lung_function('mine')"


@pytest.mark.parametrize("code", [
    # a renamed copy, told by lungmask's own helper; by a word; by the module it imports; below another name
    "import torch\ndef mine(v, model=None, noHU=False):\n    return torch.max(v)",
    "import torch as T\n@T.no_grad()\ndef mine(v):\n    return net(T.cat(v), 'R231')",
    "from torch.utils.data import DataLoader\ndef mine(v):\n    return utils.reshape_mask(DataLoader(v))",
    "from lungmask import utils as u\ndef mine(v):\n    return u.postrocessing(v)",
    "def mine(v):\n    import torch\n    return torch.cat(lung_slices(v))",
    "def outer():\n    def mine(v):\n        return torch.cat(lungs(v))\n    return mine",
])
def test_functions_that_need_pytorch_for_lungs_are_replaced(code):
    assert REPLACED in changed_tree(code, rules=LungFunctionRules())[0]


def test_lungmasks_own_functions_are_replaced_by_name():
    for body in ("torch.device('cpu')", "sitk.GetArray(image)"):
        code = f"def mine(image):\n    return {body}"
        named = code.replace("mine", "apply")
        assert changed_tree(named, rules=LungFunctionRules())[0].endswith(f"apply = {HELPER}.lung_function('apply')")
        assert changed_tree(code, rules=LungFunctionRules())[0] == code  # nothing says that it makes a lung mask


@pytest.mark.parametrize("code", [
    "def mine(image):\n    return image + 1",
    "import torch\ndef mine(image):\n    return torch.relu(image)",
    "import SimpleITK as sitk\ndef lung_volume(path):\n    return sitk.ReadImage(path)",
    "from lungmask import mask\ndef lungs_of(volume):\n    return volume * mask.apply(volume)",  # the stand-in works
    "import torch\ndef lung_share(mask):\n    return mask.mean()",
])
def test_other_functions_stay(code):
    assert changed_tree(code, rules=LungFunctionRules())[0] == ast.unparse(ast.parse(code))


def test_the_rule_knows_imports_of_earlier_cells():
    rules = LungFunctionRules()
    changed_tree("import torch as T", rules=rules)
    assert REPLACED in changed_tree("def mine(v):\n    return T.cat(v, 'LTRCLobes')", rules=rules)[0]


def test_lung_function_takes_the_volume_wherever_it_stands():
    ours = lung_function("apply_1", lambda volume: volume > 0)
    volume = np.array([[[-1.0, 2.0]]])
    assert ours(volume).tolist() == ours(model=None, inimg_raw=volume).tolist() == [[[False, True]]]
    assert ours("unet", "R231") is None  # what loads the network
    with pytest.raises(InputError, match=r"apply_1\(\): expected a volume \(slices, rows, columns\).*found \(2, 2\)"):
        ours(np.zeros((2, 2)))


def indexed(code, **variables):
    """The value of ``code`` with 12 of 664 COVID volumes at hand (384 slices) and 4 of 226 healthy ones."""
    recorder = Recorder()
    found = sizes(covid=12, healthy=4)
    helper = ArrayIndices(recorder, found)
    tree = ast.fix_missing_locations(IndexRules(helper.literals).visit(ast.parse(code)))
    scope = {HELPER: helper, "np": np, "slices": np.arange(384), "covid": np.arange(12), "cases": list(range(12)),
             "normal": np.arange(4), **variables}
    exec(compile(tree, "cell", "exec"), scope)
    return scope.get("x"), recorder.events


@pytest.mark.parametrize("code, expected", [
    ("x = slices[2150]", 38),  # 2150 x 384 / 21248 = 38.86
    ("x = [slices[i] for i in [20744, 2150, 18803, 20964, 8300, 4591]]", [374, 38, 339, 378, 150, 82]),
    ("def show(i):\n    return slices[i, None]\nx = show(8300).tolist()", [150]),
    ("chosen = [2150, 8300]\nx = slices.reshape(384, 1)[chosen[0]].tolist()", [38]),
    ("x = slices[[20964, 5]].tolist()", [378, 5]),
    ("x = slices[20744:20747].tolist()", [374, 375, 376]),
    ("n = 500\nx = covid[n], cases[n]", (9, 9)),  # 500 x 12 / 664 = 9.04
    ("x = [int(slices[i]) for i in range(20000, 20012, 6)]", [361, 361]), ("x = slices[20000 + 7]", 361),
    ("x = [int(covid[300 + i]) for i in range(2)]", [5, 5]), ("n, s = 500, 16\nx = slices[n * 32 + s]", 289),
    ("chosen = [2150, 5]\nx = slices[np.array([2150, 5])].tolist() + slices[chosen].tolist()", [38, 5, 38, 5]),
    ("x = covid[:600].size, covid[600:].size", (10, 2)),  # 600 x 12 / 664 = 10.84: nothing is in both
    ("x = normal[100]", 1),  # 100 x 4 / 226 = 1.77
    ("slices[2150] = -1\nslices[8300] += 1\nx = slices[38], slices[150]", (-1, 151)),
])
def test_literal_indices_keep_their_place(code, expected):
    x, events = indexed(code)
    assert x == expected
    assert all(event["what"].startswith("index ") and "published data" in event["how"] for event in events) and events


@pytest.mark.parametrize("code, error", [
    ("x = slices[22000]", IndexError),  # beyond the published array too
    ("n = len(slices)\nx = slices[n]", IndexError),  # the notebook computed it from the data
    ("n = len(slices)\nx = slices[n + 1]", IndexError), ("x = slices[len(slices) + 300]", IndexError),
    ("x = np.arange(7)[500]", IndexError),  # no published array has 7 here
    ("x = {1: 2}[2150]", KeyError),
])
def test_other_indices_fail_as_ever(code, error):
    with pytest.raises(error):
        indexed(code)


@pytest.mark.parametrize("code, expected", [
    ("x = slices[300]", 300), ("x = slices[-1]", 383), ("x = slices[5:3000].size", 379), ("x = 'text'[1:]", "ext"),
    ("def f(a: list[500]) -> dict[500, 1]:\n    return a\nx = f(1)", 1),
])
def test_indices_in_range_stay(code, expected):
    x, events = indexed(code)
    assert x == expected and not events


def test_equal_lengths_are_told_apart_by_name():
    """Six of both kinds: 100 of 226 healthy ones is 2, of 664 COVID ones 0."""
    here = sizes(covid=6, healthy=6)
    assert [here.published_length(6, 100, name) for name in ("x_control", "train_covid", "data")] == [226, 664, 226]
    assert here.published_length(6, 300, "x_control") == 664  # only they had so many


def test_checks_for_a_gpu_go_on():
    code = ("if tf.test.gpu_device_name() != '/device:GPU:0':\n    raise SystemError('none')\n"
            "assert torch.cuda.is_available()\ntf.config.experimental.set_memory_growth(found[0], True)\n"
            "if x > 3:\n    raise ValueError\nassert x")
    lines = changed_tree(code, rules=GpuRules())[0].splitlines()
    assert [HELPER in line for line in lines] == [False, True, True, True, False, False, False]
    assert lines[4:] == ["if x > 3:", "    raise ValueError", "assert x"]


def sizes(covid=None, healthy=None, **variables):
    found = DataSizes(Recorder(), lambda: variables)
    if covid:
        found.note("train_covid_cropped.npy", (covid, 32, 128, 128))
    if healthy:
        found.note("train_control_cropped.npy", (healthy, 32, 128, 128))
    return found


def test_sizes_follow_the_data_in_proportion():
    """650 of 664 COVID volumes are 9.79 of 10."""
    here = sizes(covid=10, healthy=113)
    assert [here.size(n) for n in (664, 650, 661, 21248)] == [10, 9, 9, 320]
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
