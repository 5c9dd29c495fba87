"""One iteration of the demo's GAN: weight gradients padded, with the zeros written out, and with oneDNN off."""

import functools

from benchmarks.bench import Bench
from benchmarks.gan_step import ours


def step(written_out, batch, iterations, shape):
    """``ours`` with one of the two ways forced; where kernels.written_out_zeros_are_faster, it is what runs."""
    from covid3dgan import kernels

    chosen = kernels.written_out_zeros_are_faster()
    kernels.written_out_zeros_are_faster = lambda: written_out
    return {**ours("float32", "shabani/demo", batch, iterations, shape),
            "note": "what runs on this machine" if chosen == written_out else ""}


BENCH = Bench("3D GAN of the demo, one iteration", "iteration",
              {"zeros padded": functools.partial(step, False), "zeros written out": functools.partial(step, True),
               "oneDNN off": functools.partial(step, False)},
              baseline="oneDNN off", options={"batch": 4, "iterations": 5, "shape": [32, 64, 64]}, quick=None,
              alternating=True, switches={"oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"}})
