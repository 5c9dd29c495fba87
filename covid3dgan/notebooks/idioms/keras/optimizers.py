"""Optimizers as Keras 2.7 had them: shared between models, with ``lr`` and ``decay``."""

__all__ = ["install_optimizers"]

import functools
import inspect

import keras
import tensorflow as tf

from covid3dgan import compat


def install_optimizers(recorder):
    """Changes the optimizers of Keras in this process; ``recorder`` gets an event at every use."""
    _share_optimizers(recorder)
    _accept_former_arguments(recorder)


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
        if type(kwargs.get("learning_rate")) is int:  # Keras 3 takes no whole number
            kwargs["learning_rate"] = float(kwargs["learning_rate"])
        decay = kwargs.pop("decay", None)
        if decay:
            rate = kwargs.get("learning_rate", args[0] if args else inspect.signature(init).parameters[
                "learning_rate"].default)
            schedule = keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay)
            args, kwargs["learning_rate"] = args[1:], schedule
            recorder.emit("adaptation", f"{name}(decay={decay:g})", "the same decay as a schedule of the learning rate")
        return init(self, *args, **kwargs)

    return accept
