"""``python -m benchmarks [NAME ...] [--quick] [--out FILE.json]``: all comparisons, one table.

Every side runs in a process of its own, so that peak memory means something, and measures alone (with --quick, or where
sides take turns, several get ready side by side before); the machine should be quiet.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time

from benchmarks import bench, machine, table

# In the order of the table; the matrix product comes first, since shares of its peak are stated afterwards.
NAMES = ("machine", "perlin", "preprocessing", "input_pipeline", "gan_step", "gan_step_demo", "gan_memory",
         "segmenter_step", "other_systems", "ssinfnet_step", "predict", "predict_stages", "predict_cohort",
         "cohort_memory", "start_up", "tflite_generator", "tflite_segmenter")
# Sides that get ready side by side under --quick; more than two, so that two cores are busy until the last is ready.
QUICK_TOGETHER = 3


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split(":", 1)[1].strip(),
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NAMES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer comparisons, sides and repetitions, smaller inputs")
    parser.add_argument("--out", metavar="FILE.json", help="also write every number to this file")
    parser.add_argument("--side", nargs=3, metavar=("NAME", "SIDE", "OPTIONS"), help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.side:
        name, side, options = args.side
        print(json.dumps(bench.side_in_this_process(name, side, json.loads(options))))
        return 0
    unknown = [name for name in args.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark called {unknown[0]}; there are {', '.join(NAMES)}")
    return _all(args.names or NAMES, args.quick, args.out)


def _all(names, quick, out):
    started, found = time.perf_counter(), []
    facts = machine.describe()
    os.environ["COVID3DGAN_BENCHMARKS"] = folder = tempfile.mkdtemp(prefix="covid3dgan-benchmarks-")
    print(table.machine_line(facts), flush=True)
    try:
        chosen = []
        for name in names:
            one = bench.load(name)
            if quick and one.quick is None:
                print(f"... {one.title}: not with --quick", file=sys.stderr, flush=True)
                continue
            chosen.append((name, one, tuple((quick and one.quick_sides) or one.sides),
                           {**one.options, **(one.quick if quick else {})}))
        ended = bench.run_sides([(name, side, options) for name, _, sides, options in chosen for side in sides],
                                QUICK_TOGETHER if quick else 1)
        for name, one, sides, options in chosen:
            results = {}
            for side in sides:
                results[side] = next(ended)
                print(f"... {one.title}: {side}: {table.short(results[side])} "
                      f"({time.perf_counter() - started:.0f} s since the start)", file=sys.stderr, flush=True)
            found.append({"name": name, "title": one.title, "unit": one.unit, "baseline": one.baseline,
                          "alternating": one.alternating, "options": options, "sides": results})
            print(table.of_bench(found[-1], table.peaks(found)), flush=True)
            if out:
                with open(out, "w", encoding="utf-8") as handle:
                    json.dump({"machine": facts, "quick": quick, "benches": found}, handle, indent=1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{time.perf_counter() - started:.0f} s in all")
    return 1 if any("failed" in result for one in found for result in one["sides"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
