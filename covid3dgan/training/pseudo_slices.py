"""What the 2D networks train on: COVID slices with the pseudo-masks of a GAN run, and healthy slices."""

__all__ = ["PseudoSlices", "as_slices", "load_pseudo_slices", "stretched"]

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np

from covid3dgan.data.preprocess.prepared_set import PreparedSet, open_prepared
from covid3dgan.errors import InputError
from covid3dgan.inference.pseudo_masks import make_pseudo_masks
from covid3dgan.training.shabani.calibration import calibrated_targets
from covid3dgan.training.shabani.train_gan import load_generator

# 7 HU: a generator that changes nothing in healthy lungs must not make targets of rounding errors.
SMALLEST_LEVEL = 0.005


@dataclasses.dataclass(frozen=True)
class PseudoSlices:
    """Slices in scanning order, case after case.

    Attributes:
        cases: the prepared cases, healthy ones too.
        gan_step: training steps of the GAN.
        slices, targets: (S, H, W) float32, COVID slices and their pseudo-masks.
        lung_pixels: (S,) lung pixels of each.
        healthy, healthy_lungs: (M, D, H, W) float32 healthy volumes and their lung masks; None where there are none.
    """

    cases: PreparedSet
    gan_step: int
    slices: np.ndarray
    targets: np.ndarray
    lung_pixels: np.ndarray
    healthy: Optional[np.ndarray]
    healthy_lungs: Optional[np.ndarray]

    @property
    def healthy_pixels(self):
        """(M * D,) lung pixels of each healthy slice; None where there are none."""
        return None if self.healthy_lungs is None else _pixels(self.healthy_lungs)


def load_pseudo_slices(data, gan, pseudo, seed, segmenter):
    """Reads the prepared cases and makes their pseudo-masks.

    Args:
        data: a folder of prepared cases, or a list of them.
        gan: the GAN run whose generator makes the pseudo-masks.
        pseudo: presets.stages.Pseudo.
        seed: seeds the latent noise.
        segmenter: presets.stages.Segmenter, which says on what scale the targets are: as the differences are, stretched
            (``target_quantile``) or calibrated (``calibration_steps``).
    """
    folders = [data] if isinstance(data, (str, Path)) else list(data)
    cases = open_prepared(*folders)
    covid, healthy = cases.only("covid"), cases.only("healthy")
    if not len(covid):
        raise InputError(folders[0], "COVID cases to train on", "none", "preprocess a data set that has some")
    generator, gan_preset, gan_step = load_generator(gan)
    if cases.shape != tuple(gan_preset.gan.volume_shape):
        raise InputError(folders[0], f"volumes of the GAN's shape {gan_preset.gan.volume_shape}", f"{cases.shape}",
                         "preprocess with the preset that trained the GAN")
    volumes, lungs = np.asarray(covid.array("lung")), np.asarray(covid.array("lung_mask"))
    clean = clean_lungs = None
    if len(healthy):
        clean, clean_lungs = np.asarray(healthy.array("lung")), np.asarray(healthy.array("lung_mask"))
    _check_scale(segmenter, clean)
    if segmenter.calibration_steps:
        targets = calibrated_targets(generator, volumes, lungs, clean, clean_lungs, pseudo, seed,
                                     segmenter.calibration_steps)
    else:
        targets = make_pseudo_masks(generator, volumes, lungs, pseudo, seed).difference
    if segmenter.target_quantile is not None:
        changes = make_pseudo_masks(generator, clean, clean_lungs, pseudo, seed).difference[clean_lungs > 0.5]
        targets = stretched(targets, float(np.quantile(changes, segmenter.target_quantile)))
    return PseudoSlices(cases, gan_step, as_slices(volumes), as_slices(targets), _pixels(lungs), clean, clean_lungs)


def _check_scale(segmenter, clean):
    """Refuses two scales at once, and one that needs healthy cases where there are none."""
    if segmenter.calibration_steps and segmenter.target_quantile is not None:
        raise InputError("segmenter.calibration_steps", "targets on one scale", "segmenter.target_quantile beside it",
                         "set segmenter.target_quantile=none or segmenter.calibration_steps=0")
    if clean is None and segmenter.calibration_steps:
        raise InputError("segmenter.calibration_steps", "healthy cases to paint lesions into", "none",
                         "pass healthy cases or set segmenter.calibration_steps=0")
    if clean is None and segmenter.target_quantile is not None:
        raise InputError("segmenter.target_quantile", "healthy cases to measure the generator's differences on", "none",
                         "pass healthy cases or set segmenter.target_quantile=none")


def stretched(targets, level):
    """Pseudo-masks of any shape on a scale where a difference of ``level`` is 0.5, cut to [0, 1], float32."""
    return np.clip(targets / max(level, SMALLEST_LEVEL) - 0.5, 0.0, 1.0).astype(np.float32)


def as_slices(volumes):
    """(N, D, H, W) -> (N * D, H, W)."""
    return volumes.reshape(-1, *volumes.shape[2:])


def _pixels(lungs):
    return (as_slices(lungs) > 0.5).sum((1, 2))
