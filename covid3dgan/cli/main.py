"""``covid3dgan VERB``: finds the verb's file, parses, runs, and turns errors into one sentence and an exit code.

Exit codes: 0 done, 1 failed at run time, 2 wrong arguments.
"""

__all__ = ["VERBS", "main"]

import argparse
import importlib
import os
import sys
import warnings

import covid3dgan
from covid3dgan import progress
from covid3dgan.cli.shared.examples import EXAMPLES
from covid3dgan.errors import InputError, InputWarning, missing_sentence, system_sentence
from covid3dgan.quiet_start import quiet_tensorflow

# Verb -> one line of help. Each verb lives in covid3dgan/cli/<verb>.py (hyphens become underscores) and offers
# add_arguments(parser) and run(args) -> exit code. The files are imported only when their verb is called.
VERBS = {
    "demo": "phantoms, the whole Shabani system at laptop size, and its report",
    "info": "versions, presets, verbs and optional parts; or one preset in full",
    "phantom": "write synthetic chest CTs with infection and lung masks",
    "verify": "check a data set and report errors, warnings and facts per file",
    "preprocess": "turn a data set into network-ready arrays",
    "train": "train a network of a system from a preset",
    "pseudo-mask": "pseudo-healthy volumes, differences and slice sums from a trained GAN",
    "predict": "lesion masks for CTs, in the input's own geometry",
    "view": "one HTML page that shows CTs and masks in a browser, without a network",
    "app": "open CTs in the browser, see the lesions, correct them, keep the result; on this machine alone",
    "evaluate": "compare masks with a reference under a named protocol",
    "finetune": "the segmenter learns on from masks that people corrected, scored on held-out ones",
    "reproduce": "a paper's whole system, its tables and figures beside the paper's numbers",
    "export": "SavedModel and TFLite, run back and compared before they are kept",
    "import-weights": "read the published HDF5 weights into today's formats",
    "notebook": "run a published notebook on today's stack",
}


def build_parser():
    """The top-level parser: global options and the list of verbs."""
    lines = "\n".join(f"  {verb:<15} {text}" for verb, text in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="covid3dgan", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Self-supervised segmentation of COVID-19 lesions in chest CT (research software, "
                    "not a medical device).",
        epilog=f"verbs:\n{lines}\n\n'covid3dgan VERB --help' explains one of them.")
    parser.add_argument("--version", action="version", version=f"covid3dgan {covid3dgan.__version__}")
    parser.add_argument("verb", metavar="VERB", choices=list(VERBS), help="one of the verbs below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults that say something, and the examples line by line."""

    def _get_help_string(self, action):
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def verb_parser(name, verb):
    """The parser of one verb, with its examples below the options."""
    examples = [f"  covid3dgan {name} {example}".rstrip() for example in EXAMPLES.get(name, ())]
    parser = argparse.ArgumentParser(prog=f"covid3dgan {name}", description=VERBS[name],
                                     formatter_class=HelpFormatter, epilog="\n".join(["examples:", *examples]))
    verb.add_arguments(parser)
    common_options(parser)
    return parser


def common_options(parser):
    """The options every verb shares."""
    group = parser.add_argument_group("common options")
    group.add_argument("--quiet", action="store_true", help="no progress bars and no messages")
    group.add_argument("--debug", action="store_true", help="show a traceback where something fails")


def main(argv=None):
    """Runs one command; returns its exit code.

    Args:
        argv: the arguments after the program's name; ``sys.argv[1:]`` by default.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        outer = build_parser().parse_args(argv)
    except SystemExit as exit_request:
        return exit_request.code or 0
    if "--debug" not in outer.arguments:
        quiet_tensorflow()
    verb = importlib.import_module(f"covid3dgan.cli.{outer.verb.replace('-', '_')}")
    parser = verb_parser(outer.verb, verb)
    try:
        args = parser.parse_args(outer.arguments)
    except SystemExit as exit_request:
        return exit_request.code or 0
    return _run(verb, args, f"covid3dgan {outer.verb}")


def _run(verb, args, program):
    progress.set_quiet(args.quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("always", InputWarning)
        shown = warnings.showwarning

        def show(message, category, *rest, **named):
            if issubclass(category, InputWarning):
                print(f"{program}: warning: {message}", file=sys.stderr)
            else:
                shown(message, category, *rest, **named)

        warnings.showwarning = show
        try:
            return verb.run(args) or 0
        except KeyboardInterrupt as interruption:
            done = f": {interruption}" if str(interruption) else ""
            print(f"{program}: interrupted{done}", file=sys.stderr)
            return 1
        except BrokenPipeError:
            # The reader of our output (head, less) has gone; Python would complain again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except InputError as error:
            if args.debug:
                raise
            print(f"{program}: {error}", file=sys.stderr)
            return error.exit_code
        except Exception as error:  # the last resort: one sentence, the traceback only under --debug
            if args.debug:
                raise
            print(f"{program}: {_in_a_sentence(error)}", file=sys.stderr)
            return 1


def _in_a_sentence(error):
    """What an error that nobody foresaw says to a user."""
    text = None
    if isinstance(error, ModuleNotFoundError):
        text = missing_sentence(error)
    elif isinstance(error, OSError) and error.filename is not None:
        text = system_sentence(error)
    return text or f"failed: {type(error).__name__}: {error} (--debug shows where)"


if __name__ == "__main__":
    sys.exit(main())
