"""``covid3dgan predict`` with the network that comes along, on one CT of 512x512x150: where its time goes.

From the shell to the mask, start-up included, and a second CT in the same process, each by its stages. The CT is a
phantom of half the size in each axis, every voxel doubled, with noise of its own; or, where it lies in ../shared, the
real LIDC-IDRI-0314 brought to that size.
"""

import json
import subprocess
import sys
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import ROOT, Bench, wait_for_turn

REAL = ROOT.parent / "shared" / "data" / "real" / "lidc_idri_0314.nii.gz"
STAGES = """
import json, pathlib, resource, sys, time
clock, found = [time.perf_counter()], {{}}
def lap(stage):
    found[stage] = round(found.get(stage, 0) + time.perf_counter() - clock[0], 2)
    clock[0] = time.perf_counter()
from covid3dgan.inference import lesions
from covid3dgan.inference.predictor import load_predictor
predictor = load_predictor()
[item] = predictor.find({ct!r})
lap("start")
start, started_cpu = found.pop("start"), time.process_time()
for place, name, before, stage in (
        (lesions, "read_ct", "between", "read"), (lesions.lungs, "lung_mask_for", "between", "lungs"),
        (lesions, "prepare", "between", "prepare"), (lesions.prepared_case, "restore", "network", "way back"),
        (lesions, "write_prediction", "sizes and doubts", "write")):
    def timed(*given, call=getattr(place, name), before=before, stage=stage, **named):
        lap(before)
        result = call(*given, **named)
        lap(stage)
        return result
    setattr(place, name, timed)
runs = []
for _ in range(2):
    found.clear()
    began, cpu = time.perf_counter(), time.process_time()
    clock[0] = began
    predictor.predict_file(item, predictor.paths(item, pathlib.Path({out!r}), False, False))
    runs.append({{**found, "seconds": round(time.perf_counter() - began, 2),
                 "cpu": round(time.process_time() - cpu, 2)}})
print(json.dumps({{"start": start, "start_cpu": round(started_cpu, 2), "runs": runs,
                  "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
                  "tensorflow": "tensorflow" in sys.modules}}))
"""


def make_doubled(path, *size):
    from covid3dgan.data import volumes

    held = material.phantom([int(n) // 2 for n in size])
    array = np.asarray(held["ct"], np.float32)
    for axis in range(3):
        array = np.repeat(array, 2, axis)
    array += np.random.default_rng(0).normal(0, 15, array.shape).round().astype(np.float32)
    volumes.write(volumes.Volume(array, held["affine"] @ np.diag([0.5, 0.5, 0.5, 1.0])), path)


def make_resampled(path, *size):
    from scipy import ndimage

    from covid3dgan.data import volumes

    ct = volumes.read(REAL)
    factors = [old / int(new) for old, new in zip(ct.shape, size)]
    array = ndimage.zoom(ct.array, np.divide(1, factors), order=1, mode="nearest", grid_mode=True)
    array += np.random.default_rng(0).normal(0, 10, array.shape)  # interpolation took the noise away
    step = np.diag([*factors, 1.0])
    step[:3, 3] = (np.array(factors) - 1) / 2
    volumes.write(volumes.Volume(array.round(), ct.affine @ step), path)


def phantom(size):
    return _stages("doubled", make_doubled, size)


def real(size):
    if not REAL.is_file():
        return {"skipped": f"no {REAL.name} in ../shared"}
    return _stages("resampled", make_resampled, size)


def _stages(kind, make, size):
    path = material.folder() / f"{kind}_{'x'.join(map(str, size))}.nii.gz"
    if not path.exists():
        make(path, *size)
    out = material.folder() / "stages"
    out.mkdir(exist_ok=True)
    code = STAGES.format(ct=str(path), out=str(out))
    wait_for_turn()
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - started
    found = json.loads(done.stdout.splitlines()[-1])
    first, second = found["runs"]
    names = ("read", "lungs", "prepare", "network", "way back", "sizes and doubts", "write")
    parts = ", ".join(f"{name} {second[name]:.1f}" for name in names)
    return {"seconds": whole - second["seconds"], "peak_mb": found["peak_mb"],
            "note": f"{found['start_cpu'] + first['cpu']:.1f} s of processor time; start {found['start']:.1f} s; "
                    f"a second CT {second['seconds']:.1f} s ({second['cpu']:.1f} s of processor time): {parts} "
                    f"(targets: 10 s, then 8 s, 1500 MB)"}


BENCH = Bench("predict without TensorFlow, one CT of 512x512x150, with start-up", "CT",
              {"phantom": phantom, "LIDC-IDRI-0314": real}, baseline=None,
              options={"size": [512, 512, 150]}, quick={"size": [128, 128, 64]}, quick_sides=("phantom",))
