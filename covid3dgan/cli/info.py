"""``covid3dgan info [PRESET]``: versions, presets, verbs and optional parts, without importing TensorFlow.

A paper's preset is printed with the words of the paper that hold each field, or the statement that it is silent.
"""

__all__ = ["add_arguments", "run"]

import json

import covid3dgan
from covid3dgan import environment, presets
from covid3dgan.errors import ArgumentError


def add_arguments(parser):
    parser.add_argument("preset", nargs="?", help="print this preset in full")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="FIELD=VALUE",
                        help="override a field of the preset; may be given several times")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args):
    if args.preset:
        print(_preset(args.preset, args.settings, args.json))
        return 0
    if args.settings:
        raise ArgumentError("--set", "a preset whose fields it overrides", "none",
                            f"name it, as in: covid3dgan info shabani/paper --set {args.settings[0]}")
    from covid3dgan.cli.main import VERBS

    facts = {"covid3dgan": covid3dgan.__version__, "versions": environment.versions(),
             "optional_parts": environment.optional_parts(), "machine": environment.machine(),
             "presets": {name: presets.get(name).summary for name in presets.names()}, "verbs": VERBS}
    if args.json:
        print(json.dumps(facts, indent=1))
        return 0
    print(f"covid3dgan {facts['covid3dgan']}  (research software, not a medical device)\n")
    for title in ("versions", "optional_parts", "machine", "presets", "verbs"):
        print(title.replace("_", " "))
        width = max((len(key) for key in facts[title]), default=0)
        for key, value in facts[title].items():
            print(f"  {key:<{width}}  {'yes' if value is True else 'no' if value is False else value}")
        print()
    return 0


def _preset(name, settings, as_json):
    """A preset in full, as JSON or as text, with its quotations where it has some."""
    from covid3dgan.evaluation.quotations import form

    preset = presets.override(presets.get(name), settings)
    table = form.of_preset(name)
    if not as_json:
        return presets.describe(preset) if table is None else form.describe(preset, table)
    content = presets.as_dict(preset)
    if table is not None:
        content["quotations"] = form.as_json(preset, table)
    return json.dumps(content, indent=1)
