"""``covid3dgan reproduce SYSTEM``: a paper's whole system, its tables and figures beside the paper's numbers."""

__all__ = ["add_arguments", "run"]

import os
import sys
from pathlib import Path

from covid3dgan import papers, presets, progress
from covid3dgan.errors import ArgumentError, InputError

# Option that not all recipes take -> what is expected where it is given; {} stands for the systems that take it.
EXPECTED = {
    "backbone_weights": "{}, whose trunk has ImageNet weights",
    "ablation": "{}, whose parts it leaves out one by one",
    "workers": "a system that prepares CTs: {}",
    "side_by_side": "{}, whose segmenters do not need each other",
}


def add_arguments(parser):
    parser.add_argument("system", choices=[paper.system for paper in papers.all()], help="; ".join(
        f"{paper.system}: paper {paper.number}, {paper.title}" for paper in papers.all()))
    with_tasks = [paper for paper in papers.all() if paper.recipe.tasks]
    parser.add_argument("--task", choices=[task for paper in with_tasks for task in paper.recipe.tasks],
                        help="; ".join(f"{paper.system}: which of its tasks; {paper.recipe.tasks[0]} by default"
                                       for paper in with_tasks))
    parser.add_argument("--preset", help="preset name; by default the system's own for phantoms or for real data "
                        "(see 'covid3dgan info')")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of the preset; may be given several times")
    parser.add_argument("--data", help="folder with the real data sets in sub-folders; phantoms without it")
    parser.add_argument("--backbone-weights", metavar="FILE",
                        help=f"{_takers('backbone_weights', ' and ')}: ImageNet weights of Inf-Net's trunk (see "
                        "'covid3dgan train --help'); random without")
    parser.add_argument("--out", required=True, help="the folder to make, or to go on with")
    parser.add_argument("--seed", type=int, default=0, help="seeds phantoms, weights, data and noise")
    parser.add_argument("--precision", default="auto", choices=["float32", "mixed_bfloat16", "mixed_float16", "auto"],
                        help="auto takes the fastest that the machine has units for")
    parser.add_argument("--deterministic", action="store_true",
                        help="reproducible kernels: bit for bit the same on one machine's CPU in float32, and slower")
    parser.add_argument("--phantoms", metavar="ROLE=COUNT,...",
                        help="how many phantoms of each role, and their voxels, e.g. healthy=3,covid=2,validation=2,"
                        f"test=2,size=64x64x24 ({_takers('phantoms', ' and ')})")
    parser.add_argument("--workers", type=int,
                        help="processes that make and prepare the CTs, by default one per core "
                        f"({_takers('workers', ' and ')})")
    parser.add_argument("--side-by-side", action="store_true",
                        help=f"{_takers('side_by_side', ' and ')}, on a CPU: trains the segmenters at once, each on "
                        "its share of the cores; wants the memory of all of them")
    parser.add_argument("--ablation", action="store_true",
                        help=f"{_takers('ablation', ' and ')}: also trains the networks with a part of the paper left "
                        "out, and on pseudo-labels, each with its time; about twice the whole work")
    parser.add_argument("--overwrite", action="store_true", help="do every stage anew")


def _takers(option, last):
    """The systems whose recipes take an option: "shabani, elmourabit and khali" where ``last`` is " and "."""
    *most, final = [paper.system for paper in papers.all() if option in paper.recipe.options]
    return last.join([", ".join(most), final] if most else [final])


def run(args):
    recipe = papers.get(args.system).recipe
    preset = presets.override(presets.get(args.preset or _default(args, recipe)), args.settings)
    if preset.system != args.system:
        raise ArgumentError("--preset", f"a preset of {args.system}", f"{preset.name} of {preset.system}",
                            "see 'covid3dgan info'")
    own = _own_options(args, recipe)
    if args.data is not None and not Path(args.data).is_dir():
        raise InputError(args.data, "a folder with the real data", "a file" if Path(args.data).exists() else
                         "no such folder", "check its name")
    from covid3dgan.training.loop import TrainingOptions

    execution = TrainingOptions(seed=args.seed, precision=args.precision, deterministic=args.deterministic,
                                workers=args.workers or os.cpu_count() or 1, side_by_side=args.side_by_side)
    path = papers.resolve(recipe.run)(args.out, preset, execution, data=args.data,
                                      command=" ".join(["covid3dgan", *sys.argv[1:]]), overwrite=args.overwrite, **own)
    progress.say(f"report: {path}")
    return 0


def _default(args, recipe):
    """The name of the preset that is used where none is named."""
    if args.task and args.task not in recipe.tasks:
        raise ArgumentError("--task", f"no task: {args.system} has one only", args.task, "leave it out")
    return recipe.default_preset(phantoms=not args.data, task=args.task)


def _own_options(args, recipe):
    """The keywords that this recipe takes beyond what all take; an option that it does not take is refused."""
    for option, expected in EXPECTED.items():
        if getattr(args, option) not in (None, False) and option not in recipe.options:
            raise ArgumentError(f"--{option.replace('_', '-')}", expected.format(_takers(option, " or ")), args.system,
                                "leave it out")
    own = {option: getattr(args, option) for option in ("backbone_weights", "ablation") if option in recipe.options}
    if args.phantoms is None:
        return own
    if args.data or "phantoms" not in recipe.options:
        raise ArgumentError("--phantoms", "a system that runs on phantom CTs, and no --data",
                            f"--data {args.data}" if args.data else args.system, "leave it out")
    from covid3dgan.systems.cohorts import CohortSizes

    return {**own, "sizes": CohortSizes.parse(args.phantoms)}
