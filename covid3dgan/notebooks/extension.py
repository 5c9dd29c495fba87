"""The IPython extension that prepares a kernel for a published notebook.

The runner loads it before the first cell. What to do is in the JSON file that the environment variable PLAN names.
"""

__all__ = ["PLAN", "Helper", "load_ipython_extension"]

import builtins
import importlib.util
import json
import os
import re
import sys
from pathlib import Path

from covid3dgan.notebooks.cells.array_index import ArrayIndices, IndexRules
from covid3dgan.notebooks.cells.data_sizes import DataSizes
from covid3dgan.notebooks.cells.imports import ImportRules
from covid3dgan.notebooks.cells.lung_functions import LungFunctionRules, lung_function
from covid3dgan.notebooks.cells.shapes import ReshapeRules, reshaped
from covid3dgan.notebooks.cells.text import HELPER, TextRules
from covid3dgan.notebooks.cells.training_loops import LoopRules, rounds
from covid3dgan.notebooks.cells.tree import TreeRules
from covid3dgan.notebooks.idioms import libraries
from covid3dgan.notebooks.idioms.answers import install_answers
from covid3dgan.notebooks.idioms.display import install_display
from covid3dgan.notebooks.idioms.folders import install_folders
from covid3dgan.notebooks.idioms.former_names import install_former_names
from covid3dgan.notebooks.idioms.lung_masks import lung_labels
from covid3dgan.notebooks.idioms.runtime import Captured, GpuRules, install_restarts
from covid3dgan.notebooks.idioms.stand_ins import stand_ins
from covid3dgan.notebooks.idioms.vanished_modules import VanishedModules, is_installed
from covid3dgan.notebooks.phantom_files import FOLDERS, PhantomFiles
from covid3dgan.notebooks.placeholders import Placeholders
from covid3dgan.notebooks.recorder import Recorder

PLAN = "COVID3DGAN_NOTEBOOK_PLAN"


def load_ipython_extension(ipython):
    """Installs everything; called by IPython."""
    plan = json.loads(Path(os.environ[PLAN]).read_text(encoding="utf-8"))
    recorder = Recorder(plan["events"])
    helper = Helper(recorder, plan, lambda: ipython.user_ns)
    setattr(builtins, HELPER, helper)
    ipython.events.register("pre_run_cell", lambda info: recorder.new_cell())

    hidden = set(plan["hidden"])
    modules = VanishedModules(recorder, stand_ins(recorder, _addons_missing(hidden)), hidden)
    modules.install()
    sys.path.append(plan["notebook_folder"])  # modules beside the notebook, such as Functions.py
    libraries.install_numpy(recorder, helper.array_file)
    libraries.install_random(recorder)
    install_folders(helper.fill, "nibabel" in plan["source"])
    install_restarts(recorder, ipython)
    install_answers(recorder, ipython)
    install_former_names(recorder, plan["source"])
    if "cv2" in plan["source"] and "cv2" not in hidden:
        libraries.install_opencv(recorder)
    if "nibabel" in plan["source"]:
        libraries.install_nibabel(recorder)
    if plan["keras"]:
        from covid3dgan.notebooks.idioms.keras.models import install_keras

        install_keras(recorder, helper.model_file, plan["steps"])
    install_display(recorder, plan["source"])
    for name in [name for name in sys.modules if name.partition(".")[0] in hidden]:
        del sys.modules[name]
    _seed(plan["seed"], plan["keras"])
    ipython.input_transformers_cleanup.insert(0, TextRules(recorder))
    ipython.ast_transformers.append(ImportRules(recorder, modules.optional))
    if not _has_gpu(plan["keras"]):
        ipython.ast_transformers.append(GpuRules())
    if any(name in hidden or not is_installed(name) for name in ("torch", "lungmask")):
        ipython.ast_transformers.append(LungFunctionRules())
    ipython.ast_transformers.append(TreeRules(recorder, helper.paths, plan["steps"]))
    ipython.ast_transformers.append(LoopRules())
    ipython.ast_transformers.append(ReshapeRules())
    ipython.ast_transformers.append(IndexRules(helper.indices.literals))  # last: it hides what the others look for


def _has_gpu(with_keras):
    if not with_keras:
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _addons_missing(hidden):
    """tensorflow-addons installs beside Keras 3, but fails there at its first use."""
    if "tensorflow_addons" in hidden or importlib.util.find_spec("tensorflow_addons") is None:
        return True
    from importlib.metadata import version

    return not version("keras").startswith("2")


def _seed(seed, with_keras):
    import random

    import numpy as np

    random.seed(seed)
    np.random.seed(seed)
    if with_keras:
        import keras

        keras.utils.set_random_seed(seed)


class Helper:
    """What transformed cells call, under the name HELPER among the builtins.

    Args:
        recorder: Recorder.
        plan: what the runner wrote.
        variables: () -> the notebook's variables.
    """

    def __init__(self, recorder, plan, variables):
        self.recorder = recorder
        self.paths = _Paths(recorder, plan["work"], plan["notebook_folder"], plan["maps"])
        self.sizes = DataSizes(recorder, variables)
        self.indices = ArrayIndices(recorder, self.sizes)
        self.index, self.item = self.indices.index, self.indices.item
        self.phantoms = PhantomFiles(recorder, plan["phantoms"], plan["phantom_size"], plan["seed"])
        self.paths.phantoms = self.phantoms
        self.steps = plan["steps"]
        self.of_nifti = bool(re.search(r"nii|nibabel|SimpleITK", plan["source"]))

    def size(self, constant):
        """A published size or index, fitted to the data at hand."""
        return self.sizes.size(constant)

    def captured(self):
        """What ``%%capture NAME`` binds."""
        return Captured()

    def no_gpu(self, what):
        """Instead of code that stops without a GPU or sets one up."""
        self.recorder.emit("skipped", what, "there is no GPU here: the CPU does the work")

    def rounds(self, iterated, text):
        """What a loop that trains goes over; see cells.training_loops."""
        return rounds(self.recorder, self.steps, iterated, text)

    def reshape(self, function, *args, **kwargs):
        """A call of ``reshape``; see cells.shapes."""
        return reshaped(self.recorder, function, args, kwargs)

    def fill(self, path, entered=False):
        """Makes a folder of CTs or masks, or a NIfTI file, that the notebook expects below its placeholders.

        Args:
            entered: the notebook changes into the folder, which may then be empty.
        """
        path = Path(path)
        if self.paths.work not in path.parents or not self.paths.is_missing(path):
            return
        if entered:
            path.mkdir(parents=True, exist_ok=True)
            self.recorder.emit("mapping", f"chdir {path.name}", f"{path} (a new folder)")
        elif path.name.endswith((".nii", ".nii.gz")):
            self.phantoms.make_file(path)
        elif not path.suffix and self.of_nifti and self.phantoms.can_fill(path):
            self.phantoms.fill(path)

    def tail(self, value, start):
        """``value[start:]``; of a path, its file name (the authors cut off their own folders' length)."""
        if isinstance(value, str) and os.path.exists(value) and os.sep in value:
            self.recorder.emit("adaptation", f"path[{start}:]", "the file's name: the authors cut off their own folder")
            return os.path.basename(value)
        return value if value is None else self.item(value, slice(start, None))

    def change_directory(self, target):
        """``cd``."""
        path = self.paths.directory(target)
        if path is None:
            self.recorder.emit("mapping", f"cd {target}", f"stays in {os.getcwd()} (--map '{target}=PATH' names yours)")
            return
        os.chdir(os.path.expanduser(path))
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())

    def array_file(self, file):
        """(the path to load, what to call with the loaded array's shape)."""
        path, name = Path(file), self.paths.name_of(file)
        if not path.exists():
            beside = self.paths.beside(file)
            if beside:
                path = Path(beside)
            elif self.phantoms.can_make(name):
                self.phantoms.make(name, path)
        return path, lambda shape: self.sizes.note(name, shape)

    def model_file(self, file):
        """(the path to load, a model to use instead where there is no such file)."""
        beside = None if Path(file).exists() else self.paths.beside(file)
        path = Path(beside or file)
        return path, None if path.exists() else self.phantoms.model(path)

    def lung_function(self, name):
        """Ours for a function that a notebook defines with the help of PyTorch."""
        self.recorder.emit("adaptation", f"function {name}", "needs PyTorch and lungmask, which are not both "
                           "installed: the built-in lung mask is used instead")
        return lung_function(name, lambda volume: lung_labels(volume, self.recorder))


class _Paths(Placeholders):
    """Placeholders whose folders of CTs and masks are filled with phantoms."""

    phantoms = None

    def _placeholder(self, text):
        path = super()._placeholder(text)
        if path is not None and Path(path).name.lower() in FOLDERS and Path(path) != self.work \
                and not Path(path).exists():
            self.phantoms.make_folder(Path(path).name, path)
        return path
