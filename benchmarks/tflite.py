"""One inference call in Keras float32 and in the exported TFLite file: a slice's segmenter, a volume's generator.

Both sides take a batch of one on all cores. The networks are untrained, which changes no time.
"""

import functools
import os

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, median_after_first


def _network(kind):
    from covid3dgan.training.train_gan import load_generator
    from covid3dgan.training.train_segmenter import load_segmenter

    return (load_segmenter(material.segmenter_run()).network if kind == "segmenter"
            else load_generator(material.gan_run())[0])


def in_keras(kind, repeats):
    import tensorflow as tf

    network = _network(kind)
    rng = np.random.default_rng(0)
    inputs = [tf.constant(rng.random((1, *tensor.shape[1:]), np.float32)) for tensor in network.inputs]
    call = tf.function(lambda *values: network(list(values) if len(values) > 1 else values[0], training=False),
                       jit_compile=False)
    return {"seconds": median_after_first(lambda: call(*inputs).numpy(), repeats)}


def in_tflite(kind, repeats):
    from covid3dgan.export.run_back import interpreter_class

    Interpreter, name = interpreter_class()
    interpreter = Interpreter(model_path=str(material.tflite_file(kind)), num_threads=os.cpu_count())
    interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], rng.random(detail["shape"], np.float32))
    return {"seconds": median_after_first(interpreter.invoke, repeats), "note": name}


BENCH = Bench("one inference call, Keras and TFLite", "call",
              {"segmenter 128x128, Keras": functools.partial(in_keras, "segmenter"),
               "segmenter 128x128, TFLite": functools.partial(in_tflite, "segmenter"),
               "generator 32x128x128, Keras": functools.partial(in_keras, "gan"),
               "generator 32x128x128, TFLite": functools.partial(in_tflite, "gan")},
              baseline=None, options={"repeats": 9}, quick={"repeats": 2},
              quick_sides=("segmenter 128x128, Keras", "segmenter 128x128, TFLite"))
