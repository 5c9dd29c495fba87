"""Whose code asks: a notebook's, or a library's that looks whether something is installed."""

__all__ = ["called_by_notebook"]

import re
import sys

_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python3|^<frozen")
_BETWEEN = ("importlib", "covid3dgan.notebooks.vanished_modules", "covid3dgan.notebooks.library_idioms")


def called_by_notebook():
    """Whether a cell, a file of the user's or the runner asks; a library that looks for pandas must not find it.

    The first frame outside the import machinery tells: cells are ``__main__``, the user's files are in no folder of
    installed packages.
    """
    frame = sys._getframe(2)
    while frame is not None:
        name, file = frame.f_globals.get("__name__", ""), frame.f_code.co_filename
        if not (name.startswith(_BETWEEN) or file.startswith("<frozen importlib")):
            if name.startswith("covid3dgan"):
                return name.startswith("covid3dgan.notebooks")
            return name == "__main__" or not _INSTALLED.search(file)
        frame = frame.f_back
    return False
