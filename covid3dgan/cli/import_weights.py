"""``covid3dgan import-weights FILE [OUT]``: the published HDF5 weights as a run directory and a ``.keras`` file."""

__all__ = ["add_arguments", "run"]

from covid3dgan import progress
from covid3dgan.cli.shared.sizes import sizes


def add_arguments(parser):
    parser.add_argument("file", metavar="FILE",
                        help="generator, discriminator, my_en_de or my_train_en_con as the notebooks saved them: "
                             "HDF5 of Keras 2, a whole model or weights alone, with or without a suffix; no code in it "
                             "is run")
    parser.add_argument("out", nargs="?", metavar="OUT",
                        help="the run directory to make; under saved_models/ by default")
    parser.add_argument("--shape", metavar="SLICES,ROWS,COLUMNS",
                        help="what the network is to take where the file holds weights alone; 32,128,128 as published")
    parser.add_argument("--overwrite", action="store_true", help="replace a run that is in OUT")


def run(args):
    shape = sizes("--shape", args.shape, "SLICES,ROWS,COLUMNS")
    from covid3dgan.export.published import import_weights

    made, found = import_weights(args.file, args.out, shape, args.overwrite)
    progress.say(f"{found.part} imported: {made.path}")
    if found.part == "segmenter":
        progress.say(f"next: covid3dgan predict CT OUT --model {made.path}")
    return 0
