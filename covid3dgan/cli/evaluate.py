"""``covid3dgan evaluate PRED REF``: scores masks against references under a named protocol."""

__all__ = ["add_arguments", "run"]

import argparse
import shlex
import sys
from pathlib import Path

from covid3dgan.errors import ArgumentError
from covid3dgan.evaluation import evaluation_output
from covid3dgan.evaluation.evaluate import PROTOCOLS, evaluate
from covid3dgan.files import refuse_overwrite


def add_arguments(parser):
    # Set here and suppressed below: the help would print "(default: None)" after these options otherwise.
    parser.set_defaults(lungs=None, ct=None, threshold=None, rule=None, out=None)
    parser.add_argument("prediction", metavar="PRED", help="a mask or map of scores, or a folder of them (NIfTI, PNG)")
    parser.add_argument("reference", metavar="REF",
                        help="the true mask, a folder of them, or a data set's folder; folders pair by case id")
    parser.add_argument("--lungs", metavar="DIR", default=argparse.SUPPRESS,
                        help="lung masks, for published and khali; a data set brings its own")
    parser.add_argument("--ct", metavar="DIR", default=argparse.SUPPRESS,
                        help="CTs to show behind the masks; a data set brings its own")
    parser.add_argument("--protocol", default="published", choices=list(PROTOCOLS),
                        help="published: paper 001's notebooks; per_volume: each CT one sample; khali: paper 002's "
                             "pixel maximum; ssinfnet: paper 004; afseg: paper 003")
    parser.add_argument("--threshold", type=float, metavar="T", default=argparse.SUPPRESS,
                        help="cut on the predictions (default: 0.2 of each slice's maximum for published and khali, "
                             "else 0.5); masks stay as they are")
    parser.add_argument("--rule", choices=("relative", "absolute"), default=argparse.SUPPRESS,
                        help="whether the threshold is a share of each slice's maximum (published, per_volume)")
    parser.add_argument("--no-slice-filters", action="store_true",
                        help="published: count every infected slice, also below 163 pixels or 1 %% of the lung")
    parser.add_argument("--continuous-dice", action="store_true",
                        help="published, per_volume: also the continuous Dice coefficient, which needs no threshold, "
                             "of the predictions as they are")
    parser.add_argument("--out", metavar="DIR", default=argparse.SUPPRESS,
                        help="write JSON, CSV per case and slice, figures and a report here")
    parser.add_argument("--view", action="store_true", help="also write DIR/view.html, which shows CTs, predictions "
                        "and references in a browser, and link the report's cases to it")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap over cases")
    parser.add_argument("--overwrite", action="store_true", help="replace an evaluation in DIR")


def run(args):
    if args.out:
        refuse_overwrite(Path(args.out) / "results.json", args.overwrite)
    if args.view:
        _check_view(args)
    evaluated = evaluate(args.prediction, args.reference, args.protocol, args.lungs, args.ct, args.threshold,
                         None if args.rule is None else args.rule == "relative", not args.no_slice_filters,
                         args.continuous_dice)
    report, problems = None, list(evaluated.problems)
    if args.out:
        view, shown, unseen = _view(evaluated, args) if args.view else (None, [], [])
        report = evaluation_output.write(evaluated, args.out, args.prediction, args.reference, _command(args),
                                         args.seed, args.overwrite, view, shown)
        problems += [text.rstrip(".") for text in unseen]
    print(evaluation_output.terminal_table(evaluated, args.seed))
    if report:
        print(f"\nreport: {report}")
    for problem in problems:
        print(f"covid3dgan evaluate: {problem}.", file=sys.stderr)
    return 1 if problems else 0


def _check_view(args):
    """An error, before anything is computed, where the page cannot be written."""
    from covid3dgan.viewer.page import require_template

    if not args.out:
        raise ArgumentError("--view", "--out DIR as well, where the page goes", "no --out", "name a folder")
    require_template()
    refuse_overwrite(Path(args.out) / "view.html", args.overwrite)


def _view(evaluated, args):
    """(path of the page or None, the cases that it holds, sentences on what it does not show)."""
    from covid3dgan.evaluation.report import PHANTOM_NOTICE
    from covid3dgan.viewer.evaluated import write_evaluated_page

    page = Path(args.out) / "view.html"
    notice = PHANTOM_NOTICE if evaluation_output.is_phantom(args.reference) else ""
    shown, unseen = write_evaluated_page(evaluated.pairs, page,
                                         f"{Path(args.prediction).resolve().name}: evaluation", notice)
    return page if shown else None, shown, unseen


def _command(args):
    """The command line that makes this evaluation again."""
    words = ["covid3dgan", "evaluate", args.prediction, args.reference, "--protocol", args.protocol]
    for option in ("lungs", "ct", "threshold", "rule", "out"):
        if getattr(args, option) is not None:
            words += [f"--{option}", str(getattr(args, option))]
    flags = ("no-slice-filters", "continuous-dice", "view")
    words += [f"--{name}" for name in flags if getattr(args, name.replace("-", "_"))]
    return shlex.join([*words, "--seed", str(args.seed)])
