"""``covid3dgan reproduce SYSTEM``: a paper's whole system, its tables and figures beside the paper's numbers."""

__all__ = ["SYSTEMS", "add_arguments", "run"]

import importlib
import importlib.util
import inspect
import os
import sys

from covid3dgan import presets, progress
from covid3dgan.errors import ArgumentError

# System -> the preset that is used where none is named. The recipe is systems/<system>.py, function ``reproduce``.
SYSTEMS = {"shabani": "shabani/improved", "elmourabit": "elmourabit/demo", "khali": "khali/improved",
           "afseg": "afseg/cells", "ssinfnet": "ssinfnet/paper"}


def add_arguments(parser):
    parser.add_argument("system", choices=list(SYSTEMS), help="whose system")
    parser.add_argument("--task", choices=["cells", "vessels"], help="afseg: which of its tasks; cells by default")
    parser.add_argument("--preset", help="preset name; the improved recipe by default (see 'covid3dgan info')")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of the preset; may be given several times")
    parser.add_argument("--data", help="folder with the real data sets in sub-folders; phantoms without it")
    parser.add_argument("--backbone-weights", metavar="FILE",
                        help="ssinfnet: ImageNet weights of Inf-Net's trunk (see 'covid3dgan train --help'); random "
                        "without")
    parser.add_argument("--out", required=True, help="the folder to make, or to go on with")
    parser.add_argument("--seed", type=int, default=0, help="seeds phantoms, weights, data and noise")
    parser.add_argument("--precision", default="auto", choices=["float32", "mixed_bfloat16", "mixed_float16", "auto"],
                        help="auto takes the fastest that the machine has units for")
    parser.add_argument("--deterministic", action="store_true",
                        help="reproducible kernels: bit for bit the same on one machine's CPU in float32, and slower")
    parser.add_argument("--phantoms", metavar="ROLE=COUNT,...",
                        help="how many phantoms of each role, and their voxels, e.g. healthy=3,covid=2,validation=2,"
                        "test=2,size=64x64x24 (shabani, elmourabit and khali)")
    parser.add_argument("--workers", type=int,
                        help="processes that make and prepare the CTs, by default one per core (shabani, elmourabit "
                        "and khali)")
    parser.add_argument("--side-by-side", action="store_true",
                        help="shabani, on a CPU: trains the segmenters at once, each on its share of the cores; wants "
                        "the memory of all of them")
    parser.add_argument("--overwrite", action="store_true", help="do every stage anew")


def run(args):
    from covid3dgan.training.loop import TrainingOptions

    preset = presets.override(presets.get(args.preset or _default(args)), args.settings)
    if preset.system != args.system:
        raise ArgumentError("--preset", f"a preset of {args.system}", f"{preset.name} of {preset.system}",
                            "see 'covid3dgan info'")
    own = {}
    if args.system == "ssinfnet":
        own = {"backbone_weights": args.backbone_weights}
    elif args.backbone_weights is not None:
        raise ArgumentError("--backbone-weights", "ssinfnet, whose trunk has ImageNet weights", args.system,
                            "leave it out")
    recipe = importlib.import_module(f"covid3dgan.systems.{args.system}")
    if args.workers is not None and not _prepares_cts(recipe):
        raise ArgumentError("--workers", "a system that prepares CTs: shabani, elmourabit or khali", args.system,
                            "leave it out")
    if args.side_by_side and args.system != "shabani":
        raise ArgumentError("--side-by-side", "shabani, whose segmenters do not need each other", args.system,
                            "leave it out")
    execution = TrainingOptions(seed=args.seed, precision=args.precision, deterministic=args.deterministic,
                                workers=args.workers or os.cpu_count() or 1, side_by_side=args.side_by_side)
    path = recipe.reproduce(args.out, preset, execution, data=args.data, command=" ".join(["covid3dgan",
                                                                                           *sys.argv[1:]]),
                            overwrite=args.overwrite, **own, **_sizes(args, recipe))
    progress.say(f"report: {path}")
    return 0


def _prepares_cts(recipe):
    """Whether a recipe works on CTs, which it prepares, and so on cohorts of phantom CTs."""
    return "sizes" in inspect.signature(recipe.reproduce).parameters


def _sizes(args, recipe):
    """The keyword ``sizes`` of a recipe that runs on cohorts of phantom CTs, where ``--phantoms`` is given."""
    if args.phantoms is None:
        return {}
    if args.data or not _prepares_cts(recipe):
        raise ArgumentError("--phantoms", "a system that runs on phantom CTs, and no --data",
                            f"--data {args.data}" if args.data else args.system, "leave it out")
    from covid3dgan.systems.cohorts import CohortSizes

    return {"sizes": CohortSizes.parse(args.phantoms)}


def _default(args):
    if args.system != "afseg":
        if args.task:
            raise ArgumentError("--task", f"no task: {args.system} has one only", args.task, "leave it out")
        return "ssinfnet/demo" if args.system == "ssinfnet" and not args.data else SYSTEMS[args.system]
    name = f"afseg/{args.task or 'cells'}"
    return name if args.data else f"{name}/demo"  # synthetic images need no paper-size networks
