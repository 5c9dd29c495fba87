"""What the benchmarks ran on, and the most that its matrix products reach."""

__all__ = ["describe", "matmul_peak"]

import functools
import os

from benchmarks.bench import Bench, median_after_first


def matmul_peak(dtype, size, repeats):
    """Seconds of one square matrix product; the operations per second are the peak that the other lines refer to."""
    import tensorflow as tf

    with tf.device("/GPU:0" if tf.config.list_physical_devices("GPU") else "/CPU:0"):
        left, right = (tf.cast(tf.random.stateless_normal((size, size), [0, seed]), dtype) for seed in (1, 2))

        @tf.function(jit_compile=False)
        def product():
            return tf.reduce_sum(tf.cast(tf.matmul(left, right)[:1, :1], tf.float32))

        seconds = median_after_first(lambda: float(product()), repeats)
    return {"seconds": seconds, "dtype": dtype, "flops": 2 * size**3}


def _threads():
    """How many threads TensorFlow computes one operation with."""
    own = os.environ.get("TF_NUM_INTRAOP_THREADS")
    if own:
        return int(own)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def describe():
    """Processor, cores, memory, load before the start, versions; no names that identify the machine."""
    from covid3dgan import environment

    facts = {**environment.machine(), "threads": _threads(),
             "versions": environment.versions(), "git_commit": environment.git_commit()}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            facts["processor"] = next((line.split(":")[1].strip() for line in handle if line.startswith("model name")),
                                      None)
        facts["load_before"] = round(os.getloadavg()[0], 2)
    except OSError:
        pass
    return facts


BENCH = Bench("matrix product, the machine's peak", "product",
              {"float32": functools.partial(matmul_peak, "float32"),
               "bfloat16": functools.partial(matmul_peak, "bfloat16")},
              baseline=None, options={"size": 4096, "repeats": 5}, quick={"size": 2048})
