"""Small networks whose weights and inputs follow from their names, so that any environment can build the same ones."""

import zlib

import keras
import numpy as np

from covid3dgan import models
from covid3dgan.models import convlstm


def _convlstm_alone():
    pair = keras.Input((2, 8, 8, 3))
    return keras.Model(pair, convlstm.ConvLSTM2D(4, 2, go_backwards=True, name="merge")(pair))


CASES = {
    "convlstm": _convlstm_alone,
    "segmenter": lambda: models.build_segmenter((16, 16, 1), width=4),
    "contrastive": lambda: models.build_contrastive_encoder(8, input_shape=(16, 16, 1), width=4),
    "generator": lambda: models.build_generator(input_shape=(16, 16, 16, 1), width=2),
    "unetpp": lambda: models.build_generator("unetpp", input_shape=(16, 16, 16, 1), width=2),
    "discriminator": lambda: models.build_discriminator(input_shape=(16, 32, 32, 1), width=8),
}


def run(name):
    """The network's output on its inputs, as an array."""
    network = CASES[name]()
    for layer in network.layers:
        _fill(layer)
    inputs = [_numbers(f"{name} input {i}", tensor.shape[1:], batch=2) for i, tensor in enumerate(network.inputs)]
    return np.asarray(network(inputs if len(inputs) > 1 else inputs[0], training=False))


def _fill(layer):
    if isinstance(layer, keras.Sequential):
        for inner in layer.layers:
            _fill(inner)
        return
    values = []
    for index, weight in enumerate(layer.weights):
        value = _numbers(f"{layer.name} {index}", weight.shape)
        # Vectors stay positive because a variance must be; kernels keep the size of what flows through them.
        values.append(1.5 * value / np.sqrt(np.prod(value.shape[:-1])) if value.ndim > 1 else 0.1 + 0.1 * np.abs(value))
    layer.set_weights(values)


def _numbers(name, shape, batch=None):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return rng.standard_normal((() if batch is None else (batch,)) + tuple(shape)).astype(np.float32)
