"""``covid3dgan notebook run FILE.ipynb``: executes a copy of a published notebook on today's stack, and reports how."""

__all__ = ["add_arguments", "run"]

import argparse

from covid3dgan.notebooks.runner import run_notebook


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Executes a notebook written for Keras 2.7 and Colab, and writes an executed copy and a report of every\n"
        "alias, mapping, cap and adaptation. It RUNS THE NOTEBOOK'S CODE with your rights, in a kernel of this\n"
        "Python, in a working directory beside the copy. The file itself is never changed, and nothing is installed.")
    parser.add_argument("action", choices=["run"], help="what to do")
    parser.add_argument("file", metavar="FILE.ipynb", help="your copy of the notebook")
    parser.add_argument("--map", dest="maps", action="append", default=[], metavar="PLACEHOLDER=PATH",
                        help="use PATH where the notebook says PLACEHOLDER (a path, a folder above it, or a file "
                             "name); may be given several times. What is not mapped is made from phantoms")
    parser.add_argument("--steps", type=int, help="cap loop counts such as nb_epoch; in full without it")
    parser.add_argument("--out", metavar="EXECUTED.ipynb", help="the copy to write; FILE.executed.ipynb by default")
    parser.add_argument("--keep-going", action="store_true", help="run the cells after a failing one as well (exit 1)")
    parser.add_argument("--phantoms", type=int, default=6, help="cases of each kind that stand in for missing data (6)")
    parser.add_argument("--seed", type=int, default=0, help="of the phantoms and the kernel's random numbers (0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier result")


def run(args):
    report = run_notebook(args.file, args.maps, args.steps, args.out, args.keep_going, args.phantoms, seed=args.seed,
                          overwrite=args.overwrite)
    if not args.quiet:
        print("\n".join(report.lines()))
    return 1 if report.failed else 0
