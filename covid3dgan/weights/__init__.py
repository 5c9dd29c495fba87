"""The small trained networks that come along: TFLite files, each with a card (JSON) of the same name beside it.

A card says what the network is, what it was trained on and under which licences, the command and seeds that make it
again, what was measured, and the file's sha256, which is checked before a network is used (docs/MODEL_CARD.md).
"""

__all__ = ["DEFAULT", "FOLDER", "card", "names", "path"]

import json
from pathlib import Path

from covid3dgan.errors import ArgumentError, InputError, nearest_names
from covid3dgan.files import sha256

FOLDER = Path(__file__).parent
DEFAULT = "lesions"  # the segmenter that serves where no model is named


def names():
    """The names of the networks that come along, the default first."""
    return sorted((file.stem for file in FOLDER.glob("*.json")), key=lambda name: (name != DEFAULT, name))


def card(name=DEFAULT):
    """A network's card, as a dictionary."""
    file = FOLDER / f"{name}.json"
    if not file.is_file():
        raise ArgumentError("model", f"one of {', '.join(names())}", f"{name!r}{nearest_names(name, names())}",
                            "name one of them, or the folder or file of a model of your own")
    return json.loads(file.read_text(encoding="utf-8"))


def path(name=DEFAULT):
    """A network's file, whole and unchanged.

    Raises:
        InputError: the file is missing or is not the one that its card describes.
    """
    known = card(name)
    file = FOLDER / known["file"]
    if not file.is_file():
        raise InputError(file, "the network that comes along", "no such file", "install covid3dgan again")
    found = sha256(file)
    if found != known["sha256"]:
        raise InputError(file, f"the network of its card (sha256 {known['sha256'][:12]}...)",
                         f"another file ({found[:12]}...)", "install covid3dgan again")
    return file
