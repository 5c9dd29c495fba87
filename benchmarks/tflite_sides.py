"""Three ways of running one published network on a CPU: Keras, this project's TFLite file, and a plain conversion."""

__all__ = ["sides_of"]

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.bench import median_after_first, wait_for_turn


def sides_of(part, build):
    """Side -> function of ``threads`` and ``repeats``, for ``build() -> keras.Model`` of a part of ``PARTS``."""
    return {
        "Keras float32": lambda **options: _keras(build, **options),
        "TFLite float32": lambda **options: _tflite(part, build, "float32", **options),
        "TFLite float16": lambda **options: _tflite(part, build, "float16", **options),
        "TFLite dynamic-int8": lambda **options: _tflite(part, build, "dynamic-int8", **options),
        "plain conversion with Flex": lambda **options: _flex(build, **options),
    }


def _inputs(network):
    rng = np.random.default_rng(0)
    return [rng.random((1, *tensor.shape[1:]), dtype=np.float32) for tensor in network.inputs]


def _keras(build, threads, repeats):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    network = build()
    inputs = [tf.constant(array) for array in _inputs(network)]
    forward = tf.function(lambda *arrays: network(arrays if len(arrays) > 1 else arrays[0], training=False))
    return {"seconds": median_after_first(lambda: forward(*inputs).numpy(), repeats)}


def _tflite(part, build, precision, threads, repeats):
    from covid3dgan.export.tflite import convert
    from covid3dgan.inference.exported.parts import PARTS, Exportable
    from covid3dgan.inference.exported.run_back import open_tflite

    network = build()
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in zip(PARTS[part].inputs, network.inputs)}
    inputs = dict(zip(shapes, _inputs(network)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(convert(Exportable(part, network, shapes, None, PARTS[part].cut, "benchmark"), precision))
        run, interpreter = open_tflite(path, threads)
        wait_for_turn()
        first = _seconds(lambda: run(inputs))
        return {"seconds": median_after_first(lambda: run(inputs), repeats),
                "note": f"first call {first:.2f} s; {interpreter}, {path.stat().st_size / 2**20:.1f} MiB"}


def _flex(build, threads, repeats):
    """What ``TFLiteConverter`` makes of the network as it is; interpreters without Flex cannot run it."""
    import tensorflow as tf

    network = build()
    concrete = tf.function(lambda *arrays: network(arrays if len(arrays) > 1 else arrays[0], training=False),
                           input_signature=[tf.TensorSpec((1, *tensor.shape[1:])) for tensor in network.inputs]
                           ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], network)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    try:
        interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=threads)
        interpreter.allocate_tensors()
    except Exception as error:  # whatever the converter or the interpreter raises: that is the result
        return {"skipped": f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"}
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.random.default_rng(0).random(detail["shape"], dtype=np.float32))
    wait_for_turn()
    first = _seconds(interpreter.invoke)
    return {"seconds": median_after_first(interpreter.invoke, min(repeats, 3)),
            "note": f"first call {first:.2f} s; tf.lite {tf.__version__}"}


def _seconds(step):
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
