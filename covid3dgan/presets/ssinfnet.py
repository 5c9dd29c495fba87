"""Presets of paper 004 (SSInfNet): Inf-Net and its multi-class U-Net, both pre-trained by coach-guided inpainting.

``paper`` is what the text says, and the code's value where the text is silent; ``published`` is what the code of
September 2020 does; ``demo`` is ours, at a size that trains on a laptop. I-numbers are lines of docs/FIDELITY.md.
"""

__all__ = ["Inpainting", "Multi", "PseudoLabels", "Single", "Slices", "System"]

import dataclasses
from typing import Literal, Optional

from covid3dgan.presets.preprocessing import HU_RANGE
from covid3dgan.presets.registry import register


@dataclasses.dataclass(frozen=True)
class Slices:
    """Which axial slices there are, and who sees which (data/datasets/slices.py)."""

    size: int = 352
    window: tuple[float, float] = HU_RANGE  # HU shown as black and white; the code cuts raw HU to 8 bits
    per_case: Optional[int] = None  # evenly spaced slices of each CT; None takes all
    split: Literal["patient", "image"] = "patient"  # I19: the paper's split lets patients be in several parts
    validation_share: float = 0.1227  # 114 of 929
    test_share: float = 0.1259  # 117 of 929
    phantom_cases: int = 24  # labelled ones, where there are no real data
    phantom_unlabelled: int = 24
    phantom_size: tuple[int, int, int] = (160, 160, 40)


@dataclasses.dataclass(frozen=True)
class Inpainting:
    """The self-supervised stage: a network paints in what a coach erases (training/ssinfnet/coached_inpainting.py)."""

    loss: Literal["truncated-square", "cross-entropy"] = "truncated-square"  # I01
    activation: Literal["tanh", "linear"] = "tanh"  # I03
    edge_target: Literal["image", "edge"] = "image"  # I04: what the edge head of Inf-Net paints
    reconstruction_weight: float = 0.99
    context_weight: float = 0.01
    context_heads: Literal["last", "all"] = "last"  # the code overwrites this term in its loop over the heads
    kl_weight: float = 1e-6  # I02
    coach_sees_mean: bool = False  # L_rec of the coach divided by the channels (and heads), as at its source
    coach_through_network: bool = True  # the coach's gradient also runs through the network
    keep: float = 0.75  # the paper's k: share of the cells that is not erased
    coach_sharpness: float = 1.0  # I17: alpha while the coach learns; the network sees binary masks
    scaling: Literal["potsdam", "imagenet"] = "potsdam"  # the code keeps its source's aerial-image constants
    aligned_prior: bool = True  # the code crops image and prior apart from each other
    images: Literal["all", "labelled"] = "all"  # I09: with the unlabelled data set or without
    crop: int = 128
    batch_size: int = 64
    first_round: int = 200  # epochs
    later_round: int = 100
    coach_first_round: int = 200  # I06
    network_epochs: int = 2000  # I05
    starts_with: Literal["network", "coach"] = "network"  # I06
    learning_rates: Literal["every-round", "first-round"] = "every-round"  # I05
    later_rate: float = 1e-5  # of the rounds after the first, with "first-round"
    rates: tuple[float, ...] = (0.1, 0.01, 0.001, 0.0001)
    rate_epochs: tuple[int, ...] = (0, 40, 80, 90)
    coach_rate: float = 1e-5
    coach_width: int = 64
    coach_latent: int = 100
    coach_blocks: tuple[int, ...] = (2, 2, 2, 2)


@dataclasses.dataclass(frozen=True)
class Single:
    """Inf-Net and its training on infection masks (training/ssinfnet/infnet.py)."""

    backbone: Literal["resnet50", "res2net50"] = "resnet50"  # I08
    width: int = 64
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    channels: int = 32
    bce: Literal["plain", "weighted"] = "plain"  # I13
    scales: tuple[float, ...] = (0.75, 1.0, 1.25)  # one optimizer step each
    learning_rate: float = 1e-4
    decay: Literal["cumulative", "none"] = "cumulative"  # the code multiplies by 0.1^(epoch // 50) at every epoch
    batch_size: int = 24
    epochs: int = 500
    keep: Literal["best", "last"] = "best"
    augment: bool = False
    threshold: float = 0.5
    transfer: Literal["all", "all-but-last"] = "all"  # I07


@dataclasses.dataclass(frozen=True)
class Multi:
    """The multi-class network and its training (training/ssinfnet/infnet_multi.py)."""

    width: int = 64
    variant: Literal["published", "improved"] = "improved"  # I08: of SSInfNet; SInfNet has the published one
    loss: Literal["bce", "focal"] = "focal"  # of SSInfNet; SInfNet has bce
    gamma: float = 2.0
    alpha: float = 1.0  # I11
    class_weights: tuple[float, ...] = (1.0, 1.0, 1.0)  # I26: of background's, GGO's, consolidation's pixels
    lookahead: bool = True  # of SSInfNet
    optimizer: Literal["sgd", "adam"] = "sgd"  # I25
    learning_rate: float = 0.01
    batch_size: int = 16
    epochs: int = 500
    shuffle: bool = True
    augment: bool = False
    keep: Literal["best", "last"] = "best"
    training_prior: Literal["truth", "predicted"] = "predicted"  # I16
    prior_minmax: bool = True  # the prior is stretched to 0..1 in every image, also in healthy ones
    transfer: Literal["all", "all-but-last"] = "all"  # I07


@dataclasses.dataclass(frozen=True)
class PseudoLabels:
    """Inf-Net's semi-supervised training, for ``--ablation`` (training/ssinfnet/pseudo_labels.py; I29)."""

    group: int = 5  # slices that are labelled in each round
    images: Optional[int] = 1600  # of the slices without labels; None takes all
    epochs: int = 9  # of each round
    learning_rate: float = 3e-4
    batch_size: int = 16


@dataclasses.dataclass(frozen=True)
class System:
    """Every hyper-parameter of SSInfNet and of the methods beside it."""

    name: str
    summary: str
    system: str = "ssinfnet"
    slices: Slices = Slices()
    single_inpainting: Inpainting = Inpainting()
    multi_inpainting: Inpainting = Inpainting()
    single: Single = Single()
    multi: Multi = Multi()
    pseudo_labels: PseudoLabels = PseudoLabels()
    alike: bool = False  # I12, I24: U-Net and SInfNet get SSInfNet's losses and optimizers too
    log_every: int = 10
    validate_every: int = 1  # epochs
    checkpoint_every: int = 500


PAPER_INPAINTING = Inpainting(loss="cross-entropy", activation="linear", edge_target="edge", context_weight=0.0,
                              reconstruction_weight=1.0, context_heads="all", kl_weight=0.0)

register(System(
    name="ssinfnet/paper",
    summary="what the text of paper 004 says; the code's value where it is silent",
    slices=Slices(split="image"),
    single_inpainting=PAPER_INPAINTING,
    multi_inpainting=PAPER_INPAINTING,
    single=Single(backbone="res2net50", decay="none", transfer="all-but-last"),
    multi=Multi(variant="published", transfer="all-but-last"),
))

PUBLISHED_INPAINTING = Inpainting(
    starts_with="coach", learning_rates="first-round", network_epochs=1200, context_heads="last",
)

register(System(
    name="ssinfnet/published",
    summary="what the authors' code of September 2020 does, slips included",
    slices=Slices(split="image"),
    single_inpainting=PUBLISHED_INPAINTING,
    multi_inpainting=dataclasses.replace(
        PUBLISHED_INPAINTING, starts_with="network", coach_first_round=100, coach_sees_mean=True,
        coach_through_network=False, aligned_prior=False, images="labelled", batch_size=128),
    single=Single(batch_size=8),
    multi=Multi(batch_size=4, shuffle=False, training_prior="truth"),
))

DEMO_INPAINTING = Inpainting(
    context_heads="all", coach_sees_mean=True, coach_through_network=False, scaling="imagenet", crop=96, batch_size=8,
    first_round=3, later_round=2, coach_first_round=2, network_epochs=5, rates=(0.02, 0.005), rate_epochs=(0, 2),
    coach_rate=1e-3, coach_width=8, coach_latent=16, coach_blocks=(1, 1, 1, 1),
)

register(System(
    name="ssinfnet/demo",
    summary="ours, at a size that trains on a laptop; the three methods are trained alike",
    slices=Slices(size=96, per_case=8, phantom_cases=36, phantom_unlabelled=24, phantom_size=(96, 96, 24),
                  validation_share=0.14, test_share=0.25),
    single_inpainting=DEMO_INPAINTING,
    multi_inpainting=DEMO_INPAINTING,
    single=Single(width=16, blocks=(1, 1, 1, 1), channels=16, scales=(1.0,), learning_rate=1e-3, decay="none",
                  batch_size=8, epochs=16, augment=True),
    # About the roots of how much rarer the kinds of infection are, without which every network may call all background.
    multi=Multi(variant="published", width=8, class_weights=(1.0, 10.0, 25.0), optimizer="adam", learning_rate=0.01,
                batch_size=8, epochs=28, augment=True, prior_minmax=False),
    pseudo_labels=PseudoLabels(images=None, epochs=1, learning_rate=1e-3, batch_size=8),
    alike=True,
    checkpoint_every=200,
))
