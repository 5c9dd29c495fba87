"""``covid3dgan export RUN_OR_WEIGHTS [OUT]``: SavedModel and TFLite, kept only if they compute the same."""

__all__ = ["add_arguments", "run"]

import sys

from covid3dgan import progress
from covid3dgan.cli.shared.sizes import sizes


def add_arguments(parser):
    parser.add_argument("source", metavar="RUN_OR_WEIGHTS",
                        help="a run directory, the folder of 'train ssinfnet', a .keras file, or published HDF5 "
                             "weights (with or without a suffix)")
    parser.add_argument("out", nargs="?", metavar="OUT",
                        help="the folder to make: saved_model/, PART.tflite, export_report.json; "
                             "under saved_models/ by default")
    parser.add_argument("--format", default="both", choices=["savedmodel", "tflite", "both"], help="what to write")
    parser.add_argument("--precision", default="float32", choices=["float32", "float16", "dynamic-int8"],
                        help="of the TFLite file's weights; a SavedModel is always float32")
    parser.add_argument("--part", help="which network: generator, discriminator, segmenter, encoder, transunet, "
                                       "infnet, infnet-multi, ssinfnet (both and the prior between them), coach, "
                                       "afseg-segmenter, afseg-generator or afseg-discriminator; by default what the "
                                       "run is for")
    parser.add_argument("--sides", metavar="ROWS,COLUMNS",
                        help="size of a TFLite file's images where the network takes any; the preset's by default")
    parser.add_argument("--seed", type=int, default=0, help="seeds the inputs that files and network are compared on")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export that is in OUT")


def run(args):
    sides = sizes("--sides", args.sides, "ROWS,COLUMNS")
    from covid3dgan.export import table
    from covid3dgan.export.write import export

    out, report = export(args.source, args.out, args.format, args.precision, args.part, sides, args.overwrite,
                         args.seed, command=sys.argv)
    if not args.quiet:
        print(table.render(report))
    progress.say(f"kept, since every file agrees with the network: {out}")
    return 0
