"""``covid3dgan train NETWORK DATA... RUN``: trains one network of a system from a preset."""

__all__ = ["NETWORKS", "add_arguments", "add_training_options", "training_options_from", "run"]

import importlib

from covid3dgan import presets, progress
from covid3dgan.errors import ArgumentError

# Network -> (module with the function, its name, the preset that is used where none is named). Every function takes
# (data, run path, preset, how, **its own options below) and returns the Run.
NETWORKS = {
    "gan": ("covid3dgan.training.shabani.train_gan", "train_gan", "shabani/improved"),
    "segmenter": ("covid3dgan.training.shabani.train_segmenter", "train_segmenter", "shabani/improved"),
    "transunet": ("covid3dgan.training.khali.train_transunet", "train_transunet", "khali/improved"),
    "afseg": ("covid3dgan.systems.afseg", "train", "afseg/cells"),
    "infnet-painter": ("covid3dgan.systems.ssinfnet", "train_painter", "ssinfnet/paper"),
    "infnet": ("covid3dgan.systems.ssinfnet", "train_infnet", "ssinfnet/paper"),
    "ssinfnet": ("covid3dgan.systems.ssinfnet", "train", "ssinfnet/paper"),
}
# The preset field that --steps sets, per network.
STEPS = {"gan": "gan.steps", "segmenter": "segmenter.steps", "transunet": "transunet.steps"}
# Which networks take which of the options that not all share.
TAKEN_BY = {"gan": ("segmenter", "transunet"), "validation": ("segmenter", "transunet"), "start": ("infnet",),
            "backbone_weights": ("infnet-painter", "infnet", "ssinfnet")}

# Which networks take which of the options for large trainings.
LARGE = {"gan": ("accumulate", "recompute", "strategy"), "segmenter": ("recompute", "strategy")}


def add_arguments(parser):
    parser.add_argument("network", choices=list(NETWORKS),
                        help="what to train; ssinfnet: all that its prediction needs")
    parser.add_argument("data", nargs="+", help="folders of prepared cases ('covid3dgan preprocess'); "
                        "afseg: one folder of images; infnet, ssinfnet: folders of data sets, "
                        "one with labelled ground glass and consolidation")
    parser.add_argument("run", help="the run directory to make")
    parser.add_argument("--gan", metavar="RUN", help="segmenter, transunet: the GAN run that makes its pseudo-masks")
    parser.add_argument("--validation", metavar="DATA",
                        help="segmenter, transunet: prepared cases with masks on which the threshold is tuned")
    parser.add_argument("--start", metavar="RUN", help="infnet: the infnet-painter run whose weights it starts from")
    parser.add_argument("--backbone-weights", metavar="FILE",
                        help="infnet-painter, infnet, ssinfnet: ImageNet weights of the trunk, torchvision's .pth (or "
                        ".npz, .safetensors of its names) or Keras' .h5; random without")
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
    large = parser.add_argument_group("large trainings (gan, segmenter)")
    large.add_argument("--accumulate", type=int, default=1, metavar="PARTS",
                       help="gan: sum the gradients of so many parts of each batch, which takes less memory")
    large.add_argument("--recompute", action="store_true",
                       help="compute activations again for the gradients, which takes less memory and more time")
    large.add_argument("--strategy", default="none", choices=["none", "mirrored", "multi_worker"],
                       help="train on all devices of this machine, or on the workers of TF_CONFIG (docs/cluster)")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="continue the run from its newest whole checkpoint")
    group.add_argument("--overwrite", action="store_true", help="remove a run that is in RUN")


def training_options_from(args):
    """The training.loop.TrainingOptions that the options ask for."""
    from covid3dgan.training.loop import TrainingOptions

    return TrainingOptions(seed=args.seed, precision=args.precision, deterministic=args.deterministic,
                           resume=args.resume,
                           overwrite=args.overwrite, accumulate=args.accumulate, recompute=args.recompute,
                           strategy=args.strategy)


def run(args):
    module, function, default = NETWORKS[args.network]
    if args.steps is not None and args.steps < 1:
        raise ArgumentError("--steps", "a positive number", str(args.steps), "correct it")
    if args.steps is not None and args.network not in STEPS:
        fields = [name for name, _ in presets.registry.fields_of(presets.get(default)) if name.endswith("epochs")]
        raise ArgumentError("--steps", f"a network of {', '.join(STEPS)}", args.network,
                            f"set the epochs of its preset with --set ({', '.join(fields)})")
    if args.accumulate < 1:
        raise ArgumentError("--accumulate", "a positive number", str(args.accumulate), "correct it")
    settings = args.settings + ([f"{STEPS[args.network]}={args.steps}"] if args.steps is not None else [])
    preset = presets.override(presets.get(args.preset or default), settings)
    own_system = presets.get(default).system
    if preset.system != own_system and own_system in ("afseg", "ssinfnet"):
        raise ArgumentError("--preset", f"a preset of {own_system}", f"{preset.name} of {preset.system}",
                            "see 'covid3dgan info'")
    extra = _own_options(args)
    train = getattr(importlib.import_module(module), function)
    execution = training_options_from(args)
    execution.refuse_scaling(args.network, *LARGE.get(args.network, ()))
    finished = train(data=args.data, path=args.run, preset=preset, execution=execution, **extra)
    collapse = finished.manifest.get("collapse", {})
    for found in collapse.values():
        progress.say(f"warning: at step {found['step']}: {found['message']}")
    progress.say(f"{finished.manifest['status']} at step {finished.manifest['step']}: {finished.path}")
    return 0


def _own_options(args):
    """The options that this network takes; one that it does not take is refused."""
    for option, networks in TAKEN_BY.items():
        value = getattr(args, option)
        if value is not None and args.network not in networks:
            raise ArgumentError(f"--{option.replace('_', '-')}", f"a network of {', '.join(networks)}", args.network,
                                "leave it out")
    if args.network in TAKEN_BY["gan"] and args.gan is None:
        raise ArgumentError("--gan", "the GAN run that makes the pseudo-masks", "nothing", "pass --gan RUN")
    return {option: getattr(args, option) for option, networks in TAKEN_BY.items() if args.network in networks}
