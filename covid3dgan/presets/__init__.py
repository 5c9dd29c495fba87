"""Presets: every hyper-parameter of every system as data.

    >>> from covid3dgan import presets
    >>> presets.get("shabani/published").gan.batch_size
    5

A preset is a frozen dataclass of frozen dataclasses, one per stage. ``override`` changes fields by name
(``gan.batch_size=8``); an unknown field or a value of the wrong type is an ArgumentError with the nearest names.
Nothing in this package imports TensorFlow.
"""

from covid3dgan.presets.registry import as_dict, describe, from_dict, get, names, override, register

__all__ = ["as_dict", "describe", "from_dict", "get", "names", "override", "register"]
