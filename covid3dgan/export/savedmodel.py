"""SavedModels that need TensorFlow alone: named signatures, any batch size, metadata beside the graph."""

__all__ = ["write_saved_model"]

from pathlib import Path

import tensorflow as tf

from covid3dgan import compat
from covid3dgan.export.graph import INFERENCE_RULES, run_graph
from covid3dgan.files import write_json
from covid3dgan.inference.exported.layout import METADATA


def write_saved_model(exportable, path):
    """Writes the network of an :class:`~covid3dgan.inference.exported.parts.Exportable` to the folder ``path``.

    Signatures: ``serving_default`` and the part's own name (``segment``, ``generate``, ...), which are the same.
    """
    network, spec = exportable.network, exportable.spec

    def forward(*inputs):
        return exportable.named(run_graph(network, inputs, INFERENCE_RULES))

    module = tf.Module(name=exportable.part.replace("-", "_"))
    module.weights = compat.tf_variables(network)
    signature = [tf.TensorSpec(tensor.shape, tf.float32, name) for name, tensor in zip(spec.inputs, network.inputs)]
    module.forward = tf.function(forward, autograph=False, input_signature=signature)
    concrete = module.forward.get_concrete_function()
    tf.saved_model.save(module, str(path), signatures={"serving_default": concrete, spec.method: concrete})
    write_json(Path(path) / METADATA, exportable.metadata())
