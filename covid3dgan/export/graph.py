"""Runs a functional ``keras.Model`` layer by layer, with another rule in the place of some layers' own code."""

__all__ = ["INFERENCE_RULES", "run_graph"]

import functools
import operator

import keras
import tensorflow as tf

from covid3dgan import compat


def run_graph(model, inputs, rules):
    """What ``model`` computes in inference of ``inputs``, in the structure of its outputs.

    Args:
        model: a functional ``keras.Model``; models inside it are entered.
        inputs: tensors in the order of ``model.inputs``; their shapes may be more definite than the model's.
        rules: class name of a layer -> function(layer, inputs) -> output that replaces the layer's own code. The
            classes of layers without a rule are called with ``training=False`` where they take it.
    """
    known = {_key(symbol): tensor for symbol, tensor in zip(model.inputs, inputs)}
    structure = compat.outputs_structure(model)
    waiting = list(tf.nest.flatten(structure))
    while waiting:  # not recursive: the deepest networks have more layers than Python has stack
        symbol = waiting[-1]
        if _key(symbol) in known:
            waiting.pop()
            continue
        layer, parents, _ = compat.maker(symbol)
        missing = [parent for parent in parents if _key(parent) not in known]
        if missing:
            waiting.extend(missing)
            continue
        values = tf.nest.flatten(_apply(layer, [known[_key(parent)] for parent in parents], rules))
        for position, value in enumerate(values):
            known[_key(symbol, position)] = value
    return tf.nest.map_structure(lambda symbol: known[_key(symbol)], structure)


def _key(symbol, position=None):
    layer, call, own = symbol._keras_history[:3]
    return id(layer), call, own if position is None else position


def _apply(layer, inputs, rules):
    rule = rules.get(type(layer).__name__)
    if rule is not None:
        return rule(layer, inputs)
    if isinstance(layer, keras.Model):
        return run_graph(layer, inputs, rules)
    return layer(*inputs)


def _same(layer, inputs):
    return inputs[0]


# Layers that are called with a list, and layers that do nothing in inference but would leave the state of a random
# generator in the graph.
INFERENCE_RULES = {
    "Concatenate": lambda layer, inputs: tf.concat(inputs, layer.axis),
    "Add": lambda layer, inputs: functools.reduce(operator.add, inputs),
    "Multiply": lambda layer, inputs: functools.reduce(operator.mul, inputs),
    "BatchNormalization": lambda layer, inputs: layer(inputs[0], training=False),
    **{name: _same for name in ("Dropout", "RandomFlip", "RandomRotation", "RandomWidth", "RandomHeight")},
}
