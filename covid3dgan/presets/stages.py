"""The stages that the systems share, as frozen dataclasses.

Each field that a paper, its code and we treat differently names its line of docs/FIDELITY.md (F-number).
"""

__all__ = ["Cohort", "Contrastive", "Evaluation", "FineTuning", "Gan", "Painted", "Pseudo", "Segmenter", "Threshold",
           "latent_shape"]

import dataclasses
from typing import Literal, Optional

LATENT_CHANNELS = 10
LATENT_STRIDE = 16  # the generator halves each side four times before it meets the noise


def latent_shape(volume_shape):
    """The generator's noise input for a volume of (D, H, W): (D/16, H/16, W/16, 10)."""
    return (*(side // LATENT_STRIDE for side in volume_shape), LATENT_CHANNELS)


@dataclasses.dataclass(frozen=True)
class Cohort:
    """Which of the cases that there are a recipe takes (systems/cohorts.py). Numbers are upper limits, None takes all;
    fewer are spread evenly over the cases in the order of their names."""

    healthy: Optional[int] = None  # E04, K07: for training
    covid: Optional[int] = None  # E04, K07: for training
    grades: tuple[str, ...] = ()  # K09: MosMedData's grades that train, such as CT-1, CT-2; empty: all
    covid_from: Literal["unscored", "scored"] = "unscored"  # K21: "scored" trains on the cases that are scored
    test: Optional[int] = None  # E04: scored cases of each data set


@dataclasses.dataclass(frozen=True)
class Gan:
    """The 3D GAN and its three-phase training (training/shabani/gan3d.py)."""

    volume_shape: tuple[int, int, int] = (32, 128, 128)  # slices, rows, columns
    generator: Literal["published", "unetpp"] = "published"  # F25
    generator_width: int = 8  # filters of the first level; 8 as published
    generator_head: Literal["relu", "residual", "signed"] = "relu"
    discriminator: Literal["published", "declared", "paper"] = "published"  # F01, K10
    discriminator_width: int = 32
    adversarial_loss: Literal["mse", "log", "nonsaturating"] = "mse"  # F02
    adversarial_weight: float = 1.0
    generator_learning_rate: float = 5e-5
    discriminator_learning_rate: float = 1e-3  # F03
    clip_norm: Optional[float] = None  # gradients of all weights together are cut to this norm
    batch_size: int = 5  # F04
    shared_optimizer: bool = True  # F05: one Adam state for reconstruction and GAN
    fresh_covid_batch: bool = True  # F06: the generator's update sees other COVID volumes than the discriminator's
    update_order: Literal["reconstruction-first", "discriminator-first"] = "reconstruction-first"  # F07
    reconstructions: int = 1  # reconstruction updates in a step, each on a batch of its own
    flip: bool = False  # mirror half of the reconstruction's volumes left to right
    reconstruction_loss: Literal["mse", "mae", "norm"] = "mse"  # F39: "norm" of each volume's error, not squared
    reconstruction_focus: float = 0.0  # extra weight of the voxels where noise was added
    discriminator_warmup: int = 1  # discriminator-only steps before the first full one
    noise: Literal["published", "lesions"] = "published"  # F30
    identity_probability: float = 0.0  # share of reconstruction volumes that get no noise at all
    ema_decay: float = 0.0  # 0: the generator itself is used for inference
    steps: int = 10000
    log_every: int = 50
    checkpoint_every: int = 500


@dataclasses.dataclass(frozen=True)
class Pseudo:
    """From a trained generator to pseudo-masks (inference/pseudo_masks.py)."""

    minmax: bool = True  # F14: every volume scaled to [0, 1] on its own before the subtraction
    sign: Literal["signed", "clipped"] = "signed"  # F15
    latent: Literal["random", "fixed"] = "random"  # F32
    latent_samples: int = 1  # more than one: mean over z, and the spread as an uncertainty map
    within_lung: bool = False


@dataclasses.dataclass(frozen=True)
class Contrastive:
    """The contrastive half of the segmenter's training (training/shabani/segmenter.py)."""

    enabled: bool = True
    pairs: Literal["low-high", "healthy-high", "healthy-low"] = "low-high"  # Table 4
    grouping: Literal["sums", "sorted", "quartiles", "quartiles-coded"] = "sums"  # F16, K17
    high_above: float = 95.0
    low_between: tuple[float, float] = (65.0, 80.0)
    loss: Literal["npairs", "supcon"] = "npairs"  # F18
    reduction: Literal["mean", "sum"] = "mean"  # F36: over the slices of the whole batch
    temperature: float = 0.05  # F19
    learning_rate: float = 1e-4
    decays: bool = False  # by the segmenter's schedule: else its late steps move a shared encoder the most
    steps_per_step: int = 2  # F34: contrastive steps to each end-to-end step
    order: Literal["contrastive-first", "end-to-end-first"] = "contrastive-first"  # F35: within a step
    augmentation: bool = True


@dataclasses.dataclass(frozen=True)
class Segmenter:
    """The 2D segmenter and its training."""

    width: int = 32
    merge: Literal["convlstm", "concatenate"] = "convlstm"  # F26
    gate: Literal["legacy_hard_sigmoid", "sigmoid", "keras3_hard_sigmoid"] = "legacy_hard_sigmoid"  # F31
    head: Literal["relu", "linear"] = "relu"  # of the last two maps; "relu" may die
    dropout: float = 0.5
    shared_encoder: bool = False  # F17
    learning_rate: float = 5e-5  # F20
    decay_steps: Optional[int] = None  # F20: None keeps the learning rate constant
    decay_rate: float = 0.9
    batch_size: int = 8  # F21
    steps: int = 100  # F22
    only_grouped_slices: bool = True  # F33: the end-to-end step sees high and low slices alone, as published
    flip: bool = False  # mirror half of the end-to-end slices
    synthetic_share: float = 0.0  # of the end-to-end slices: healthy ones, some with painted lesions of known extent
    # Steps of the small network that reads an extent from the differences, taught by painted lesions; 0: none, the
    # differences are the targets.
    calibration_steps: int = 0
    ema_decay: float = 0.0
    log_every: int = 10
    checkpoint_every: int = 100


@dataclasses.dataclass(frozen=True)
class Painted:
    """A segmenter's training on painted lesions alone (data/batches/painted_batches.py)."""

    real_share: float = 0.5  # of the volumes: real lungs
    diseased_share: float = 0.2  # of the volumes: phantoms with lesions of their own; the others are healthy phantoms
    untouched_share: float = 0.25  # of the volumes: nothing is painted into them
    vessel_weight: float = 4.0  # of the error of pixels that are dense and healthy
    across: float = 2.5  # mm by which scores are averaged over neighbouring slices (inference/neighbours.py)
    dice_given_up: float = 0.05  # on painted lesions, for the lowest threshold: readers outline generously
    most_marked_percent: float = 0.05  # of the healthy lungs, in the mean: what is sure rises until it holds


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """A trained segmenter's training on corrected masks (systems/finetune); its steps and rate are the segmenter's."""

    least_cases: int = 5  # with a lesion; with fewer nothing is trained
    folds: int = 3  # each case is held out once, by the network of its fold


@dataclasses.dataclass(frozen=True)
class Threshold:
    """How a probability map becomes a mask."""

    value: float = 0.2
    relative: bool = True  # F23: relative to each slice's maximum, else absolute
    tune: bool = False  # on validation cases over the grid
    grid: tuple[float, ...] = (0.1, 0.15, 0.2, 0.25, 0.3)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a system's tables count, and which of a paper's own contradictions stands beside them."""

    slice_filters: bool = True  # F24: 163 pixels and 1 % of the lung
    within_lung: bool = True  # F24: scores outside of the lungs count as 0
    continuous_dice: bool = False  # F24: of the scores, beside the Dice of the masks
    mosmed_dice: Literal["table", "text"] = "table"  # F27: which of paper 001's two numbers stands in Table 2
    radiopaedia_cases: Optional[int] = None  # F28: the first so many are scored; None: all
    two_case_row: bool = True  # F29: paper 000's Mosmed row stands in its Table 5
