"""A functional model built anew from the same layers, some of them replaced."""

__all__ = ["rebuild"]

import keras

from covid3dgan import compat


def rebuild(model, replace, name, more_inputs=()):
    """A model of the layers of ``model``, so of the same weights, with other calls in the place of some.

    Args:
        model: a functional keras.Model, none of whose layers needs arguments other than its inputs.
        replace: (layer, inputs, again) -> the symbolic output instead of that layer's, or None to call it as it is.
            ``inputs`` are tensors of ``model``; ``again`` gives the new model's tensor for one of them.
        name: of the new model.
        more_inputs: further symbolic inputs, after those of ``model``; ``replace`` may append to this list.
    """
    made = {id(tensor): tensor for tensor in model.inputs}

    def again(tensor):
        if id(tensor) not in made:
            layer, inputs, position = compat.maker(tensor)
            outputs = replace(layer, inputs, again)
            if outputs is None:
                values = [again(one) for one in inputs]
                outputs = layer(values if len(values) > 1 else values[0])
            made[id(tensor)] = outputs[position] if isinstance(outputs, (list, tuple)) else outputs
        return made[id(tensor)]

    outputs = [again(tensor) for tensor in model.outputs]
    return compat.never_xla(keras.Model([*model.inputs, *more_inputs], outputs if len(outputs) > 1 else outputs[0],
                                        name=name))
