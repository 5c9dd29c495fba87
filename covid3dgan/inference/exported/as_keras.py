"""The Keras network of an exported segmenter, its weights read back out of the TFLite file, so that it can learn on.

The file alone is enough: nothing beside it can be lost, or belong to another one.
"""

__all__ = ["segmenter_of_file"]

import dataclasses

import numpy as np

from covid3dgan import presets
from covid3dgan.errors import InputError
from covid3dgan.inference.exported import tflite_file
from covid3dgan.inference.exported.network import open_exported

LARGEST_DIFFERENCE = 1e-4  # of the scores of file and network, as for an export
PROBE_SEED = 0


@dataclasses.dataclass
class _Convolution:
    """A convolution of a TFLite file and what the file multiplies and adds per channel behind it."""

    kernel: np.ndarray  # (outputs, rows, columns, inputs)
    bias: np.ndarray
    transposed: bool
    scale: np.ndarray
    shift: np.ndarray


def segmenter_of_file(path):
    """The network of a float32 TFLite file as a ``keras.Model`` (B, H, W, 1) -> scores, and its preset in full.

    Batch normalisations come back as the scale and shift that the file has of them, with a mean of 0 and a variance of
    1: in inference they compute the same.

    Raises:
        InputError: not a segmenter of plain convolutions in float32, or weights that do not give the file's scores.
    """
    # Keras is loaded only where it is needed: all else of this room does without.
    from covid3dgan import compat
    from covid3dgan.models.from_presets import segmenter_network

    exported = open_exported(path)
    metadata = exported.metadata
    if metadata["part"] != "segmenter":
        raise InputError(path, "an exported segmenter", metadata["part"], "name another file, or its run")
    preset = presets.from_dict(metadata["preset"])
    convolutions = tflite_file.read_graph(path, _convolutions)
    if convolutions is None or preset.segmenter.merge != "concatenate":
        raise InputError(path, "a float32 TFLite file of a segmenter with segmenter.merge=concatenate",
                         f"{metadata.get('precision', 'float32')} weights, segmenter.merge={preset.segmenter.merge}",
                         "name the run that it was exported from")
    with compat.precision("float32"):
        network = segmenter_network(preset.segmenter, exported.input_shape[1:3])
    _fill(network, convolutions, path)
    probe = np.random.default_rng(PROBE_SEED).random((1, *exported.input_shape[1:])).astype(np.float32)
    difference = float(np.abs(np.asarray(network(probe, training=False)) - exported(probe)).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise InputError(path, "weights that give the file's own scores", f"scores that differ by {difference:.2g}",
                         "name the run that it was exported from, and report this as a fault")
    return network, preset


def _convolutions(model, schema):
    """The :class:`_Convolution` of each in the order of their computation; None where weights are not float32."""
    graph, codes = model.Subgraphs(0), schema.BuiltinOperator
    found = []
    for operator in (graph.Operators(index) for index in range(graph.OperatorsLength())):
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        inputs = [_constant(model, graph, number, schema) for number in operator.InputsAsNumpy()]
        if code in (codes.CONV_2D, codes.TRANSPOSE_CONV):
            kernel, bias = (inputs[1], inputs[2]) if code == codes.CONV_2D else (inputs[1], inputs[3])
            if kernel is None or bias is None:
                return None
            found.append(_Convolution(kernel, bias, code == codes.TRANSPOSE_CONV, np.float32(1), np.float32(0)))
        elif code == codes.DEPTH_TO_SPACE:  # a transposed convolution in other words, see export/twins2d.py
            last = found[-1]
            last.kernel = last.kernel.reshape(2, 2, -1, last.kernel.shape[-1]).transpose(2, 0, 1, 3)
            last.bias, last.transposed = last.bias[:len(last.kernel)], True
        elif code in (codes.MUL, codes.ADD) and len([value for value in inputs if value is not None]) == 1:
            [value] = [value for value in inputs if value is not None]
            if code == codes.MUL:
                found[-1].scale, found[-1].shift = found[-1].scale * value, found[-1].shift * value
            else:
                found[-1].shift = found[-1].shift + value
    return found


def _constant(model, graph, number, schema):
    """The float32 numbers of a tensor that the file holds; None where it holds none."""
    tensor = graph.Tensors(number) if number >= 0 else None
    if tensor is None or tensor.Type() != schema.TensorType.FLOAT32:
        return None
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return None
    return np.frombuffer(buffer.DataAsNumpy().tobytes(), np.float32).reshape(tensor.ShapeAsNumpy())


def _fill(network, convolutions, path):
    """Gives the network's layers the weights, one convolution after the other: each of them feeds the next."""
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.BatchNormalization)
    layers = [layer for layer in network.layers if isinstance(layer, kinds)]
    waiting, last = list(convolutions), None
    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            ones = np.ones(layer.weights[0].shape, np.float32)
            layer.set_weights([last.scale * ones, last.shift * ones, 0 * ones, ones - np.float32(layer.epsilon)])
            continue
        last = waiting.pop(0) if waiting else None
        upward = isinstance(layer, keras.layers.Conv2DTranspose)
        if last is None or last.transposed != upward:
            raise InputError(path, f"the weights of {layer.name}", "another network's", "name the run of this network")
        # Keras keeps (rows, columns, inputs, outputs), of a transposed one (rows, columns, outputs, inputs).
        kernel = last.kernel.transpose((1, 2, 0, 3) if upward else (1, 2, 3, 0))
        if kernel.shape != tuple(layer.weights[0].shape):
            raise InputError(path, f"weights of shape {tuple(layer.weights[0].shape)} for {layer.name}",
                             f"{kernel.shape}", "name the run of this network")
        layer.set_weights([kernel, last.bias])
