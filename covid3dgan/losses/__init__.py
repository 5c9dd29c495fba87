"""The losses: functions from tensors to a scalar, one loss per file. Each loads with the first use of its name."""

import importlib

_HOMES = {
    "check_contrastive_labels": "contrastive_labels",
    "discriminator_loss": "adversarial",
    "generator_loss": "adversarial",
    "npairs_loss": "npairs",
    "supcon_loss": "supcon",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
