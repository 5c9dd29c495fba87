"""Idioms of Keras 2.7 that later versions refuse, put back into the Keras of the kernel.

A metric as a bare string, methods of models, layers and backend functions that are gone; optimizers and files are in
`optimizers` and `saving`, what Keras 3 alone refuses in `keras3`.
"""

__all__ = ["install_keras"]

import functools
import importlib
import inspect

import keras

from covid3dgan import compat
from covid3dgan.models.blocks.augmentation import RandomHeight, RandomWidth
from covid3dgan.notebooks.idioms.former_names import keras_modules, put_back
from covid3dgan.notebooks.idioms.keras.optimizers import install_optimizers
from covid3dgan.notebooks.idioms.keras.saving import install_saving
from covid3dgan.notebooks.idioms.vanished_modules import FORWARDED


def install_keras(recorder, model_file, steps=None):
    """Changes Keras in this process.

    Args:
        recorder: gets an event at every use.
        model_file: (path) -> (the path to load, or the model to use instead where there is none).
        steps: most epochs of ``fit``, whatever the notebook calls their number; None leaves it.
    """
    install_optimizers(recorder)
    _compile(recorder)
    if steps is not None:
        _cap_epochs(recorder, steps)
    _former_methods(recorder)
    install_saving(recorder, model_file)
    _vanished_names(recorder)
    if compat.KERAS_3:
        from covid3dgan.notebooks.idioms.keras.keras3 import install_keras3

        install_keras3(recorder)


# Models

def _compile(recorder):
    """A metric as a bare string (refused by Keras 3), and no XLA, which takes minutes to compile 3D models on a CPU."""
    compile_model = keras.Model.compile

    @functools.wraps(compile_model)
    def compile_as_before(self, *args, **kwargs):
        if isinstance(kwargs.get("metrics"), str):
            recorder.emit("adaptation", f"compile(metrics={kwargs['metrics']!r})", "as a list")
            kwargs["metrics"] = [kwargs["metrics"]]
        kwargs.setdefault("jit_compile", False)
        return compile_model(self, *args, **kwargs)

    keras.Model.compile = compile_as_before


def _cap_epochs(recorder, steps):
    fit = keras.Model.fit

    @functools.wraps(fit)
    def fit_briefly(self, *args, **kwargs):
        given = inspect.signature(fit).bind(self, *args, **kwargs)
        first, last = (given.arguments.get(name, default) for name, default in (("initial_epoch", 0), ("epochs", 1)))
        if last - first > steps:
            recorder.emit("cap", f"fit(epochs={last})", f"epochs={first + steps} (--steps)")
            given.arguments["epochs"] = first + steps
        return fit(*given.args, **given.kwargs)

    keras.Model.fit = fit_briefly


def _former_methods(recorder):
    """``fit_generator`` and its like, which Keras 3 dropped."""
    for name in ("fit", "predict", "evaluate"):
        if not hasattr(keras.Model, f"{name}_generator"):
            setattr(keras.Model, f"{name}_generator", _renamed(name, recorder))

    def predict_classes(self, x, *args, **kwargs):
        recorder.emit("adaptation", "predict_classes", "the most probable class of predict")
        scores = self.predict(x, *args, **kwargs)
        return scores.argmax(-1) if scores.shape[-1] > 1 else (scores > 0.5).astype("int32")

    if not hasattr(keras.Model, "predict_classes"):
        keras.Model.predict_classes = predict_classes


# What came after the generator, in its order.
_AFTER = {"fit": ("steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps"),
          "evaluate": ("steps", "callbacks"), "predict": ("steps", "callbacks")}


def _renamed(name, recorder):
    def method(self, generator, *args, **kwargs):
        recorder.emit("adaptation", f"{name}_generator", name)
        kwargs = {key: value for key, value in {**dict(zip(_AFTER[name], args)), **kwargs}.items() if key not in (
            "workers", "use_multiprocessing", "max_queue_size", "pickle_safe")}
        if hasattr(generator, "__next__"):
            generator = (batch for batch in generator)  # Keras 3 takes generators, no other iterators
        return getattr(self, name)(generator, **kwargs)

    return method


# Names

def _vanished_names(recorder):
    """Layers, backend functions and the image generator that are gone, wherever notebooks look for them."""
    for module in keras_modules("utils"):
        if not hasattr(module, "multi_gpu_model"):
            put_back(module, "multi_gpu_model", lambda model, *args, **kwargs: model, recorder, "the model itself")
    for module in keras_modules("layers"):
        for layer in (RandomWidth, RandomHeight):
            if not hasattr(module, layer.__name__):
                put_back(module, layer.__name__, layer, recorder)
    _attach_modules()
    if not compat.KERAS_3:
        return
    from keras.src.legacy import backend
    from keras.src.legacy.preprocessing import image

    for name in dir(backend):
        if not name.startswith("_") and not hasattr(keras.backend, name):
            put_back(keras.backend, name, getattr(backend, name), recorder)
    import keras.preprocessing.image as images

    for name in ("ImageDataGenerator", "Iterator", "NumpyArrayIterator", "DirectoryIterator"):
        if not hasattr(images, name) and hasattr(image, name):
            put_back(images, name, getattr(image, name), recorder)


def _attach_modules():
    """``keras.layers.core`` as an attribute, for code that does not import it as a module; its import is reported."""
    for name in FORWARDED:
        parent, _, child = name.rpartition(".")
        if parent != "keras.layers" or hasattr(keras.layers, child):
            continue
        put_back(keras.layers, child, _OnDemand(name), None)


class _OnDemand:
    """A module that is imported when a name of it is asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self._name), attribute)
