"""``covid3dgan train NETWORK DATA... RUN``: trains one network of a system from a preset."""

__all__ = ["add_arguments", "add_training_options", "training_options_from", "run"]

from covid3dgan import papers, presets, progress
from covid3dgan.errors import ArgumentError

OWN_OPTIONS = ("gan", "masks", "validation", "start", "backbone_weights")  # which not all networks share


def add_arguments(parser):
    parser.add_argument("network", choices=list(papers.networks()),
                        help="what to train; ssinfnet: all that its prediction needs")
    parser.add_argument("data", nargs="+", help="folders of prepared cases ('covid3dgan preprocess'); "
                        "afseg: one folder of images; infnet, ssinfnet: folders of data sets, "
                        "one with labelled ground glass and consolidation")
    parser.add_argument("run", help="the run directory to make")
    parser.add_argument("--gan", metavar="RUN", help=f"{_takers('gan')}: the GAN run that makes its pseudo-masks")
    parser.add_argument("--masks", action="store_true", default=None,
                        help=f"{_takers('masks')}: learns from the cases' own masks, drawn or corrected by people, in "
                        "place of pseudo-masks; without --gan")
    parser.add_argument("--validation", metavar="DATA",
                        help=f"{_takers('validation')}: prepared cases with masks on which the threshold is tuned (and "
                             "the weights are chosen: transunet.keep=best)")
    parser.add_argument("--start", metavar="RUN",
                        help=f"{_takers('start')}: the infnet-painter run whose weights it starts from")
    parser.add_argument("--backbone-weights", metavar="FILE",
                        help=f"{_takers('backbone_weights')}: ImageNet weights of the trunk, torchvision's .pth (or "
                        ".npz, .safetensors of its names) or Keras' .h5; random without")
    add_training_options(parser)


def _takers(option):
    """The networks that take one of OWN_OPTIONS."""
    return ", ".join(name for name, network in papers.networks().items() if option in network.options)


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
    networks = ", ".join(name for name, network in papers.networks().items() if network.large)
    large = parser.add_argument_group(f"large trainings ({networks})")
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
                           resume=args.resume, overwrite=args.overwrite, accumulate=args.accumulate,
                           recompute=args.recompute, strategy=args.strategy)


def run(args):
    network = papers.networks()[args.network]
    preset = _preset(args, network)
    own = _own_options(args, network)
    execution = training_options_from(args)
    execution.refuse_scaling(args.network, *network.large)
    finished = papers.resolve(network.train)(data=args.data, path=args.run, preset=preset, execution=execution, **own)
    collapse = finished.manifest.get("collapse", {})
    for found in collapse.values():
        progress.say(f"warning: at step {found['step']}: {found['message']}")
    progress.say(f"{finished.manifest['status']} at step {finished.manifest['step']}: {finished.path}")
    return 0


def _preset(args, network):
    """The preset that is asked for, or the network's own, with ``--set`` and ``--steps``."""
    if args.steps is not None and args.steps < 1:
        raise ArgumentError("--steps", "a positive number", str(args.steps), "correct it")
    if args.steps is not None and not network.steps:
        in_steps = [name for name, other in papers.networks().items() if other.steps]
        fields = [name for name, _ in presets.registry.fields_of(presets.get(network.preset))
                  if name.endswith("epochs")]
        raise ArgumentError("--steps", f"a network of {', '.join(in_steps)}", args.network,
                            f"set the epochs of its preset with --set ({', '.join(fields)})")
    if args.accumulate < 1:
        raise ArgumentError("--accumulate", "a positive number", str(args.accumulate), "correct it")
    settings = args.settings + ([f"{network.steps}={args.steps}"] if args.steps is not None else [])
    preset = presets.override(presets.get(args.preset or network.preset), settings)
    system = presets.get(network.preset).system
    if network.own_presets and preset.system != system:
        raise ArgumentError("--preset", f"a preset of {system}", f"{preset.name} of {preset.system}",
                            "see 'covid3dgan info'")
    part = network.steps.partition(".")[0]
    if part and not hasattr(preset, part):
        raise ArgumentError("--preset", f"a preset with fields {part}.*", f"{preset.name}, which has none",
                            "see 'covid3dgan info'")
    return preset


def _own_options(args, network):
    """The options that this network takes; one that it does not take is refused."""
    for option in OWN_OPTIONS:
        if getattr(args, option) is not None and option not in network.options:
            raise ArgumentError(f"--{option.replace('_', '-')}", f"a network of {_takers(option)}", args.network,
                                "leave it out")
    if args.masks and args.gan is not None:
        raise ArgumentError("--masks", "no --gan: the masks are those of the cases", f"--gan {args.gan}",
                            "leave one of them out")
    if "gan" in network.options and args.gan is None and not args.masks:
        raise ArgumentError("--gan", "the GAN run that makes the pseudo-masks", "nothing", "pass --gan RUN"
                            + (", or --masks to learn from the cases' own masks" if "masks" in network.options else ""))
    return {option: getattr(args, option) for option in network.options}
