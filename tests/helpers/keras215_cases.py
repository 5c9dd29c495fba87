"""Small networks whose weights and inputs are numbered, so that any environment can build the same ones."""

import zlib

import keras
import numpy as np

from covid3dgan import models
from covid3dgan.models.blocks import convlstm


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
    # By position, so that equal outputs also prove that a list of weights means the same in both environments.
    network.set_weights([_weight(f"{name} weight {i}", weight.shape) for i, weight in enumerate(network.weights)])
    inputs = [_numbers(f"{name} input {i}", (2, *tensor.shape[1:])) for i, tensor in enumerate(network.inputs)]
    return np.asarray(network(inputs if len(inputs) > 1 else inputs[0], training=False))


def _weight(name, shape):
    """Kernels that keep the size of what flows through them; vectors are positive because a variance must be."""
    value = _numbers(name, shape)
    return 1.2 * value / np.sqrt(np.prod(shape[:-1])) if len(shape) > 1 else 0.1 + 0.1 * np.abs(value)


def _numbers(name, shape):
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
