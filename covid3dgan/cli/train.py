"""``covid3dgan train NETWORK DATA... RUN``: trains one network of a system from a preset."""

__all__ = ["NETWORKS", "add_arguments", "add_training_options", "how_from", "run"]

import importlib

from covid3dgan import presets, progress
from covid3dgan.errors import ArgumentError

# Network -> (module with the function, its name, the preset that is used where none is named). Every function takes
# (data, run path, preset, how, **the options below) and returns the Run.
NETWORKS = {
    "gan": ("covid3dgan.training.train_gan", "train_gan", "shabani/improved"),
    "segmenter": ("covid3dgan.training.train_segmenter", "train_segmenter", "shabani/improved"),
    "transunet": ("covid3dgan.training.train_transunet", "train_transunet", "khali/improved"),
    "afseg": ("covid3dgan.systems.afseg", "train", "afseg/cells"),
}
# The preset field that --steps sets, per network.
STEPS = {"gan": "gan.steps", "segmenter": "segmenter.steps", "transunet": "transunet.steps"}


def add_arguments(parser):
    parser.add_argument("network", choices=list(NETWORKS), help="what to train")
    parser.add_argument("data", nargs="+", help="folders of prepared cases ('covid3dgan preprocess'); "
                                             "afseg: one folder of images")
    parser.add_argument("run", help="the run directory to make")
    parser.add_argument("--gan", metavar="RUN", help="segmenter, transunet: the GAN run that makes its pseudo-masks")
    parser.add_argument("--validation", metavar="DATA",
                        help="segmenter, transunet: prepared cases with masks on which the threshold is tuned")
    add_training_options(parser)


def add_training_options(parser):
    """The options that every training shares."""
    parser.add_argument("--preset", help="preset name; the improved recipe by default (see 'covid3dgan info')")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of the preset; may be given several times")
    parser.add_argument("--steps", type=int, help="shorthand for --set NETWORK.steps=N")
    parser.add_argument("--seed", type=int, default=0, help="seeds weights, data and noise")
    parser.add_argument("--precision", default="auto", choices=["float32", "mixed_bfloat16", "mixed_float16", "auto"],
                        help="auto takes the fastest that the machine has units for")
    parser.add_argument("--deterministic", action="store_true",
                        help="reproducible kernels: with --precision float32 bit for bit on a CPU")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="continue the run from its newest whole checkpoint")
    group.add_argument("--overwrite", action="store_true", help="remove a run that is in RUN")


def how_from(args):
    """The training.conduct.How that the options ask for."""
    from covid3dgan.training.conduct import How

    return How(seed=args.seed, precision=args.precision, deterministic=args.deterministic, resume=args.resume,
               overwrite=args.overwrite)


def run(args):
    module, function, default = NETWORKS[args.network]
    if args.steps is not None and args.steps < 1:
        raise ArgumentError("--steps", "a positive number", str(args.steps), "correct it")
    if args.steps is not None and args.network not in STEPS:
        raise ArgumentError("--steps", f"a network of {', '.join(STEPS)}", args.network,
                            "use --set synthesis.constant_epochs=N")
    settings = args.settings + ([f"{STEPS[args.network]}={args.steps}"] if args.steps is not None else [])
    preset = presets.override(presets.get(args.preset or default), settings)
    extra = {}
    if args.network in ("segmenter", "transunet"):
        if args.gan is None:
            raise ArgumentError("--gan", "the GAN run that makes the pseudo-masks", "nothing", "pass --gan RUN")
        extra = {"gan": args.gan, "validation": args.validation}
    train = getattr(importlib.import_module(module), function)
    finished = train(data=args.data, path=args.run, preset=preset, how=how_from(args), **extra)
    collapse = finished.manifest.get("collapse", {})
    for found in collapse.values():
        progress.say(f"warning: at step {found['step']}: {found['message']}")
    progress.say(f"{finished.manifest['status']} at step {finished.manifest['step']}: {finished.path}")
    return 0
