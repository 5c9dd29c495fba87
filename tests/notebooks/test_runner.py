"""Notebooks of our own with every vanished name and idiom of the published ones, executed in a kernel."""

import json
from pathlib import Path

import nbformat
import numpy as np
import pytest

from covid3dgan.cli.main import main
from covid3dgan.notebooks.runner import run_notebook

# Two models under one Adam, as in the notebook GAN3D: y = a x, and z = b y; by hand beside Keras.
SHARED_ADAM = """
import numpy as np
from keras.layers import Dense, Input
from keras.models import Model
from tensorflow.keras.optimizers import Adam

def line(name):
    return Dense(1, use_bias=False, kernel_initializer="ones", name=name)

inside, outside = Input((1,)), Input((1,))
generator = Model(inside, line("a")(inside))
gan = Model(outside, line("b")(generator(outside)))
shared = Adam(lr=0.1)
gan.compile(loss="mse", optimizer=shared, metrics="mae")
generator.compile(loss="mse", optimizer=shared)
x = np.ones((1, 1), "float32")
for model in (generator, gan, generator, gan):
    model.train_on_batch(x, 0 * x)

a, b = 1.0, 1.0
slots = {"a": (0.0, 0.0), "b": (0.0, 0.0)}
def update(name, value, gradient, t):
    m, v = slots[name]
    m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient ** 2
    slots[name] = m, v
    return value - 0.1 * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m / (np.sqrt(v) + 1e-7)
for t, both in enumerate((False, True, False, True), 1):
    output = a * b if both else a
    gradient_a, gradient_b = 2 * output * (b if both else 1), 2 * output * a
    a = update("a", a, gradient_a, t)
    b = update("b", b, gradient_b, t) if both else b
found = [float(np.asarray(model.layers[-1].get_weights()[0]).ravel()[0]) for model in (generator, gan)]
print("rate", round(float(np.asarray(shared.learning_rate)), 4), "error", max(abs(found[0] - a), abs(found[1] - b)))
"""

KERAS = [
    # 1: what is gone, and how it was imported
    """from keras.layers import Conv2D, core
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Conv3D, Convolution3D
from keras.layers.core import Lambda, RepeatVector
from keras.layers.merge import add, concatenate
from keras.layers.pooling import GlobalMaxPool2D, MaxPooling3D
from keras.preprocessing.image import ImageDataGenerator, img_to_array
from keras import backend as K
from tensorflow import keras
from tensorflow.keras import layers
K.clear_session()
leaky = LeakyReLU(alpha=0.3)(K.constant([[-1.0]])).numpy()
keras.models.save_model(keras.Sequential([keras.Input((1,)), layers.Dense(1)]), '.../another', save_format='h5')
print(core.Lambda is Lambda, leaky, float(K.mean(K.constant([1.0, 3.0]))))""",
    # 2
    """pip install tensorflow-addons
import tensorflow as tf
import tensorflow_addons as tfa
print(float(tfa.losses.npairs_loss(tf.constant([0.0, 1.0]), tf.constant([[1.0, 2.0], [3.0, 4.0]]))))""",
    # 3
    SHARED_ADAM,
    # 4: saved as HDF5 without a suffix, and read back
    """generator.save('.../generator_copy', save_format='h5')
from keras.models import load_model
copy = load_model('.../generator_copy')
import h5py
print(h5py.is_hdf5('.../generator_copy'), np.allclose(copy.predict(x, verbose=0), generator.predict(x, verbose=0)))""",
    # 5: a model file that is not there
    """model = keras.models.load_model('.../discriminator_model')
print(model.count_params())""",
    # 6: layers that Keras 3 dropped, in the published augmentation
    """augment = keras.Sequential([layers.Normalization(), layers.RandomWidth(0.2), layers.RandomHeight(0.2)])
augment.layers[0].adapt(np.arange(8.0).reshape(2, 2, 2, 1))
image = keras.Input((16, 16, 1))
pooled = keras.Model(image, layers.GlobalAveragePooling2D()(augment(image)))
print(pooled.predict(np.ones((1, 16, 16, 1)), verbose=0).shape)""",
    # 7: loop counts
    """def train_for_n(nb_epoch, plt_frq):
    saved = [e for e in range(nb_epoch) if e % plt_frq == plt_frq - 1]
    print(nb_epoch, saved)
Epochs = 1000
train_for_n(nb_epoch=10000, plt_frq=10)
print(Epochs)""",
    # 8: learning rate decay of earlier optimizers
    """from keras.optimizers import SGD
print(float(np.asarray(SGD(learning_rate=0.1, decay=1.0).learning_rate)))""",
    # 9: gates of a ConvLSTM, also after saving and loading
    """from keras.layers import ConvLSTM2D
frames = keras.Input((2, 4, 4, 1))
video = keras.Model(frames, ConvLSTM2D(2, 2, padding='same', name='lstm')(frames))
video.save('.../video', save_format='h5')
again = load_model('.../video')
shown = np.ones((1, 2, 4, 4, 1), 'float32')
print([round(float(m.get_layer('lstm').cell.recurrent_activation(tf.constant(1.0))), 4) for m in (video, again)],
      np.allclose(video.predict(shown, verbose=0), again.predict(shown, verbose=0)))""",
]


@pytest.fixture(scope="module")
def keras_run(write_notebook, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    file = write_notebook(folder / "idioms.ipynb", KERAS)
    content = file.read_bytes()
    report = run_notebook(file, steps=2, keep_going=True, hidden=["tensorflow_addons"], announce=lambda text: None)
    assert file.read_bytes() == content
    return report


def events(report, kind):
    return {event["what"]: event for event in report.events if event["kind"] == kind}


def test_vanished_keras_names_work(keras_run, printed):
    assert not keras_run.failed, keras_run.failed
    assert printed(keras_run.executed, 1).split()[-3:] == ["True", "[[-0.3]]", "2.0"]
    assert {f"keras.layers.{name}" for name in ("advanced_activations", "convolutional", "core", "merge", "pooling")
            } <= set(events(keras_run, "alias"))


def test_addons_loss_is_ours_where_it_is_absent(keras_run, printed):
    """Softmax rows (0.2689, 0.7311) against the own column: mean of -log 0.2689 and -log 0.7311."""
    expected = -(np.log(1 / (1 + np.e)) + np.log(np.e / (1 + np.e))) / 2
    assert float(printed(keras_run.executed, 2)) == pytest.approx(expected, rel=1e-5)
    assert "tensorflow_addons" in events(keras_run, "stand-in")
    assert "pip install tensorflow-addons" in events(keras_run, "skipped")


def test_one_adam_serves_two_models_as_keras_2_7_did(keras_run, printed):
    _, rate, _, error = printed(keras_run.executed, 3).split()
    assert rate == "0.1" and float(error) < 1e-5
    adapted = events(keras_run, "adaptation")
    assert {"optimizer Adam", "Adam(lr=...)", "compile(metrics='mae')"} <= set(adapted)
    assert adapted["optimizer Adam"]["cells"] == [3]


def test_models_are_saved_and_read_without_a_suffix(keras_run, printed):
    assert printed(keras_run.executed, 4).split()[-2:] == ["True", "True"]
    assert (Path(keras_run.working_directory) / "another").is_file()
    mapped = events(keras_run, "mapping")[".../generator_copy"]
    assert mapped["how"].startswith(keras_run.working_directory)


def test_missing_model_is_an_untrained_one_and_says_so(keras_run, printed):
    assert printed(keras_run.executed, 5).strip() == "282378"
    assert "UNTRAINED" in events(keras_run, "phantom")["model discriminator_model"]["how"]


def test_dropped_layers_and_capped_loops(keras_run, printed):
    assert printed(keras_run.executed, 6).strip() == "(1, 1)"
    assert printed(keras_run.executed, 7).split("\n")[:2] == ["2 [1]", "2"]
    assert set(events(keras_run, "cap")) == {"Epochs=1000", "nb_epoch=10000", "plt_frq=10"}
    assert float(printed(keras_run.executed, 8)) == pytest.approx(0.1)


def test_convlstm_gates_are_those_of_keras_2(keras_run, printed):
    """F31: 0.2 x 1 + 0.5 = 0.7; Keras 3's default gives 0.7311, its hard_sigmoid 0.6667."""
    assert printed(keras_run.executed, 9).strip().splitlines()[-1] == "[0.7, 0.7] True"


def test_report_lies_beside_the_executed_notebook(keras_run):
    kept = json.loads(Path(keras_run.report).read_text(encoding="utf-8"))
    assert kept["events"] == keras_run.events and kept["failed"] == []
    executed = nbformat.read(keras_run.executed, 4)
    assert [cell.source for cell in executed.cells[1:]] == KERAS  # unchanged code under the report
    assert "optimizer Adam" in executed.cells[0].source


DATA = [
    """from google.colab import drive
drive.mount('/content/drive')
!pip install noise
cd 'Your code directory'
import os, random
import cv2, noise, scipy
import numpy as np
import SimpleITK as sitk
from scipy.ndimage.interpolation import zoom
from skimage.transform import resize
from lungmask import mask
import Functions
from helpers import double
print(double(np.float(2)), zoom(np.ones((2, 2)), 2).shape, cv2.addWeighted(np.ones(2), 1, np.ones(2), 2, 0))
print(resize(np.ones((8, 8, 8)), (4, 4, 4), anti_aliasing=True, order=5, mode='constant').shape)
print(0 < abs(noise.pnoise2(0.0, 0.25, octaves=2, repeatx=140, repeaty=140, base=3)) < 1)""",
    """train_covid = np.load('.../train_covid_cropped.npy')
train_control = np.load('.../train_control_cropped.npy')
train_covid = np.reshape(train_covid, (664, 32, 128, 128, 1))
index = random.sample(range(650, 664), 5)
print(train_covid.dtype, train_covid.shape, train_control.shape, index, train_covid[661].shape)""",
    """base_dir = '.../Data'
paths = sorted(os.path.join(base_dir, name) for name in os.listdir(base_dir))
print([path[68:] for path in paths])
import nibabel
print(nibabel.load(paths[0]).get_fdata().shape)""",
    "raise RuntimeError('in the middle')",
    """inputs, outputs = np.load('./input_lung.npy'), np.load('./output_lung_gen.npy')
sums = (inputs - outputs).sum((1, 2, 3))
print(inputs.shape, (sums > 95).any(), ((sums > 65) & (sums < 80)).any())
lung = np.load('./PreprocessedData/LungMask.npy')
print(lung.shape, lung.min(), lung.max())""",
    "print(np.load('.../mine.npy'), np.load('own.npy'), open('notes.txt').read())",
]


@pytest.fixture(scope="module")
def data_run(write_notebook, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    (folder / "helpers.py").write_text("def double(x):\n    return 2 * x\n")
    np.save(folder / "own.npy", np.arange(3))
    (folder / "notes.txt").write_text("mine")
    file = write_notebook(folder / "data.ipynb", DATA)
    return run_notebook(file, [f".../mine.npy={folder}/own.npy", "nowhere=x"], out=folder / "done.ipynb",
                        keep_going=True, phantoms=2, phantom_size=(64, 64, 32), hidden=["cv2", "skimage", "noise"],
                        announce=lambda text: None)


def test_missing_packages_have_stand_ins(data_run, printed):
    text = printed(data_run.executed, 1)
    assert "4.0 (4, 4) [3. 3.]" in text and "(4, 4, 4)\nTrue" in text
    assert {"google.colab", "cv2", "noise", "skimage", "lungmask", "Functions"} <= set(events(data_run, "stand-in"))
    assert "SimpleITK" in events(data_run, "inert") and "numpy.float" in events(data_run, "alias")


def test_missing_arrays_are_phantoms_in_the_published_shape_and_constants_follow(data_run, printed):
    """664 becomes 2, 650 of 664 becomes 1, so five are drawn from the single index 1 with replacement."""
    assert printed(data_run.executed, 2).strip().endswith(
        "float64 (2, 32, 128, 128, 1) (2, 32, 128, 128) [1, 1, 1, 1, 1] (32, 128, 128, 1)")
    assert {"constant 664", "constant 650", "constant 661", "random.sample of 5"} <= set(events(data_run, "adaptation"))
    made = events(data_run, "phantom")
    assert "phantoms, not patients" in made["train_covid_cropped.npy"]["how"]
    text = printed(data_run.executed, 5)
    assert "(64, 128, 128, 1) True True" in text and "(2, 32, 128, 128) 0.0 1.0" in text


def test_folder_of_cts_is_made_and_its_paths_are_cut_to_names(data_run, printed):
    assert "['coronacases-like_000.nii.gz', 'coronacases-like_001.nii.gz']\n(64, 64, 32)" in printed(
        data_run.executed, 3)


def test_user_files_are_mapped_and_wrong_maps_noted(data_run, printed):
    assert printed(data_run.executed, 6).strip() == "[0 1 2] [0 1 2] mine"
    assert data_run.unused_maps == ["nowhere"]


def test_failing_cell_is_named_and_the_rest_runs(data_run):
    assert [cell["number"] for cell in data_run.failed] == [4]
    assert [cell["status"] for cell in data_run.cells] == ["done"] * 3 + ["failed"] + ["done"] * 2
    assert any("FAILED cell 4 (\"raise RuntimeError('in the middle')\"): RuntimeError: in the middle" in line
               for line in data_run.lines())


def test_command_stops_at_a_failure_says_what_it_runs_and_keeps_the_file(write_notebook, tmp_path, capsys):
    file = write_notebook(tmp_path / "n.ipynb", ["x = 1", "x / 0", "print('never')"])
    # The published notebooks are of format 4.0: no cell ids, sources as lists of lines, Colab's own metadata.
    old = json.loads(file.read_text())
    old.update(nbformat_minor=0, metadata={"colab": {"name": "n.ipynb"}, "accelerator": "GPU",
                                           "kernelspec": {"display_name": "Python 3", "name": "python3"}})
    for cell in old["cells"]:
        cell.pop("id")
    file.write_text(json.dumps(old))
    content = file.read_bytes()
    assert main(["notebook", "run", str(file)]) == 1
    out, err = capsys.readouterr()
    assert "Running the code of" in err and "working directory" in err
    assert "FAILED cell 2 ('x / 0'): ZeroDivisionError" in out and "not run after the failure: cells 3" in out
    assert file.read_bytes() == content
    kept = json.loads((tmp_path / "n.executed.json").read_text())
    assert [cell["status"] for cell in kept["cells"]] == ["done", "failed", "not run"]
    assert main(["notebook", "run", str(file)]) == 1  # the earlier result is not overwritten unasked
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, code, part", [
    (["none.ipynb"], 1, "no such file"),
    (["text.ipynb"], 1, "expected a Jupyter notebook"),
    (["n.ipynb", "--steps", "0"], 2, "--steps"),
    (["n.ipynb", "--map", "nothing"], 2, "PLACEHOLDER=PATH"),
    (["n.ipynb", "--out", "n.ipynb"], 2, "another file than the notebook itself"),
    (["n.ipynb", "--out", "n.txt"], 2, ".ipynb"),
])
def test_wrong_arguments_are_one_sentence(write_notebook, tmp_path, monkeypatch, capsys, arguments, code, part):
    monkeypatch.chdir(tmp_path)
    write_notebook(tmp_path / "n.ipynb", ["1"])
    (tmp_path / "text.ipynb").write_text("no notebook")
    assert main(["notebook", "run", *arguments]) == code
    assert part in capsys.readouterr().err
