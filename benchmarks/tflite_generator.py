"""The published generator on one volume of 32x128x128: TFLite without Flex against Keras and the plain conversion."""

from benchmarks.bench import Bench
from benchmarks.tflite_sides import sides_of


def _build():
    from covid3dgan import models

    return models.build_generator()


BENCH = Bench(title="The generator on one volume (32x128x128)", unit="volume", baseline="Keras float32",
              sides=sides_of("generator", _build), options={"threads": 2, "repeats": 7}, quick={"repeats": 3},
              quick_sides=("Keras float32", "TFLite float32"))
