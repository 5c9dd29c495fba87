"""The networks: functions that return a named ``keras.Model``, one architecture per file.

Builders load with the first use of their name, so a program that needs one network imports one.
"""

import importlib

_HOMES = {
    "build_generator": "generator3d",
    "noise_shape": "generator3d",
    "build_discriminator": "discriminator3d",
    "build_encoder2d": "encoder2d",
    "build_segmenter": "bcdunet",
    "build_contrastive_encoder": "contrastive",
    "adapt_normalization": "contrastive",
    "load_model": "weight_files.saving",
    "build_transunet": "transunet",
    "build_infnet": "infnet",
    "add_inpainting_heads": "infnet",
    "build_infnet_multi": "infnet_multi",
    "add_multi_inpainting": "infnet_multi",
    "build_coach": "coach",
    "erasing_mask": "coach",
    "build_afseg_discriminator": "afseg",
    "build_afseg_generator": "afseg",
    "build_afseg_segmenter": "afseg",
    "build_dip": "dip",
    "load_backbone": "weight_files.backbone_weights",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
