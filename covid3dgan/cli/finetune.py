"""``covid3dgan finetune FOLDER --out DIR``: the segmenter learns on from corrected masks, and is held to the proof."""

__all__ = ["add_arguments", "run"]

import shlex
import sys

from covid3dgan import presets, progress


def add_arguments(parser):
    parser.add_argument("folder", metavar="FOLDER", help="corrected cases: images/NAME.nii.gz, masks/NAME.nii.gz and, "
                        "where they are known, lungs/NAME.nii.gz and cases.csv, as the app saves them; or another data "
                        "set with masks (docs/DATASETS.md)")
    parser.add_argument("--out", required=True, help="the folder to make, or to go on with: segmenter.tflite for "
                        "'predict --model', report.html, results.json")
    parser.add_argument("--model", help="the segmenter that learns on: a run of 'train segmenter' or a float32 "
                        "segmenter.tflite; left out, the network that comes along, which stays as it is")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of shabani/finetune, e.g. finetune.folds=5 or segmenter.steps=500")
    parser.add_argument("--seed", type=int, default=0, help="seeds folds, batches and dropout")
    parser.add_argument("--precision", default="auto", choices=["float32", "mixed_bfloat16", "mixed_float16", "auto"],
                        help="auto takes the fastest that the machine has units for")
    parser.add_argument("--deterministic", action="store_true",
                        help="reproducible kernels: with --precision float32 bit for bit on a CPU")
    parser.add_argument("--overwrite", action="store_true", help="do everything anew")


def run(args):
    preset = presets.override(presets.get("shabani/finetune"), args.settings)
    from covid3dgan.systems.finetune.finetune_report import terminal_table
    from covid3dgan.systems.finetune.recipe import finetune
    from covid3dgan.training.loop import TrainingOptions

    execution = TrainingOptions(seed=args.seed, precision=args.precision, deterministic=args.deterministic)
    results = finetune(args.folder, args.out, preset, execution, args.model,
                       shlex.join(["covid3dgan", *sys.argv[1:]]), args.overwrite)
    print(terminal_table(results))
    print(f"\n{results['sentence']}")
    for problem in results["problems"]:
        print(f"covid3dgan finetune: {problem}", file=sys.stderr)
    progress.say(f"report: {args.out}/report.html; the network: {args.out}/segmenter.tflite")
    return 1 if results["problems"] else 0
