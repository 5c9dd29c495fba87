"""What a TFLite file says of itself: its operations, and the metadata that this package puts into it.

Read with the schema alone: neither TensorFlow nor an interpreter needs to be loaded where ai-edge-litert is installed.
"""

__all__ = ["operations", "read_graph", "read_metadata", "with_metadata"]

import importlib
import json
import struct
from pathlib import Path

from covid3dgan.errors import InputError

ENTRY = "covid3dgan"  # the name of our metadata
TENSORFLOWS_SCHEMA = "tensorflow.lite.python.schema_py_generated"
IDENTIFIER = b"TFL3"  # at byte 4 of every TFLite file


def with_metadata(content, metadata):
    """The bytes of a TFLite file with ``metadata`` (JSON content) in it."""
    from tensorflow.lite.tools import flatbuffer_utils

    schema = importlib.import_module(TENSORFLOWS_SCHEMA)
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(metadata).encode())
    entry.name, entry.buffer = ENTRY, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def operations(path):
    """Operation -> how often, in all graphs of a TFLite file; custom ones, Flex among them, as ``CUSTOM:name``."""
    schema = _schema()
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}

    def count(model):
        counts = {}
        for graph in (model.Subgraphs(number) for number in range(model.SubgraphsLength())):
            for index in range(graph.OperatorsLength()):
                code = model.OperatorCodes(graph.Operators(index).OpcodeIndex())
                name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
                name = f"CUSTOM:{code.CustomCode().decode()}" if name == "CUSTOM" else name
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items()))

    return _read(path, schema, count)


def read_metadata(path):
    """What ``with_metadata`` put into a TFLite file."""
    def find(model):
        for entry in (model.Metadata(index) for index in range(model.MetadataLength())):
            if entry.Name() == ENTRY.encode():
                return json.loads(model.Buffers(entry.Buffer()).DataAsNumpy().tobytes())
        return None

    found = _read(path, _schema(), find)
    if found is None:
        raise InputError(path, "a TFLite file with covid3dgan's metadata", "one without",
                         "export the model with covid3dgan export")
    return found


def read_graph(path, question):
    """What ``question(model, schema)`` finds in a TFLite file; an InputError where the file is damaged."""
    schema = _schema()
    return _read(path, schema, lambda model: question(model, schema))


def _read(path, schema, question):
    content = Path(path).read_bytes()
    if content[4:8] != IDENTIFIER:
        raise InputError(path, "a TFLite file", f"{len(content)} bytes of another kind", "check the path")
    try:
        return question(schema.Model.GetRootAs(content, 0))
    except (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise InputError(path, "a whole TFLite file", f"a damaged one ({type(error).__name__})",
                         "copy or export it again") from error


def _schema():
    """TFLite's generated schema: ai-edge-litert's, else TensorFlow's."""
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError:
        return importlib.import_module(TENSORFLOWS_SCHEMA)
