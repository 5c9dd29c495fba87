"""What a stranger's copy of a Colab notebook holds besides the published cells, executed in a kernel."""

import pytest

from covid3dgan.notebooks.runner import run_notebook

CELLS = {
    "time": "%%time\nx = 1\nprint(x)",
    "capture": "%%capture out\n!pip install noise\ny = 2\nprint('shown')",
    "captured": "out.show()\nprint(repr(out.stdout), y)",
    "nvidia": "!nvidia-smi\ngpu_info = !nvidia-smi\ngpu_info = '\\n'.join(gpu_info)\n"
              "print(gpu_info.find('failed') >= 0)",
    "upload": "from google.colab import files\nuploaded = files.upload()\nprint(list(uploaded))",
    "form": "#@title Settings\nbatch = 4 #@param {type:\"slider\", min:1, max:10, step:1}\nprint(batch)",
    "drive": "from google.colab import drive, auth, output\nauth.authenticate_user()\n"
             "drive.mount('/content/gdrive', force_remount=True)\ndrive.flush_and_unmount()\noutput.clear()",
    "folder": "base_dir = '/content/gdrive/My Drive/my copy'\nimport os\nos.makedirs(base_dir, exist_ok=True)\n"
              "open(base_dir + '/notes.txt', 'w').write('mine')\nprint(open(base_dir + '/notes.txt').read())",
    "no gpu": "import tensorflow as tf\ndevice_name = tf.test.gpu_device_name()\nif device_name != '/device:GPU:0':\n"
              "  raise SystemError('GPU device not found')\nfound = tf.config.list_physical_devices('GPU')\n"
              "tf.config.experimental.set_memory_growth(found[0], True)\nassert tf.test.is_gpu_available()\n"
              "print('on')",
    "restart": "import os\nos.kill(os.getpid(), 9)\nexit()\nget_ipython().kernel.do_shutdown(True)",
    "alive": "print(x, y)",
    "private keras": "from tensorflow.python.keras.layers import Dense\nfrom tensorflow.python.keras import backend\n"
                     "print(Dense(2)(tf.ones((1, 3))).shape)",
    "numpy": "import numpy as np\nnp.warnings.filterwarnings('ignore')\n"
             "print(np.zeros(2, np.bool).dtype, np.asscalar(np.ones(1)))",
    "tqdm": "from tqdm.notebook import tqdm, trange\nfrom tqdm import tqdm_notebook\n"
            "print(sum(tqdm([1, 2])) + sum(trange(3)) + sum(tqdm_notebook([4])))",
    "styles": "import matplotlib.pyplot as plt\nplt.style.use('seaborn-whitegrid')\nplt.style.use('no-such-style')\n"
              "plt.plot([1, 2]); plt.show()",
    "draw": "from tensorflow.keras.utils import plot_model\nimport keras\n"
            "m = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name='last')])\n"
            "plot_model(m, to_file='model.png', show_shapes=True)\nkeras.utils.plot_model(m)\n"
            "print(os.path.getsize('model.png') > 1000)",
    "generators": "m.compile('adam', 'mse', metrics=['mae'])\nbatches = [(np.ones((2, 2)), np.ones((2, 1)))] * 9\n"
                  "history = m.fit_generator(iter(batches), steps_per_epoch=2, epochs=1, workers=1)\n"
                  "print(sorted(history.history))",
    "pillow": "from PIL import Image\n"
              "print(Image.fromarray(np.zeros((4, 4), 'uint8')).resize((2, 2), Image.ANTIALIAS).size)",
}
PRINTED = {"time": "1", "capture": "shown", "captured": "'' 2", "nvidia": "False", "upload": "[]", "form": "4",
           "folder": "mine", "no gpu": "on", "alive": "1 2", "private keras": "(1, 2)", "numpy": "bool 1.0",
           "tqdm": "10", "draw": "True", "generators": "['loss', 'mae']", "pillow": "(2, 2)"}


@pytest.fixture(scope="module")
def colab_run(write_notebook, tmp_path_factory):
    file = write_notebook(tmp_path_factory.mktemp("colab") / "copy.ipynb", list(CELLS.values()))
    return run_notebook(file, keep_going=True, announce=lambda text: None)


def test_every_cell_runs(colab_run):
    assert colab_run.failed == []


@pytest.mark.parametrize("name", PRINTED)
def test_cells_give_what_they_gave(colab_run, printed, name):
    assert PRINTED[name] in printed(colab_run.executed, list(CELLS).index(name) + 1)


@pytest.mark.parametrize("what", ["!nvidia-smi", "a check that stops without a GPU", "set_memory_growth()", "exit()",
                                  "os.kill of this kernel", "shutdown of this kernel", "style seaborn-whitegrid",
                                  "style no-such-style", "PIL.Image.ANTIALIAS", "numpy.asscalar"])
def test_report_names_what_was_changed(colab_run, what):
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") and ("GPU" in what or "memory" in what):
        pytest.skip("this machine has a GPU: nothing is changed")
    assert what in {event["what"] for event in colab_run.events}


LUNGS = ["import torch\nfrom lungmask import utils\nimport numpy as np",
         "def my_lungs(volume, model=None, noHU=False):\n"
         "    if torch.cuda.is_available():\n        raise RuntimeError\n"
         "    return utils.reshape_mask(torch.max(volume))",
         "volume = np.full((24, 64, 64), -1000.0)\nvolume[:, 8:56, 6:58] = 40\n"
         "volume[2:22, 16:48, 10:28] = volume[2:22, 16:48, 36:54] = -850\n"
         "print(np.shape(my_lungs(volume)), sorted(set(np.ravel(my_lungs(volume)).tolist())))"]


def test_lung_code_of_a_copy_gets_the_built_in_mask(write_notebook, tmp_path, printed):
    report = run_notebook(write_notebook(tmp_path / "lungs.ipynb", LUNGS), hidden=["torch", "lungmask"],
                          announce=lambda text: None)
    assert report.failed == []
    assert printed(report.executed, 3).strip() == "(24, 64, 64) [0, 1, 2]"
    [event] = [event for event in report.events if event["what"] == "function my_lungs"]
    assert "built-in lung mask" in event["how"]


def test_lung_code_runs_as_written_where_its_packages_are_installed(write_notebook, tmp_path, printed, monkeypatch):
    packages = tmp_path / "site"
    (packages / "lungmask").mkdir(parents=True)
    (packages / "lungmask/__init__.py").touch()
    (packages / "lungmask/utils.py").write_text("def reshape_mask(value):\n    return [value, 7]\n")
    (packages / "torch.py").write_text("def max(volume):\n    return float(volume.max())\n"
                                       "class cuda:\n    is_available = staticmethod(lambda: False)\n")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    report = run_notebook(write_notebook(tmp_path / "own.ipynb", LUNGS), announce=lambda text: None)
    assert report.failed == []
    assert printed(report.executed, 3).strip() == "(2,) [7.0, 40.0]"
    assert not [event for event in report.events if event["what"] == "function my_lungs"]
