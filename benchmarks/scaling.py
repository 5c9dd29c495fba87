"""How the GAN's cost grows with volume, batch and cohort: ``python -m benchmarks.scaling [--out docs/scaling.png]``.

Each point is the median step of a process of its own. Paper 001 trains for 10,000 iterations of batch 8 at 32x128x128;
the hours that takes here are extrapolated from the measured step.
"""

import argparse
import json
import sys

import numpy as np

from benchmarks import machine, table
from benchmarks.bench import run_side

SHAPES = ((16, 64, 64), (32, 64, 64), (32, 96, 96), (32, 128, 128))
BATCHES = (1, 2, 4, 8)
SIDES = {"float32": "ours, float32", "bfloat16": "ours, bfloat16"}
PAPER_ITERATIONS, PAPER_BATCH, PAPER_CASES = 10_000, 8, 226 + 664


def measure(shapes, batches, iterations):
    """Dicts with precision, shape, batch and seconds of a step: every batch at the largest shape, every shape at 4."""
    points = []
    wanted = sorted({(shapes[-1], batch) for batch in batches} | {(shape, min(4, batches[-1])) for shape in shapes})
    for precision, side in SIDES.items():
        for shape, batch in wanted:
            found = run_side("gan_step", side, {"batch": batch, "iterations": iterations, "shape": shape})
            print(f"... {precision}, {shape}, batch {batch}: {table.short(found)}", file=sys.stderr, flush=True)
            if "seconds" in found:
                points.append({"precision": precision, "shape": list(shape), "batch": batch,
                               "seconds": found["seconds"], "peak_mb": found["peak_mb"]})
    return points


def paper_hours(points, precision):
    """Hours for the paper's iterations, from the step at its batch and shape (scaled by the batch where that is not
    among the points)."""
    largest = [p for p in points if p["precision"] == precision and p["shape"] == list(SHAPES[-1])]
    if not largest:
        return None
    nearest = max(largest, key=lambda p: p["batch"])
    return nearest["seconds"] * PAPER_BATCH / nearest["batch"] * PAPER_ITERATIONS / 3600


def draw(points, facts):
    """Step time against voxels per batch, and hours against cases for as many passes as the paper makes."""
    from covid3dgan.evaluation.figures import style

    @style.styled
    def figure():
        found = style.new_figure(7.2, 3.0)
        left, right = found.subplots(1, 2)
        # Each label on the side of its line where the other line is not.
        for precision, colour, beside in zip(SIDES, style.SERIES, (("right", (-6, 4)), ("left", (6, -9)))):
            chosen = [p for p in points if p["precision"] == precision]
            for fixed, marker, label in ((lambda p: p["shape"] == list(SHAPES[-1]), "o", "32x128x128, batch 1 to 8"),
                                         (lambda p: p["batch"] == 4, "s", "batch 4, other sizes")):
                part = sorted((np.prod(p["shape"]) * p["batch"] / 1e6, p["seconds"]) for p in chosen if fixed(p))
                if part:
                    left.plot(*zip(*part), marker=marker, color=colour, label=f"{precision}, {label}",
                              linestyle="-" if marker == "o" else ":", markersize=4)
            hours = paper_hours(points, precision)
            if hours:
                cases = np.linspace(0, 2000, 50)
                right.plot(cases, hours * cases / PAPER_CASES, color=colour, label=precision)
                right.plot([PAPER_CASES], [hours], marker="o", color=colour, markersize=4)
                right.annotate(f"paper 001: {hours:.0f} h", (PAPER_CASES, hours), textcoords="offset points",
                               ha=beside[0], xytext=beside[1], fontsize=7)
        left.set(xscale="log", yscale="log", xlabel="million voxels per batch", ylabel="seconds per step")
        left.legend(fontsize=6)
        right.set(xlabel="cases (healthy and infected)", ylabel="hours for the paper's 90 passes")
        right.legend(fontsize=7)
        found.suptitle(f"3D GAN, {facts.get('processor') or facts['platform']}, {facts['cpus']} cores")
        return found

    return figure()


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="docs/scaling.png", metavar="FILE.png", help="the figure; numbers beside it")
    parser.add_argument("--quick", action="store_true", help="small volumes only, to try it out")
    args = parser.parse_args(argv)
    facts = machine.describe()
    print(table.machine_line(facts), flush=True)
    points = measure(SHAPES[:2], (1, 2), 1) if args.quick else measure(SHAPES, BATCHES, 2)
    print("| precision | volume | batch | s per step | peak MB |\n|---|---|---|---|---|")
    for p in points:
        shape = "x".join(map(str, p["shape"]))
        print(f"| {p['precision']} | {shape} | {p['batch']} | {p['seconds']:.3g} | {p['peak_mb']:.0f} |")
    for precision in SIDES:
        hours = paper_hours(points, precision)
        if hours:
            print(f"{PAPER_ITERATIONS} iterations of batch {PAPER_BATCH} in {precision}: {hours:.0f} h, extrapolated")
    from covid3dgan.evaluation.figures.style import save

    save(draw(points, facts), args.out)
    with open(f"{args.out.removesuffix('.png')}.json", "w", encoding="utf-8") as handle:
        json.dump({"machine": facts, "points": points}, handle, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
