"""Progress bars for work longer than three seconds; silent under ``--quiet`` and off a terminal."""

__all__ = ["bar", "say", "set_quiet"]

import sys

from tqdm import tqdm

_quiet = False


def set_quiet(quiet):
    """Turns progress bars and messages off (True) or on (False) for this process."""
    global _quiet
    _quiet = bool(quiet)


def bar(iterable=None, total=None, description="", unit="it", initial=0):
    """A tqdm bar with rate and time left, on standard error, shown only on a terminal."""
    return tqdm(iterable, total=total, desc=description, unit=unit, initial=initial, leave=True,
                dynamic_ncols=True, disable=_quiet or not sys.stderr.isatty(), file=sys.stderr)


def say(message):
    """Prints one line of information to standard error unless quiet."""
    if not _quiet:
        tqdm.write(message, file=sys.stderr)
