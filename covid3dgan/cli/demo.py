"""``covid3dgan demo``: phantoms, the whole Shabani system at laptop size, predictions and a report."""

__all__ = ["add_arguments", "run"]

import json
import os
import time
from pathlib import Path

from covid3dgan import presets


def add_arguments(parser):
    parser.add_argument("--out", default="runs/demo", help="the folder to make, or to go on with")
    parser.add_argument("--seed", type=int, default=0, help="seeds phantoms, weights, data and noise")
    parser.add_argument("--precision", default="auto", choices=["float32", "mixed_bfloat16", "auto"],
                        help="auto takes the fastest that the machine has units for")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1,
                        help="processes that make and prepare the CTs, and that train both segmenters at once")
    parser.add_argument("--overwrite", action="store_true", help="do every stage anew")


def run(args):
    from covid3dgan.systems.shabani import ABLATION, reproduce
    from covid3dgan.training.loop import TrainingOptions

    started = time.perf_counter()
    execution = TrainingOptions(seed=args.seed, precision=args.precision, workers=args.workers,
                                side_by_side=args.workers > 1)
    precision = "" if args.precision == "auto" else f" --precision {args.precision}"
    path = reproduce(args.out, presets.get("shabani/demo"), execution, variants=ABLATION,
                     command=f"covid3dgan demo --seed {args.seed}{precision}", overwrite=args.overwrite)
    dice = json.loads((Path(args.out) / "results.json").read_text(encoding="utf-8"))["mean_dice"]
    names = list(next(iter(dice.values())))
    print(f"\nMean Dice per volume on held-out PHANTOMS (not patients), seed {args.seed}:")
    print(f"  {'':<26}" + "".join(f"{name:>13}" for name in names))
    for method, values in dice.items():
        print(f"  {method:<26}" + "".join(f"{values[name]:>13.3f}" for name in names))
    print(f"\n{time.perf_counter() - started:.0f} s. Masks: {Path(args.out) / 'predictions'}")
    print(f"Open the report: {path.resolve()}")
    return 0
