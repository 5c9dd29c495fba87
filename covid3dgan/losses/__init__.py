"""The losses: functions from tensors to a scalar, one loss per file. Each loads with the first use of its name."""

import importlib

_HOMES = {
    "check_contrastive_labels": "contrastive_labels",
    "coach_loss": "coach",
    "discriminator_loss": "adversarial",
    "enhanced_contrastive_loss": "enhanced_contrastive",
    "fit_temperature": "temperature",
    "focal_loss": "multi_class",
    "generator_loss": "adversarial",
    "infnet_loss": "structure",
    "inpainting_loss": "masked_inpainting",
    "masked_means": "masked_inpainting",
    "multi_class_loss": "multi_class",
    "npairs_loss": "npairs",
    "sensitivity_loss": "sensitivity",
    "structure_loss": "structure",
    "supcon_loss": "supcon",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
