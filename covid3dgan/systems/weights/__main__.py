"""``python -m covid3dgan.systems.weights --real DIR``: makes the segmenter that comes along, from nothing."""

import argparse
import sys
from pathlib import Path

from covid3dgan import presets, progress
from covid3dgan.errors import InputError
from covid3dgan.systems.weights.recipe import PRESET, make_weights
from covid3dgan.training.loop import TrainingOptions


def main(arguments=None):
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m covid3dgan.systems.weights", description=__doc__.split(": ", 1)[1])
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--real", metavar="DIR", help="folder with the real CTs that docs/MODEL_CARD.md lists")
    data.add_argument("--phantoms-only", action="store_true", help="train on phantoms alone")
    parser.add_argument("--out", default="runs/weights", metavar="DIR", help="(default: runs/weights)")
    parser.add_argument("--into", metavar="DIR", help="also copy the network and its card there")
    parser.add_argument("--real-results", metavar="FILE", help="real_cts.json of python -m benchmarks.real_cts, for "
                        "the card")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    parser.add_argument("--overwrite", action="store_true", help="train anew")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", dest="settings")
    args = parser.parse_args(arguments)
    try:
        execution = TrainingOptions(seed=args.seed, precision=args.precision, deterministic=True, resume=args.resume,
                                    overwrite=args.overwrite)
        given = f"--real {Path(args.real).name}" if args.real else "--phantoms-only"
        settings = "".join(f" --set {setting}" for setting in args.settings)
        card = make_weights(args.out, presets.override(presets.get(PRESET), args.settings), execution, args.real,
                            args.into, f"python -m covid3dgan.systems.weights {given} --seed {args.seed} "
                            f"--precision {args.precision}{settings}",
                            args.real_results)
    except InputError as error:
        print(f"covid3dgan: {error}", file=sys.stderr)
        return error.exit_code
    progress.say(f"{args.out}/{card['file']}: {card['bytes'] / 1e6:.2f} MB, threshold {card['threshold']['value']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
