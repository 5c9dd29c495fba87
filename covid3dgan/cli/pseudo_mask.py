"""``covid3dgan pseudo-mask GAN_RUN DATA... OUT``: pseudo-healthy volumes, differences and slice sums."""

__all__ = ["add_arguments", "run"]

from covid3dgan import presets, progress


def add_arguments(parser):
    parser.add_argument("gan", help="a GAN run directory")
    parser.add_argument("data", nargs="+", help="folders of prepared cases")
    parser.add_argument("out", help="folder to make: NIfTI volumes in each CT's own grid, slice sums and a figure")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of the run's preset, e.g. pseudo.latent_samples=8")
    parser.add_argument("--seed", type=int, default=0, help="seeds the latent noise")
    parser.add_argument("--overwrite", action="store_true", help="replace what is in OUT")


def run(args):
    from covid3dgan.inference.write_pseudo_masks import write_pseudo_masks
    from covid3dgan.runs.directory import open_run

    _, preset = open_run(args.gan, "gan")
    preset = presets.override(preset, args.settings)
    count = write_pseudo_masks(args.gan, args.data, args.out, preset.pseudo, args.seed, args.overwrite)
    progress.say(f"{count} cases: {args.out}")
    return 0
