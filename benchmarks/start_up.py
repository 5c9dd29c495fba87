"""Start-up of the command line: the verbs that load no TensorFlow, against the import of TensorFlow itself."""

import functools
import subprocess
import sys
import time

from benchmarks.bench import ROOT, Bench, wait_for_turn


def call(arguments, repeats):
    wait_for_turn()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return {"seconds": min(times), "peak_mb": None}


BENCH = Bench("start-up of the command line", "call",
              {"import tensorflow": functools.partial(call, ["-c", "import tensorflow"]),
               "covid3dgan --help": functools.partial(call, ["-m", "covid3dgan", "--help"]),
               "covid3dgan info": functools.partial(call, ["-m", "covid3dgan", "info"])},
              baseline="import tensorflow", options={"repeats": 3}, quick={"repeats": 1})
