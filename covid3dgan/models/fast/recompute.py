"""Recomputation: a network that keeps the activations at the borders of its levels and computes the others again."""

__all__ = ["Recomputed"]

import re

import keras
import tensorflow as tf

from covid3dgan import compat

# The layers of one level of the generators and segmenters share this part of their names.
_LEVEL = re.compile(r"((?:encoder|decoder)\d+|node\d\d)_")
# Layers that must run once per step: a second run would draw other random numbers or move averages twice.
_RUN_ONCE = (keras.layers.BatchNormalization, keras.layers.Dropout)


class Recomputed:
    """Calls a functional ``model`` level by level, each within ``tf.recompute_grad``.

    The numbers stay the same; the step takes about one more forward pass of the levels.

    Args:
        model: keras.Model whose layers are named by level (see ``_LEVEL``), the others run as they are.
    """

    def __init__(self, model):
        self.model = model
        self.pieces = [_Piece(*found) for found in _pieces(model)]

    def __call__(self, inputs, training=False):
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        values = {id(tensor): value for tensor, value in zip(self.model.inputs, inputs)}
        for piece in self.pieces:
            values.update(zip(map(id, piece.outputs), piece([values[id(t)] for t in piece.inputs], training)))
        outputs = [values[id(tensor)] for tensor in self.model.outputs]
        return outputs if len(outputs) > 1 else outputs[0]


class _Piece:
    """One level, or one layer that stands for itself: symbolic ``inputs`` -> ``outputs``."""

    def __init__(self, inputs, outputs, again):
        self.inputs, self.outputs, self.again = inputs, outputs, again
        self.model = compat.never_xla(keras.Model(inputs if len(inputs) > 1 else inputs[0],
                                                  outputs if len(outputs) > 1 else outputs[0]))

    def __call__(self, values, training):
        def run(*values):
            found = self.model(list(values) if len(values) > 1 else values[0], training=training)
            return tuple(found) if isinstance(found, (list, tuple)) else (found,)

        return (tf.recompute_grad(run) if self.again and training else run)(*values)


def _pieces(model):
    """(inputs, outputs, whether it is recomputed) of every piece, in an order in which they can run."""
    made, makers = {}, []
    given = {id(tensor) for tensor in model.inputs}

    def visit(tensor):
        if id(tensor) in given or id(tensor) in made:
            return
        layer, inputs, _ = compat.maker(tensor)
        for one in inputs:
            visit(one)
        made[id(tensor)] = layer
        makers.append((tensor, layer, inputs))

    for tensor in model.outputs:
        visit(tensor)
    names = {}
    for tensor, layer, _ in makers:
        level = _LEVEL.match(layer.name)
        names[id(tensor)] = level[1] if level and not isinstance(layer, _RUN_ONCE) else layer.name
    return _ordered(makers, names, model.outputs)


def _ordered(makers, names, final):
    """Pieces from (tensor, layer, inputs), each as soon as the pieces that it reads are there.

    A level that reads what another level makes of its own output would never be ready; it is cut into its layers.
    """
    groups = {}
    for tensor, layer, inputs in makers:
        groups.setdefault(names[id(tensor)], []).append((tensor, layer, inputs))
    found, done, waiting = [], set(), dict(groups)
    while waiting:
        ready = [name for name, members in waiting.items() if all(
            names.get(id(one), name) in done or names.get(id(one), name) == name
            for _, _, inputs in members for one in inputs)]
        if not ready:
            stuck = next(name for name, members in waiting.items() if len(members) > 1)
            return _ordered(makers, {**names, **{id(t): layer.name for t, layer, _ in groups[stuck]}}, final)
        for name in ready:
            members = waiting.pop(name)
            done.add(name)
            inside = {id(tensor) for tensor, _, _ in members}
            inputs = {id(one): one for _, _, reads in members for one in reads if id(one) not in inside}
            wanted = {id(one) for other, others in groups.items() if other != name
                      for _, _, reads in others for one in reads} | {id(one) for one in final}
            outputs = [tensor for tensor, _, _ in members if id(tensor) in wanted]
            found.append((list(inputs.values()), outputs, len(members) > 1))
    return found
