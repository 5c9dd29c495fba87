"""TFLite files of built-in operations alone, from twins of the networks that share their weights."""

__all__ = ["PRECISIONS", "convert"]

import contextlib
import os
import sys
import tempfile

import tensorflow as tf

from covid3dgan import compat
from covid3dgan.export import twins2d, twins3d
from covid3dgan.export.graph import INFERENCE_RULES, run_graph
from covid3dgan.inference.exported.tflite_file import with_metadata

PRECISIONS = ("float32", "float16", "dynamic-int8")
RULES = {**INFERENCE_RULES, **twins3d.VOLUME_RULES, **twins2d.SLICE_RULES}


def convert(exportable, precision="float32"):
    """The network of an :class:`~covid3dgan.inference.exported.parts.Exportable` as the bytes of a TFLite file.

    Batch size 1; signature ``serving_default`` with the part's names of inputs and outputs.

    Args:
        precision: of the weights: "float32", "float16", or "dynamic-int8" (8-bit weights; activations stay float and
            are rounded on the fly).
    """
    with _quietly():
        twin = _twin(exportable)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([twin.forward.get_concrete_function()], twin)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    return with_metadata(content, {**exportable.metadata(), "precision": precision})


def _twin(exportable):
    """A ``tf.Module`` whose ``forward`` takes a batch of one in shapes that are all known."""
    volumes = exportable.spec.domain == "volume"

    def forward(*inputs):
        inputs = [twins3d.as_slices(tensor) for tensor in inputs] if volumes else inputs
        outputs = exportable.named(run_graph(exportable.network, inputs, RULES))
        return {name: twins3d.as_volume(value) if volumes else value for name, value in outputs.items()}

    module = tf.Module()
    module.weights = compat.tf_variables(exportable.network)
    module.forward = tf.function(forward, autograph=False, input_signature=[
        tf.TensorSpec((1, *shape), tf.float32, name) for name, shape in exportable.shapes.items()])
    return module


@contextlib.contextmanager
def _quietly():
    """Keeps the converter's own report off the terminal; shows it where the conversion fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
