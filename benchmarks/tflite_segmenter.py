"""The published segmenter on one slice of 128x128: TFLite without Flex against Keras and the plain conversion."""

from benchmarks.bench import Bench
from benchmarks.tflite_sides import sides_of


def _build():
    from covid3dgan import models

    return models.build_segmenter()


BENCH = Bench(title="The segmenter on one slice (128x128)", unit="slice", baseline="Keras float32",
              sides=sides_of("segmenter", _build), options={"threads": 2, "repeats": 30}, quick={"repeats": 10},
              quick_sides=("Keras float32", "TFLite float32"))
