"""Everything that a training step reads and writes, as plain arrays and back.

A resumed run equals an uninterrupted one only if nothing is forgotten: weights, optimizer slots, the state of
dropout's random generators. Data positions need no saving (see data/batches/pipelines.py).
"""

__all__ = ["capture", "kept_step", "put_back", "put_kept_weights", "put_weights", "restore"]

from covid3dgan import compat
from covid3dgan.errors import InputError


def capture(models, optimizers):
    """All variables as name -> numpy array.

    Args:
        models: name -> keras.Model.
        optimizers: name -> optimizer, already built.
    """
    return {key: compat.variable_value(variable) for key, variable in _variables(models, optimizers).items()}


def restore(models, optimizers, arrays, source):
    """Puts captured arrays back; every name and shape must fit.

    Args:
        source: the checkpoint's path, for the error's sentence.
    """
    put_back(_variables(models, optimizers), arrays, source)


def put_back(variables, arrays, source):
    """Assigns arrays to variables of the same names, after checking that all of them fit."""
    missing, surplus = sorted(set(variables) - set(arrays)), sorted(set(arrays) - set(variables))
    wrong = [f"{key} {arrays[key].shape} for {tuple(variables[key].shape)}" for key in variables
             if key in arrays and tuple(arrays[key].shape) != tuple(variables[key].shape)]
    if missing or surplus or wrong:
        problems = "; ".join(f"{word} {', '.join(items[:3])}" for word, items in
                             (("lacks", missing), ("has unknown", surplus), ("has", wrong)) if items)
        raise InputError(source, "the variables of this preset's networks", f"a checkpoint that {problems}",
                         "use the preset and the environment that made it")
    for key, variable in variables.items():
        variable.assign(arrays[key])


def put_weights(model, name, arrays, source):
    """Gives ``model`` the weights of the network ``name`` out of a checkpoint's arrays."""
    prefix = f"{name}/weights/"
    put_back({f"{prefix}{i:04d}": variable for i, variable in enumerate(model.weights)},
             {key: value for key, value in arrays.items() if key.startswith(prefix)}, source)


def put_kept_weights(model, keep, arrays, source, last="network"):
    """The best weights where they are wanted and a validation has chosen any, else those of the network ``last``."""
    put_weights(model, "best" if kept_step(keep, arrays) else last, arrays, source)


def kept_step(keep, arrays):
    """The step of the best weights where they are wanted and a validation has chosen any, else 0."""
    return int(arrays["score/weights/0001"]) if keep == "best" else 0


def _variables(models, optimizers):
    found = {}
    for name, model in models.items():
        for i, variable in enumerate(model.weights):
            found[f"{name}/weights/{i:04d}"] = variable
        for i, variable in enumerate(compat.random_state_variables(model)):
            found[f"{name}/random/{i:04d}"] = variable
    for name, optimizer in optimizers.items():
        for i, variable in enumerate(compat.optimizer_variables(optimizer)):
            found[f"{name}/optimizer/{i:04d}"] = variable
    return found
