"""``covid3dgan phantom OUT --cohort NAME --cases N``: writes synthetic chest CTs or images with their true masks."""

__all__ = ["add_arguments", "run"]

import argparse

from covid3dgan import progress
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.errors import ArgumentError


def add_arguments(parser):
    """The verb's own options."""
    parser.add_argument("out", metavar="OUT", help="folder to write: images/, masks/, (lungs/) and cohort.json")
    parser.add_argument("--cohort", required=True, metavar="NAME", help=f"one of {', '.join(chest_ct.COHORT_WRITERS)}")
    parser.add_argument("--cases", type=int, default=20, metavar="N", help="how many cases")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, other patients")
    parser.add_argument("--size", default=argparse.SUPPRESS, metavar="X,Y,Z",
                        help="voxels of each volume, slices last (default: 160,160,40); ROWS,COLUMNS of each image "
                        "(default: 256,256)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it exists")


def run(args):
    """Writes the cohort; returns 0."""
    size = _size(args.size) if "size" in args else None
    chest_ct.write_cohort(args.out, args.cohort, args.cases, args.seed, size, args.overwrite)
    progress.say(f"{args.out}: {args.cases} cases of the {args.cohort} cohort (phantoms, not patients)")
    return 0


def _size(text):
    try:
        return tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        raise ArgumentError("--size", "whole numbers such as 160,160,40", repr(text),
                            "write them with commas or x between") from None
