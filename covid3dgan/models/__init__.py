"""The networks: functions that return a named ``keras.Model``, one architecture per file.

Builders load with the first use of their name, so a program that needs one network imports one.
"""

import importlib

_HOMES = {
    "build_generator": "generator3d",
    "noise_shape": "generator3d",
    "build_discriminator": "discriminator3d",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
