"""Idioms of Keras 2.7 that later versions refuse, put back into the Keras of the kernel.

Optimizers shared between models, ``lr`` and ``decay``, ``save(..., save_format="h5")``, files without a suffix, a
metric as a bare string, the gates of ConvLSTM layers, layers and backend functions that are gone.
"""

__all__ = ["install_keras"]

import functools
import importlib
import inspect
import sys
from pathlib import Path

import keras
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.blocks.augmentation import RandomHeight, RandomWidth
from covid3dgan.models.blocks.convlstm import legacy_hard_sigmoid
from covid3dgan.notebooks.idioms.vanished_modules import FORWARDED


def install_keras(recorder, model_file):
    """Changes Keras in this process.

    Args:
        recorder: gets an event at every use.
        model_file: (path) -> (the path to load, or the model to use instead where there is none).
    """
    _share_optimizers(recorder)
    _accept_former_arguments(recorder)
    _compile(recorder)
    _former_methods(recorder)
    _save_and_load(recorder, model_file)
    _vanished_names(recorder)
    if compat.KERAS_3:
        _former_gates(recorder)


# Optimizers

def _share_optimizers(recorder):
    """Lets an optimizer take variables that it has not seen: new ones get slots of their own, known ones keep theirs.

    That is what Keras 2.7 did: the published notebook trains the generator alone and below the discriminator with one
    Adam, whose step count both advance.
    """
    name = "apply" if compat.KERAS_3 else "apply_gradients"
    base = _optimizer_base(name)
    apply = getattr(base, name)

    @functools.wraps(apply)
    def apply_to_any(self, first, *args, **kwargs):
        if compat.KERAS_3:
            variables = kwargs.get("trainable_variables", args[0] if args else None)
        else:
            first = list(first)
            variables = [variable for gradient, variable in first if gradient is not None]
        if variables is not None and _is_built(self):
            known = _known(self)
            new = [variable for variable in variables if self._var_key(variable) not in known]
            if new:
                recorder.emit("adaptation", f"optimizer {type(self).__name__}",
                              "shared between models: further variables joined it")
                with tf.init_scope():
                    _extend(self, new)
        return apply(self, first, *args, **kwargs)

    setattr(base, name, apply_to_any)


def _optimizer_base(name):
    """The class of Keras' optimizers that defines ``name`` and knows variables by index."""
    for cls in keras.optimizers.Adam.__mro__[:-1]:
        if name in vars(cls) and (compat.KERAS_3 or "_build_index_dict" in dir(cls)):
            found = cls
    return found


def _is_built(optimizer):
    return bool(getattr(optimizer, "built" if compat.KERAS_3 else "_built", False))


def _known(optimizer):
    """Key of every variable that has slots -> its index."""
    return optimizer._trainable_variables_indices if compat.KERAS_3 else optimizer._index_dict


def _extend(optimizer, new):
    """Builds slots for ``new`` and puts them behind the ones that are there."""
    keys = dict(_known(optimizer))
    former = list(getattr(optimizer, "_trainable_variables", [])) if compat.KERAS_3 else None
    slots = {name: list(value) for name, value in vars(optimizer).items() if isinstance(value, list)
             and len(value) == len(keys) and name not in ("_variables", "_trainable_variables")}
    flag = "built" if compat.KERAS_3 else "_built"
    optimizer.__dict__[flag] = False
    optimizer.build(list(new))
    for name, held in slots.items():
        optimizer.__dict__[name] = held + list(getattr(optimizer, name))
    start = len(keys)
    keys.update((optimizer._var_key(variable), start + index) for index, variable in enumerate(new))
    if compat.KERAS_3:
        optimizer.__dict__["_trainable_variables_indices"] = keys
        optimizer.__dict__["_trainable_variables"] = former + list(new)
    else:
        optimizer.__dict__["_index_dict"] = keys
    optimizer.__dict__[flag] = True


def _accept_former_arguments(recorder):
    """``Adam(lr=1e-4, decay=1e-6)``: Keras 3 refuses both, Keras 2.15 refuses ``decay`` and ignores ``lr`` silently."""
    for name in ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"):
        cls = getattr(keras.optimizers, name)
        cls.__init__ = _former_arguments(cls.__init__, name, recorder)


def _former_arguments(init, name, recorder):
    @functools.wraps(init)
    def accept(self, *args, **kwargs):
        if "lr" in kwargs:
            kwargs["learning_rate"] = kwargs.pop("lr")
            recorder.emit("adaptation", f"{name}(lr=...)", "learning_rate")
        decay = kwargs.pop("decay", None)
        if decay:
            rate = kwargs.get("learning_rate", args[0] if args else inspect.signature(init).parameters[
                "learning_rate"].default)
            schedule = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
            args, kwargs["learning_rate"] = args[1:], schedule
            recorder.emit("adaptation", f"{name}(decay={decay:g})", "the same decay as a schedule of the learning rate")
        return init(self, *args, **kwargs)

    return accept


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


def _former_methods(recorder):
    """``fit_generator`` and its like, which Keras 3 dropped."""
    for name in ("fit", "predict", "evaluate"):
        if not hasattr(keras.Model, f"{name}_generator"):
            setattr(keras.Model, f"{name}_generator", _renamed(name, recorder))


def _renamed(name, recorder):
    def method(self, *args, **kwargs):
        recorder.emit("adaptation", f"{name}_generator", name)
        kwargs = {key: value for key, value in kwargs.items() if key not in (
            "workers", "use_multiprocessing", "max_queue_size")}
        if args and hasattr(args[0], "__next__"):
            args = ((batch for batch in args[0]), *args[1:])  # Keras 3 takes generators, no other iterators
        return getattr(self, name)(*args, **kwargs)

    return method


def _save_and_load(recorder, model_file):
    save = keras.Model.save

    @functools.wraps(save)
    def save_as_before(self, filepath, overwrite=True, save_format=None, include_optimizer=True, **kwargs):
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        suffix = Path(filepath).suffix
        if not compat.KERAS_3 or suffix == ".keras":
            kwargs = kwargs if save_format is None else {**kwargs, "save_format": save_format}
            return save(self, filepath, overwrite=overwrite, **kwargs)
        if suffix not in (".h5", ".hdf5") or save_format:
            recorder.emit("adaptation", f"save({Path(filepath).name!r}"
                          + (f", save_format={save_format!r})" if save_format else ")"), "as HDF5 under that very name")
        from keras.src.legacy.saving import legacy_h5_format

        return legacy_h5_format.save_model_to_hdf5(self, str(filepath), overwrite, include_optimizer)

    keras.Model.save = save_as_before
    if compat.KERAS_3:
        _save_weights(recorder)
        save_function = keras.models.save_model
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get("save_model") is save_function and ".src." not in module.__name__:
                module.save_model = lambda model, filepath, *args, **kwargs: model.save(filepath, *args, **kwargs)
    originals = {id(getattr(module, "load_model", None)) for module in (keras.models, keras.saving)} - {id(None)}
    load = keras.models.load_model

    @functools.wraps(load)
    def load_as_before(filepath, custom_objects=None, compile=True, **kwargs):
        path, model = model_file(filepath)
        if model is not None:
            return model
        if compat.KERAS_3 and path.is_dir():
            return _saved_model(path, recorder)
        if not (compat.KERAS_3 and path.is_file() and path.suffix != ".keras"):
            return load(str(path), custom_objects=custom_objects, compile=compile, **kwargs)
        return _from_hdf5(path, custom_objects, compile, recorder)

    # Modules that hold the function under this name, the lazily loaded ones of tf.keras among them.
    for module in list(sys.modules.values()):
        if id(getattr(module, "__dict__", {}).get("load_model")) in originals:
            module.load_model = load_as_before


def _save_weights(recorder):
    """Weights under any name, as Keras 2's HDF5; Keras 3 wants a name that ends in .weights.h5, and reads both."""
    save = keras.Model.save_weights

    @functools.wraps(save)
    def save_as_named(self, filepath, overwrite=True, **kwargs):
        if str(filepath).endswith(".weights.h5"):
            return save(self, filepath, overwrite=overwrite, **kwargs)
        import h5py
        from keras.src.legacy.saving import legacy_h5_format

        recorder.emit("adaptation", f"save_weights({Path(filepath).name!r})", "as Keras 2's HDF5 under that very name")
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(filepath, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, self)
        return None

    keras.Model.save_weights = save_as_named


def _from_hdf5(path, custom_objects, compile, recorder):
    from keras.src.legacy.saving import legacy_h5_format

    if path.suffix not in (".h5", ".hdf5"):
        recorder.emit("adaptation", f"load_model({path.name!r})", "as HDF5, without a suffix")
    try:
        return legacy_h5_format.load_model_from_hdf5(str(path), custom_objects=custom_objects, compile=compile)
    except (TypeError, ValueError) as error:
        if not compile:
            raise
        recorder.emit("adaptation", f"load_model({path.name!r})", "not compiled: its loss or metrics have names that "
                      f"Keras no longer knows ({str(error).splitlines()[0][:80]})")
        return legacy_h5_format.load_model_from_hdf5(str(path), custom_objects=custom_objects, compile=False)


def _saved_model(path, recorder):
    """Keras 3 reads a SavedModel only as a layer: good for prediction, not for training."""
    recorder.emit("adaptation", f"load_model({path.name!r})", "a SavedModel, for prediction only")
    layer = keras.layers.TFSMLayer(str(path), call_endpoint="serving_default")
    [signature] = layer._call_fn.structured_input_signature[1].values()
    inputs = keras.Input(signature.shape[1:], dtype=signature.dtype)
    outputs = layer(inputs)
    return compat.never_xla(keras.Model(inputs, next(iter(outputs.values())) if isinstance(outputs, dict) else outputs))


def _former_gates(recorder):
    """F31: a ConvLSTM's gates by Keras 2's hard sigmoid, its default; Keras 3's default and function are others."""
    for name in ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"):
        cls = getattr(keras.layers, name)
        cls.__init__ = _with_former_gate(cls.__init__, name, recorder)


def _with_former_gate(init, name, recorder):
    def build(self, filters, kernel_size, strides=1, padding="valid", **kwargs):  # Keras 3 reads the names: no *args
        if kwargs.get("recurrent_activation", "hard_sigmoid") == "hard_sigmoid":
            kwargs["recurrent_activation"] = legacy_hard_sigmoid
            recorder.emit("adaptation", f"{name} gates", "Keras 2's hard sigmoid, clip(0.2 x + 0.5), as it was")
        return init(self, filters, kernel_size, strides=strides, padding=padding, **kwargs)

    return build


# Names

def _vanished_names(recorder):
    """Layers, backend functions and the image generator that are gone, wherever notebooks look for them."""
    for module in [module for name, module in list(sys.modules.items())
                   if name.endswith("keras.layers") and module is not None]:
        for layer in (RandomWidth, RandomHeight):
            if not hasattr(module, layer.__name__):
                _lazily(module, layer.__name__, layer, recorder)
    _attach_modules()
    if not compat.KERAS_3:
        return
    from keras.src.legacy import backend
    from keras.src.legacy.preprocessing import image

    for name in dir(backend):
        if not name.startswith("_") and not hasattr(keras.backend, name):
            _lazily(keras.backend, name, getattr(backend, name), recorder)
    import keras.preprocessing.image as images

    for name in ("ImageDataGenerator", "Iterator", "NumpyArrayIterator", "DirectoryIterator"):
        if not hasattr(images, name) and hasattr(image, name):
            _lazily(images, name, getattr(image, name), recorder)


def _lazily(module, name, value, recorder):
    """Makes ``module.name`` give ``value`` and report it (where ``recorder`` is given).

    A module has one ``__getattr__``, which answers for all of its names.
    """
    table = module.__dict__.setdefault("_covid3dgan_names", {})
    if not table:
        former = module.__dict__.get("__getattr__")

        def attribute(wanted):
            if wanted in table:
                value, reporter = table[wanted]
                if reporter is not None:
                    reporter.emit("alias", f"{module.__name__}.{wanted}", "put back")
                return value
            if former is not None:
                return former(wanted)
            raise AttributeError(f"module {module.__name__!r} has no attribute {wanted!r}")

        module.__getattr__ = attribute
    table[name] = value, recorder


def _attach_modules():
    """``keras.layers.core`` as an attribute, for code that does not import it as a module; its import is reported."""
    for name in FORWARDED:
        parent, _, child = name.rpartition(".")
        if parent != "keras.layers" or hasattr(keras.layers, child):
            continue
        _lazily(keras.layers, child, _OnDemand(name), None)


class _OnDemand:
    """A module that is imported when a name of it is asked for."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self._name), attribute)
