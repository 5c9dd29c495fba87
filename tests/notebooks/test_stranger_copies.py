"""Idioms of other people's copies of Colab notebooks, found with notebooks that were written from the facts alone."""

import ast
import sys
import types

import numpy as np
import pytest

from covid3dgan.notebooks.cells.imports import ImportRules
from covid3dgan.notebooks.cells.lung_functions import LungFunctionRules, lung_function
from covid3dgan.notebooks.cells.shapes import ReshapeRules, reshaped
from covid3dgan.notebooks.cells.text import HELPER
from covid3dgan.notebooks.cells.training_loops import LoopRules, rounds
from covid3dgan.notebooks.idioms import lung_masks
from covid3dgan.notebooks.idioms.inert import MissingPackage, inert_module
from covid3dgan.notebooks.phantom_files import PhantomFiles
from covid3dgan.notebooks.recorder import Recorder
from covid3dgan.notebooks.runner import run_notebook

CELLS = {
    "packages": "import numpy as np, os, torch, monai, gdown\nimport seaborn as sns, ipywidgets as widgets\nsns.set()\n"
                "torch.manual_seed(1)\nprint(torch.__version__, torch.cuda.device_count())\n"
                "try:\n    import cupy as xp\nexcept ImportError:\n    xp = np\nprint(xp is np)\n"
                "gdown.download('https://drive.google.com/uc?id=1', 'x.npy', quiet=False)",
    "file": "%%writefile helper.py\ndef twice(x): return 2 * x",
    "written": "import helper\nprint(helper.twice(21))",
    "plots": "%matplotlib notebook\nimport matplotlib.pyplot as plt\nfrom matplotlib import cm\n"
             "ax = plt.figure().gca(projection='3d')\nplt.figure()\nplt.plot([1, 2]); plt.grid(b=True)\n"
             "cm.register_cmap(name='mine', cmap=cm.get_cmap('jet', 4))\nprint(ax.name, plt.get_cmap('mine').N)",
    "former names": "import time, collections\nfrom collections import Iterable\nt = time.clock()\n"
                    "from scipy import interp\nprint(interp(0.5, [0, 1], [0, 4]), isinstance([], Iterable))\n"
                    "print(np.array([np.zeros((2, 3)), np.zeros((4, 3))]).dtype)\n"
                    "get_ipython().magic('matplotlib inline')",
    "nibabel": "import nibabel as nib\nimage = nib.Nifti1Image(np.ones((2, 2, 2), 'float32'), np.eye(4))\n"
               "print(image.get_data().sum(), image.get_affine()[0, 0], image.get_header().get_zooms()[0])",
    "person": "answer = input('go on? ')\nprint(repr(answer))\n"
              "slider = widgets.IntSlider(min=0, max=9, value=3)\n"
              "widgets.interact(lambda k, how: print(k, how), k=slider, how=['a', 'b'])",
    "restart": "import os\nos._exit(0)",
    "keras": "from keras.optimizers import adam_v2\nfrom keras.optimizer_v2.gradient_descent import SGD\nimport keras\n"
             "from tensorflow.python.keras.models import Sequential\nfrom tensorflow.python.keras.layers import Dense\n"
             "from tensorflow.keras.utils import multi_gpu_model\nfrom keras.utils.vis_utils import model_to_dot\n"
             "from keras_contrib.layers.normalization.instancenormalization import InstanceNormalization\n"
             "m = multi_gpu_model(Sequential([keras.Input((3,)), InstanceNormalization(), "
             "Dense(2, activation='softmax')]), gpus=2)\n"
             "m.compile(adam_v2.Adam(lr=0.01), 'categorical_crossentropy')\n"
             "h = m.fit(np.ones((4, 3)), np.eye(2)[[0, 1, 0, 1]], 4, 50, 0)\n"
             "m.load_weights('pretrained_best.h5')\n"
             "print(len(h.history['loss']), m.predict_classes(np.ones((1, 3))).shape, SGD(lr=1) is not None,\n"
             "      b'<svg' in model_to_dot(m).create(prog='dot', format='svg'))",
    "Keras 2": "import tensorflow as tf\nfrom keras.losses import mse\n"
               "from tensorflow.keras.optimizers.legacy import Adam\nfrom tensorflow.keras.callbacks import *\n"
               "i = keras.layers.Input((3,))\no = tf.expand_dims(tf.concat([i, tf.nn.relu(i)], axis=-1), -1)\n"
               "o = keras.layers.Reshape((3, 2))(o)\no = o * tf.reduce_mean(o, axis=-1, keepdims=True)\n"
               "o = keras.layers.Conv1D(3, 1)(o)\nf = keras.Model(i, o)\nf.compile(Adam(1e-3), mse)\n"
               "best = ModelCheckpoint('best_{epoch}.hdf5', save_best_only=True, monitor='loss', period=1)\n"
               "weights = ModelCheckpoint('best.hdf5', save_weights_only=True)\n"
               "f.fit_generator(((np.ones((2, 3)), np.ones((2, 3, 3))) for k in range(9)), 2, 1,\n"
               "                callbacks=[best, weights])\n"
               "f.fit(np.ones((2, 3)), np.ones((2, 3, 3)), workers=2, use_multiprocessing=False, verbose=0)\n"
               "s = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])\n"
               "print(keras.backend.function([s.input], [s.output])([np.ones((1, 3))])[0].shape)\n"
               "f.save_weights('plain'); f.load_weights('plain'); f.load_weights('best.hdf5')\n"
               "g = keras.models.load_model('best_1.hdf5')\n"
               "g = g.predict(np.ones((2, 3)), verbose=0)\n"
               "assert (f.output_shape, i.get_shape().as_list(), g.shape) == ((None, 3, 3), [None, 3], (2, 3, 3))",
    "loop": "def one_step(k):\n    m.train_on_batch(np.ones((2, 3)), np.eye(2))\n    print('step', k)\n"
            "for k in range(1000):\n    one_step(k)",
    "folders": "import glob\nroot = '/content/drive/MyDrive/covid/'\nos.chdir('/content/drive/MyDrive/work')\n"
               "files = sorted(glob.glob(os.path.join(root + 'MosMed/studies/CT-1', '*.nii.gz')))\n"
               "masks = os.listdir(root + 'masks')\n"
               "print(len(files), len(masks), nib.load(files[0]).shape == nib.load(root + 'one_case.nii').shape)",
    "arrays": "x = np.load(root + 'Mosmed_LungImages.npy')\ny = np.load(root + 'pseudo_masks.npy')\n"
              "x = x.reshape(64, 128, 128, 1)\nprint(x.shape, y.shape)",
    "unknown": "np.load(root + 'training_loss.npy')",
}
PRINTED = {"packages": "0+not.installed 0\nTrue\nnothing is fetched", "written": "42", "plots": "3d 4",
           "former names": "2.0 True\nobject", "nibabel": "8.0 1.0 1.0", "person": "''\n3 a",
           "keras": "2 (1,) True True", "loop": "step 0\nstep 1\n", "folders": "1 1 True",
           "arrays": "(32, 128, 128, 1) (32, 128, 128, 1)", "Keras 2": "(1, 2)\n"}
REPORTED = {"input('go on? ')": "nobody is asked", "tensorflow.python.keras": "tensorflow.keras",
            "weights pretrained_best.h5": "UNTRAINED", "fit(epochs=50)": "epochs=2",
            "for ... in range(1000)": "2 of 1000",
            "folder CT-1": "phantoms (ct)", "folder masks": "phantoms (infection)", "one_case.nii": "one phantom (ct)",
            "reshape to (64, 128, 128, 1)": "32 in the place of 64", "os._exit of this kernel": "goes on",
            "time.clock": "time.perf_counter", "%matplotlib notebook": "below their cells",
            "gdown": "nothing is fetched"}


@pytest.fixture(scope="module")
def stranger_run(write_notebook, tmp_path_factory):
    file = write_notebook(tmp_path_factory.mktemp("stranger") / "copy.ipynb", list(CELLS.values()))
    return run_notebook(file, steps=2, keep_going=True, phantoms=1, phantom_size=(64, 64, 32),
                        hidden=["torch", "monai", "cupy", "seaborn", "ipywidgets", "gdown", "pydot"],
                        announce=lambda text: None)


def test_only_what_cannot_be_made_fails_and_says_how_to_name_it(stranger_run):
    [failed] = stranger_run.failed
    assert failed["number"] == len(CELLS)
    assert failed["error"].endswith("(--map 'training_loss.npy=PATH' names your own)")


@pytest.mark.parametrize("name", PRINTED)
def test_cells_give_what_they_gave(stranger_run, printed, name):
    assert PRINTED[name] in printed(stranger_run.executed, list(CELLS).index(name) + 1)


@pytest.mark.parametrize("what", REPORTED)
def test_report_names_what_was_changed(stranger_run, what):
    how = {event["what"]: event["how"] for event in stranger_run.events}
    assert REPORTED[what] in how[what]


# Rules, without a kernel

def changed(rules, code):
    return ast.unparse(ast.fix_missing_locations(rules.visit(ast.parse(code))))


@pytest.mark.parametrize("code, expected", [
    ("from tensorflow.python.keras.layers import Dense", "from tensorflow.keras.layers import Dense"),
    ("from tensorflow.python import keras", "from tensorflow import keras"),
    ("import tensorflow.python.keras.backend as K", "import tensorflow.keras.backend as K"),
    ("from tensorflow.python.client import device_lib", "from tensorflow.python.client import device_lib"),
])
def test_the_private_copy_of_keras_becomes_the_public_one(code, expected):
    assert changed(ImportRules(Recorder(), set()), code) == expected


def test_packages_below_try_are_the_notebooks_own_affair():
    optional = set()
    changed(ImportRules(Recorder(), optional),
            "try:\n    import a.b\n    from c import d\nexcept Exception:\n    pass\n"
            "try:\n    import e\nexcept KeyError:\n    pass\nimport f")
    assert optional == {"a", "c"}


def test_everything_of_a_missing_package_is_refused_at_once():
    """``import *`` would end in names that nobody finds."""
    module = types.ModuleType("my_functions")
    inert_module(module)
    sys.modules["my_functions"] = module
    try:
        with pytest.raises(MissingPackage, match="expected the package my_functions"):
            exec("from my_functions import *", {})
    finally:
        del sys.modules["my_functions"]


def test_a_class_that_holds_the_lung_network_is_replaced_method_by_method():
    code = ("import torch\nclass Lungs:\n    def __init__(self, weights='R231'):\n"
            "        self.net = torch.load(weights)\n    def __call__(self, v):\n        return self.net(v)\n"
            "    def name(self):\n        return 'lungs'")
    text = changed(LungFunctionRules(), code)
    assert [f"{name} = {HELPER}.lung_function('{name}')" in text for name in ("__init__", "__call__", "name")] == [
        True, True, False]
    net = code.replace("Lungs:", "Lungs(torch.nn.Module):")
    assert HELPER + ".lung_function('__call__')" not in changed(LungFunctionRules(), net)


def test_lung_mask_of_a_simpleitk_image_has_its_spacing(monkeypatch):
    hu = np.full((24, 64, 64), -1000.0)
    hu[:, 8:56, 6:58] = 40
    hu[2:22, 16:48, 10:28] = hu[2:22, 16:48, 36:54] = -850

    class Image:
        GetSize, GetSpacing = lambda self: (64, 64, 24), lambda self: (5.0, 5.0, 12.0)

    monkeypatch.setitem(sys.modules, "SimpleITK", types.SimpleNamespace(GetArrayFromImage=lambda image: hu))
    recorder = Recorder()
    labels = lung_function("apply_1", lambda volume: lung_masks.lung_labels(volume, recorder))(Image())
    assert labels.shape == hu.shape and sorted(np.unique(labels)) == [0, 1, 2]
    assert recorder.events[0]["how"] == "by the built-in method"  # for no assumed chest


@pytest.mark.parametrize("arguments, shape", [
    (((64, 4, 1),), (6, 4, 1)), ((64, 4, 1), (6, 4, 1)), (((24, 1),), (24, 1)), (((-1, 4),), (6, 4)),
])
def test_reshape_takes_as_many_cases_as_there_are(arguments, shape):
    recorder = Recorder()
    assert reshaped(recorder, np.zeros(24).reshape, arguments, {}).shape == shape
    assert reshaped(recorder, np.reshape, (np.zeros(24), shape), {}).shape == shape
    assert len(recorder.events) == (64 in np.ravel(arguments))


def test_reshape_that_leaves_no_whole_number_fails_as_ever():
    with pytest.raises(ValueError, match="cannot reshape array of size 24"):
        reshaped(Recorder(), np.zeros(24).reshape, ((64, 5),), {})
    assert changed(ReshapeRules(), "x.reshape(3, 4)") == f"{HELPER}.reshape(x.reshape, 3, 4)"


@pytest.mark.parametrize("code, capped", [
    ("for i in range(n):\n    gan.train_on_batch(x, y)", True),
    ("for i in tqdm(range(1, n)):\n    opt.apply_gradients(z)", True),
    ("def run():\n    step()\ndef step():\n    opt.minimize(f)\nfor i in range(n):\n    run()", True),
    ("for i in range(n):\n    print(model.predict(x))", False),
    ("for x in cases:\n    model.fit(x)", False),
])
def test_loops_that_train_are_found_by_what_they_call(code, capped):
    assert (HELPER in changed(LoopRules(), code)) == capped


def test_rounds_are_cut_only_where_there_are_many():
    recorder = Recorder()
    assert list(rounds(recorder, 2, range(9), "range(9)")) == list(range(9)) and not recorder.events
    assert list(rounds(recorder, None, range(99), "range(99)")) == list(range(99))
    assert list(rounds(recorder, 2, range(50, 99), "range(50, 99)")) == [50, 51]
    assert recorder.events[0]["how"] == "2 of 49 rounds (--steps)"


@pytest.mark.parametrize("name, made", [
    ("covid_LungImages.npy", True), ("test_masks.npy", True), ("x_train.npy", True), ("loss_history.npy", False),
    ("train_ids.npy", False), ("weights.h5", False), ("embedding.npy", False),
])
def test_arrays_are_made_by_the_words_of_their_names(name, made):
    assert PhantomFiles(Recorder()).can_make(name) == made
