"""What the 2D networks train on: COVID slices with a GAN's pseudo-masks, or people's masks, and healthy slices."""

__all__ = ["PseudoSlices", "as_slices", "load_mask_slices", "load_pseudo_slices"]

import dataclasses
from pathlib import Path
from typing import Optional

import numpy as np

from covid3dgan.data.preprocess.prepared_set import PreparedSet, open_prepared
from covid3dgan.errors import InputError
from covid3dgan.inference.pseudo_masks import load_generator, make_pseudo_masks
from covid3dgan.training.calibration import calibrated_targets


@dataclasses.dataclass(frozen=True)
class PseudoSlices:
    """Slices in scanning order, case after case.

    Attributes:
        cases: the prepared cases, healthy ones too.
        gan_step: training steps of the GAN; None where the masks are the cases' own.
        slices, targets: (S, H, W) float32, COVID slices and their pseudo-masks or masks.
        lung_pixels: (S,) lung pixels of each.
        healthy, healthy_lungs: (M, D, H, W) float32 healthy volumes and their lung masks; None where there are none.
    """

    cases: PreparedSet
    gan_step: Optional[int]
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
        segmenter: presets.stages.Segmenter, whose ``calibration_steps`` say whether the targets are the differences as
            they are or calibrated ones.
    """
    folders, cases, covid, healthy = _opened(data)
    generator, gan_preset, gan_step = load_generator(gan)
    if cases.shape != tuple(gan_preset.gan.volume_shape):
        raise InputError(folders[0], f"volumes of the GAN's shape {gan_preset.gan.volume_shape}", f"{cases.shape}",
                         "preprocess with the preset that trained the GAN")
    volumes, lungs = np.asarray(covid.array("lung")), np.asarray(covid.array("lung_mask"))
    clean, clean_lungs = _clean(healthy)
    if segmenter.calibration_steps:
        if clean is None:
            raise InputError("segmenter.calibration_steps", "healthy cases to paint lesions into", "none",
                             "pass healthy cases or set segmenter.calibration_steps=0")
        targets = calibrated_targets(generator, volumes, lungs, clean, clean_lungs, pseudo, seed,
                                     segmenter.calibration_steps)
    else:
        targets = make_pseudo_masks(generator, volumes, lungs, pseudo, seed).difference
    return PseudoSlices(cases, gan_step, as_slices(volumes), as_slices(targets), _pixels(lungs), clean, clean_lungs)


def load_mask_slices(data, shape):
    """The same with the infection masks that the prepared cases hold, drawn or corrected by people.

    Args:
        data: a folder of prepared cases, or a list of them.
        shape: (slices, rows, columns) that the preset's network is for.
    """
    folders, cases, covid, healthy = _opened(data)
    if cases.shape != tuple(shape):
        raise InputError(folders[0], f"volumes of the preset's shape {tuple(shape)}", f"{cases.shape}",
                         "preprocess with the preset that trains")
    return PseudoSlices(cases, None, as_slices(np.asarray(covid.array("lung"))), as_slices(covid.array("infection")),
                        _pixels(np.asarray(covid.array("lung_mask"))), *_clean(healthy))


def _opened(data):
    """(folders, all prepared cases, the COVID ones, the healthy ones)."""
    folders = [data] if isinstance(data, (str, Path)) else list(data)
    cases = open_prepared(*folders)
    covid = cases.only("covid")
    if not len(covid):
        raise InputError(folders[0], "COVID cases to train on", "none", "preprocess a data set that has some")
    return folders, cases, covid, cases.only("healthy")


def _clean(healthy):
    """(volumes, lung masks) of the healthy cases; Nones where there are none."""
    if not len(healthy):
        return None, None
    return np.asarray(healthy.array("lung")), np.asarray(healthy.array("lung_mask"))


def as_slices(volumes):
    """(N, D, H, W) -> (N * D, H, W)."""
    return volumes.reshape(-1, *volumes.shape[2:])


def _pixels(lungs):
    return (as_slices(lungs) > 0.5).sum((1, 2))
