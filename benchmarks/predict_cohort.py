"""``predict`` over 50 CTs in one call: throughput, and whether the memory stays flat from the first to the last."""

import resource
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import Bench, wait_for_turn


def ours(cases, size):
    from covid3dgan.inference.inputs import Input
    from covid3dgan.inference.predict_each import predict_each
    from covid3dgan.inference.predictor import load_predictor

    ct, out = material.phantom_nifti(size), material.folder() / "predicted_cohort"
    predictor = load_predictor(material.segmenter_run())
    wait_for_turn()
    peaks, started = [], time.perf_counter()
    for number in range(cases):
        _forget_peak()
        predict_each(predictor, [Input(f"case{number:03d}", ct)], out / f"case{number:03d}.nii.gz")
        peaks.append(_peak_mb())
    seconds = (time.perf_counter() - started) / cases
    part = max(1, cases // 5)
    first, last = np.max(peaks[:part]), np.max(peaks[-part:])
    return {"seconds": seconds, "note": f"{3600 / seconds:.0f} CTs per hour; peak memory over the last {part} CTs "
            f"{last:.0f} MB, over the first {part} {first:.0f} MB: {100 * (last / first - 1):+.1f} % (target: 5 %)"}


def _forget_peak():
    """Linux starts measuring the peak anew; elsewhere the peak of the whole process is all there is."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as handle:
            handle.write("5")
    except OSError:
        pass


def _peak_mb():
    try:
        with open("/proc/self/status", encoding="ascii") as handle:
            return next(int(line.split()[1]) / 1024 for line in handle if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


BENCH = Bench("predict over many CTs in one call", "CT", {"ours": ours}, baseline=None,
              options={"cases": 50, "size": [512, 512, 40]}, quick=None)
