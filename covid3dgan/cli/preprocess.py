"""``covid3dgan preprocess DATA OUT``: turns a data set into network-ready cases."""

__all__ = ["add_arguments", "run"]

import dataclasses
import os
import sys
from pathlib import Path

from covid3dgan import presets, progress
from covid3dgan.errors import ArgumentError
from covid3dgan.presets.preprocessing import PreprocessOptions

SHOWN = 6  # cases on the contact sheet


def add_arguments(parser):
    parser.add_argument("data", help="a data set (docs/DATASETS.md) or a folder images/ masks/ [lungs/]")
    parser.add_argument("out", help="folder to make: one .npz per case, manifest.json, contact_sheet.png")
    parser.add_argument("--preset", help="take recipe and shape from this preset; shabani/improved where no "
                        "recipe is named")
    parser.add_argument("--recipe", choices=["published", "paper"], help="the recipe, where no preset is named")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field, e.g. preprocess.shape=16,64,64 (with --preset)")
    parser.add_argument("--layout", help="the data set's layout; recognised by itself otherwise")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--published-arrays", action="store_true",
                        help="also write LungImages.npy, InfectionMasks.npy, LungMask.npy and BaseCTImages.npy")
    parser.add_argument("--shards", type=int, metavar="CASES",
                        help="also write OUT/shards with so many cases per file, to train cohorts beyond memory from")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--resume", action="store_true", help="keep the cases that are done")
    group.add_argument("--overwrite", action="store_true", help="replace what is in OUT")


def run(args):
    from covid3dgan.data.preprocess import prepared_case
    from covid3dgan.data.preprocess.dataset import preprocess_dataset
    from covid3dgan.data.preprocess.shards import write_shards
    from covid3dgan.evaluation.figures.prepared import contact_sheet
    from covid3dgan.evaluation.figures.style import save

    if args.shards is not None and args.shards < 1:
        raise ArgumentError("--shards", "a positive number of cases", str(args.shards), "correct it")
    done, problems = preprocess_dataset(args.data, args.out, _options(args), args.layout, args.workers,
                                        args.published_arrays, args.resume, args.overwrite)
    shown = [prepared_case.load(Path(args.out) / f"{name}.npz") for name in done[:SHOWN]]
    save(contact_sheet(shown), Path(args.out) / "contact_sheet.png")
    if args.shards is not None:
        write_shards(args.out, Path(args.out) / "shards", args.shards, args.overwrite or args.resume)
    for problem in problems:
        print(f"covid3dgan preprocess: {problem}", file=sys.stderr)
    progress.say(f"{len(done)} cases prepared, {len(problems)} left out: {args.out}")
    return 1 if problems else 0


def _options(args):
    if args.preset is None and args.recipe is not None and not args.settings:
        return getattr(PreprocessOptions, args.recipe)()
    preset = presets.override(presets.get(args.preset or "shabani/improved"), args.settings)
    if not hasattr(preset, "preprocess"):
        raise ArgumentError("--preset", "a preset that prepares CTs (shabani, elmourabit, khali)",
                            f"{preset.name}, which takes images as they are", "name another, or leave it out")
    options = dataclasses.replace(preset.preprocess, shape=tuple(preset.gan.volume_shape))
    if args.recipe is not None:
        changed = getattr(PreprocessOptions, args.recipe)()
        options = dataclasses.replace(changed, shape=options.shape)
    return options
