"""``covid3dgan predict`` with the network that comes along, on one CT of 512x512x150: where its time goes.

From the shell to the mask, start-up included, and a second CT in the same process, each by its stages. The CT is a
phantom of half the size in each axis, every voxel doubled, with noise of its own.
"""

import json
import subprocess
import sys
import time

import numpy as np

from benchmarks import material
from benchmarks.bench import ROOT, Bench, wait_for_turn

STAGES = """
import json, resource, sys, time
clock = [time.perf_counter()]
found = {{}}
def lap(stage):
    found[stage] = round(time.perf_counter() - clock[0], 2)
    clock[0] = time.perf_counter()
from covid3dgan.inference import lesions
from covid3dgan.inference.predictor import load_predictor
predictor = load_predictor()
[item] = predictor.find({ct!r})
lap("start")
for name in ("read_ct", "prepare", "write_prediction"):
    def timed(*given, name=name, call=getattr(lesions, name), **named):
        lap({{"read_ct": "between", "prepare": "lungs", "write_prediction": "network and way back"}}[name])
        result = call(*given, **named)
        lap({{"read_ct": "read", "prepare": "prepare", "write_prediction": "write"}}[name])
        return result
    setattr(lesions, name, timed)
runs = []
for _ in range(2):
    started = time.perf_counter()
    predictor.predict_file(item, predictor.paths(item, __import__("pathlib").Path({out!r}), False, False))
    runs.append({{**found, "seconds": round(time.perf_counter() - started, 2)}})
print(json.dumps({{"runs": runs, "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
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


def stages(size):
    path = material.folder() / f"doubled_{'x'.join(map(str, size))}.nii.gz"
    if not path.exists():
        make_doubled(path, *size)
    out = material.folder() / "stages"
    out.mkdir(exist_ok=True)
    code = STAGES.format(ct=str(path), out=str(out))
    wait_for_turn()
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    whole = time.perf_counter() - started
    found = json.loads(done.stdout.splitlines()[-1])
    first, second = found["runs"]
    names = ("read", "lungs", "prepare", "network and way back", "write")
    parts = ", ".join(f"{name} {second[name]:.1f}" for name in names)
    return {"seconds": whole - second["seconds"], "peak_mb": found["peak_mb"],
            "note": f"start {first['start']:.1f} s; a second CT {second['seconds']:.1f} s: {parts} "
                    f"(targets: 10 s, then 8 s, 1500 MB)"}


BENCH = Bench("predict without TensorFlow, one CT of 512x512x150, with start-up", "CT", {"ours": stages}, baseline=None,
              options={"size": [512, 512, 150]}, quick={"size": [128, 128, 64]})
