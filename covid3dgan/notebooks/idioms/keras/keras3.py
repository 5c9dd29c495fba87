"""Idioms of Keras 2 that Keras 3 alone refuses: TensorFlow's functions on symbolic tensors, callbacks, former names."""

__all__ = ["install_keras3"]

import functools
import inspect

import keras
import tensorflow as tf

from covid3dgan.models.blocks.convlstm import legacy_hard_sigmoid
from covid3dgan.notebooks.idioms.former_names import keras_modules, put_back

_SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
          "msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "logcosh": "log_cosh",
          "kullback_leibler_divergence": "kl_divergence"}


def install_keras3(recorder):
    """Changes Keras 3 in this process; ``recorder`` gets an event at every use."""
    _former_gates(recorder)
    _former_callbacks(recorder)
    _former_arguments(recorder)
    _short_names(recorder)
    _former_optimizers(recorder)
    _backend_function(recorder)
    _tensorflow_functions(recorder)
    _shapes()


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


def _former_callbacks(recorder):
    """``ModelCheckpoint`` with any file name and ``period``, ``TensorBoard(batch_size=...)``."""
    for name in ("ModelCheckpoint", "TensorBoard"):
        cls = getattr(keras.callbacks, name)
        cls.__init__ = _with_known_arguments(cls.__init__, name, recorder)


def _with_known_arguments(init, name, recorder):
    known = set(inspect.signature(init).parameters)

    @functools.wraps(init)
    def accept(self, *args, **kwargs):
        for former in set(kwargs) - known:
            recorder.emit("adaptation", f"{name}({former}=...)", "left out: this Keras has no such argument")
            kwargs.pop(former)
        if name != "ModelCheckpoint":
            return init(self, *args, **kwargs)
        given = inspect.signature(init).bind(self, *args, **kwargs)
        path = str(given.arguments["filepath"])
        given.arguments["filepath"] = path + (".weights.h5" if given.arguments.get("save_weights_only") else ".keras")
        init(*given.args, **given.kwargs)
        self.filepath = path  # what is saved under it is HDF5, see `saving`
        return None

    return accept


def _former_arguments(recorder):
    """``fit(..., workers=4)``: how many threads feed a model was an argument of its methods."""
    for name in ("fit", "evaluate", "predict"):
        setattr(keras.Model, name, _without_workers(getattr(keras.Model, name), name, recorder))
    # A Sequential that was trained says that it was never called.
    keras.Sequential.output = property(lambda self: self.outputs[0])
    keras.Sequential.input = property(lambda self: self.inputs[0])


def _without_workers(method, name, recorder):
    @functools.wraps(method)
    def accept(self, *args, **kwargs):
        for former in ("workers", "use_multiprocessing", "max_queue_size"):
            if former in kwargs:
                recorder.emit("adaptation", f"{name}({former}=...)", "left out: this Keras has no such argument")
                kwargs.pop(former)
        return method(self, *args, **kwargs)

    return accept


def _short_names(recorder):
    """``keras.losses.mse`` and its like."""
    for module in keras_modules("losses", "metrics"):
        for short, name in _SHORT.items():
            for wanted in (short, short.upper()):
                if not hasattr(module, wanted) and hasattr(module, name):
                    put_back(module, wanted, getattr(module, name), recorder, name)


def _former_optimizers(recorder):
    """``optimizers.legacy``, which here only says that it is gone, and the session of a GPU's set-up."""
    for module in keras_modules("optimizers.legacy"):
        for name in ("Adagrad", "Adam", "Ftrl", "RMSprop", "SGD"):
            module.__dict__.pop(name, None)
            put_back(module, name, getattr(keras.optimizers, name), recorder, f"keras.optimizers.{name}")
    for module in keras_modules("backend"):
        for name in ("set_session", "get_session"):
            if not hasattr(module, name):
                put_back(module, name, lambda *args: None, recorder, "nothing: there are no sessions")


def _backend_function(recorder):
    """``K.function([model.input], [layer.output])``: a model of those."""
    def function(inputs, outputs, **kwargs):
        model = keras.Model(inputs, outputs)

        def call(values):
            given = [tf.convert_to_tensor(value, tensor.dtype) for value, tensor in zip(values, inputs)]
            return [keras.ops.convert_to_numpy(part) for part in tf.nest.flatten(model(given))]

        return call

    for module in keras_modules("backend"):
        if not hasattr(module, "function"):
            put_back(module, "function", function, recorder, "a model from these inputs to these outputs")


# TensorFlow's functions in a functional model

def _tensorflow_functions(recorder):
    """``tf.concat([a, b], -1)`` of symbolic tensors becomes an operation of the model, as Keras 2 did by itself."""
    dispatch = tf.__internal__.dispatch

    class Functions(dispatch.GlobalOpDispatcher):
        def handle(self, op, args, kwargs):
            if not any(isinstance(part, keras.KerasTensor) for part in tf.nest.flatten([args, kwargs])):
                return self.NOT_SUPPORTED
            operation = TensorFlowFunction(_name_of(op), op=op)
            recorder.emit("adaptation", f"tf.{operation.function} in a model",
                          "as an operation of its own, as Keras 2 did by itself")
            return operation(*args, **kwargs)

    Functions().register()


def _name_of(op):
    from tensorflow.python.util import tf_export

    return tf_export.get_canonical_name_for_symbol(op) or op.__name__


@keras.saving.register_keras_serializable("covid3dgan")
class TensorFlowFunction(keras.Operation):
    """A function of TensorFlow as an operation of a functional model.

    Args:
        function: its public name below ``tf``, such as "math.reduce_mean".
        op: the function itself, where it is at hand.
        name: the operation's.
    """

    def __init__(self, function, op=None, name=None):
        super().__init__(name=name)
        self.function = function
        self._op = op if op is not None else functools.reduce(getattr, function.split("."), tf)

    def call(self, *args, **kwargs):
        """The function."""
        return self._op(*args, **kwargs)

    def compute_output_spec(self, *args, **kwargs):
        """Shape and type, from a trace."""
        from keras.src import backend

        return backend.compute_output_spec(self._op, *args, **kwargs)

    def get_config(self):
        """The names."""
        return {"function": self.function, "name": self.name}


# Shapes

class _Shape(tuple):
    """A shape that answers ``as_list()``, too."""

    rank = property(len)

    def as_list(self):
        """The sizes as a list."""
        return list(self)


def _shapes():
    """``x.shape.as_list()``, ``x.get_shape()``."""
    symbolic = keras.KerasTensor
    former = symbolic.shape
    symbolic.shape = property(lambda self: _Shape(former.fget(self)), former.fset)
    symbolic.get_shape = lambda self: self.shape
