"""One CT through the published preprocessing: its functions, written anew with scipy and scikit-image, against ours.

    python benchmarks/bench_preprocess.py [--size 512,512,40]

The CT is a phantom with lesions. Both sides get the lung mask of the resampled CT, so the lung net is in neither; the
published side resamples the CT twice, once for the image and once for the net, as its notebook does. Each side runs in
a process of its own, which also gives its peak memory; ours is timed again on a second CT of the same size, as in a
data set. scikit-image is needed (requirements.txt).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "data"))
NAMES = ("lung", "infection", "lung_mask", "base")


def published(path):
    import published_preprocessing as slow

    held = np.load(path)
    spacing = np.sqrt((held["affine"][:3, :3] ** 2).sum(axis=0))
    net = slow.lung_mask(held["lungs"], spacing)
    steps = {}
    started = time.perf_counter()
    slow.resampled(held["ct"], spacing)
    steps["before the lung net"] = time.perf_counter() - started
    volumes = slow.prepared(held["ct"], spacing, net, held["infection"])
    steps["all"] = time.perf_counter() - started
    return steps, volumes


def ours(path):
    from covid3dgan.data.preprocess import preprocess
    from covid3dgan.data.volumes import Volume

    held = np.load(path)
    ct = Volume(held["ct"], held["affine"])
    steps = {}
    for name in ("first CT", "further CTs"):
        started = time.perf_counter()
        prepared = preprocess(ct, held["lungs"], held["infection"], recipe="published")
        steps[name] = time.perf_counter() - started
    return steps, {name: getattr(prepared, name) for name in NAMES}


def make_ct(path, size):
    from covid3dgan.data import phantom

    case = phantom.generate("coronacases-like", 0, size=tuple(int(n) for n in size.split(",")))
    np.savez(path, ct=case.ct.array, affine=case.ct.affine, lungs=case.lungs.array, infection=case.infection.array)
    print(json.dumps(repr(case.ct)))


def one_side(side, path, out):
    if side == "phantom":
        make_ct(path, out)
        return
    steps, volumes = {"published": published, "ours": ours}[side](path)
    np.savez(out, **volumes)
    unit = 1 if sys.platform == "darwin" else 1024
    print(json.dumps({"steps": steps, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="512,512,40")
    parser.add_argument("--side", nargs=3, metavar=("SIDE", "CT", "OUT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        one_side(*args.side)
        return
    with tempfile.TemporaryDirectory() as folder:
        def run(side, *arguments):  # a process of its own, since a peak of memory never goes down again
            command = [sys.executable, __file__, "--side", side, *map(str, arguments)]
            return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

        path = Path(folder) / "ct.npz"
        ct = run("phantom", path, args.size)
        outs = {side: Path(folder) / f"{side}.npz" for side in ("published", "ours")}
        results = {side: run(side, path, out) for side, out in outs.items()}
        volumes = {side: dict(np.load(out)) for side, out in outs.items()}
    slow = results["published"]["steps"]["all"]
    print(ct)
    print(f"{'':32}{'seconds':>10}{'ratio':>8}{'peak MB':>10}")
    for side, step in (("published", "all"), ("ours", "first CT"), ("ours", "further CTs")):
        seconds, memory = results[side]["steps"][step], results[side]["memory"] / 1e6
        print(f"{side + ', ' + step:32}{seconds:10.2f}{slow / seconds:8.1f}{memory:10.0f}")
    for name in NAMES:
        print(f"largest difference, {name:<12} {np.abs(volumes['ours'][name] - volumes['published'][name]).max():.1e}")


if __name__ == "__main__":
    main()
