"""Runs an exported model in a process of its own, with an interpreter and without covid3dgan.

    python run_back.py MODEL IN.npz OUT.npz FACTS.json [--repeats N] [--threads N]

MODEL is a ``.tflite`` file or a SavedModel's folder. IN.npz holds arrays ``CASE/INPUT`` with a batch axis of 1; OUT.npz
gets ``CASE/OUTPUT``, and ``batch/CASE/OUTPUT`` from a SavedModel, which also sees all cases as one batch. FACTS.json
says what ran and how long one call takes. Nothing of the package is imported: what runs here runs without it.
"""

__all__ = ["interpreter_class", "open_saved_model", "open_tflite"]

import argparse
import importlib.metadata
import json
import sys
import time

import numpy as np


def interpreter_class():
    """(TFLite's Interpreter, the name and version of the package that has it): ai-edge-litert, else TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter

        package = "ai-edge-litert"
    except ImportError:
        import tensorflow as tf

        Interpreter, package = tf.lite.Interpreter, "tensorflow"
    return Interpreter, f"{package} {importlib.metadata.version(package)}"


def open_tflite(path, threads=None):
    """(function from inputs by name to outputs by name, the interpreter's name) for a ``.tflite`` file."""
    Interpreter, name = interpreter_class()
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()  # says here, not at the first call, what it uses
    signature = interpreter.get_signature_runner("serving_default")

    def run(inputs):
        return {key: np.array(value) for key, value in signature(**inputs).items()}

    run.interpreter = interpreter  # the signature alone does not keep it alive
    return run, name


def open_saved_model(path):
    """The same of a SavedModel's folder; any batch size."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]

    def run(inputs):
        outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    run.model = loaded
    return run, f"tensorflow {tf.__version__}"


def _main(arguments):
    is_tflite = arguments.model.endswith(".tflite")
    if is_tflite:
        run, interpreter = open_tflite(arguments.model, arguments.threads)
    else:
        run, interpreter = open_saved_model(arguments.model)
    cases = {}
    with np.load(arguments.inputs, allow_pickle=False) as archive:
        for key in archive.files:
            case, _, name = key.partition("/")
            cases.setdefault(case, {})[name] = archive[key]
    found = {f"{case}/{name}": value for case, inputs in cases.items() for name, value in run(inputs).items()}
    if not is_tflite:
        together = run({name: np.concatenate([inputs[name] for inputs in cases.values()])
                        for name in next(iter(cases.values()))})
        found.update({f"batch/{case}/{name}": value[i:i + 1] for name, value in together.items()
                      for i, case in enumerate(cases)})
    times, last = [], list(cases.values())[-1]
    for _ in range(arguments.repeats):
        started = time.perf_counter()
        run(last)
        times.append(time.perf_counter() - started)
    np.savez(arguments.outputs, **found)
    with open(arguments.facts, "w", encoding="utf-8") as handle:
        json.dump({"interpreter": interpreter, "seconds": float(np.median(times)), "repeats": arguments.repeats,
                   "threads": arguments.threads}, handle)


if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder, whose modules are the package's
    sys.modules["covid3dgan"] = None  # importing it fails from here on
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "inputs", "outputs", "facts"):
        parser.add_argument(name)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    _main(parser.parse_args())
