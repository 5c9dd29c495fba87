"""Sizes on the command line: whole numbers with commas or x between them."""

__all__ = ["sizes"]

from covid3dgan.errors import ArgumentError

_NUMBERS = {2: "two", 3: "three"}


def sizes(option, text, names):
    """``text`` as a tuple of ints, or None where it is None.

    Args:
        option: the option's name, for the error.
        names: what the numbers are, e.g. "ROWS,COLUMNS"; as many are expected.
    """
    if text is None:
        return None
    parts = text.replace("x", ",").split(",")
    count = len(names.split(","))
    if len(parts) != count or not all(part.strip().isdigit() for part in parts):
        raise ArgumentError(option, f"{_NUMBERS[count]} whole numbers {names}", repr(text), "correct it")
    return tuple(int(part) for part in parts)
