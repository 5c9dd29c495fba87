"""Presets of paper 002 (Khali et al.): paper 001's GAN, pseudo-masks and UNet, and a TransUNet beside the UNet.

``paper`` is what the text says, and the code's value where the text is silent; ``published`` is what the authors'
code does; ``improved`` and ``demo`` are ours. K-numbers are lines of docs/FIDELITY.md.
"""

__all__ = ["System", "TransUnet"]

import dataclasses
from typing import Literal, Optional

from covid3dgan.presets import shabani
from covid3dgan.presets.preprocessing import PreprocessOptions
from covid3dgan.presets.registry import register
from covid3dgan.presets.stages import Cohort, Contrastive, Evaluation, Gan, Pseudo, Segmenter


@dataclasses.dataclass(frozen=True)
class TransUnet:
    """The TransUNet and its training in two phases (training/khali/transunet.py); a step is one optimizer step."""

    variant: Literal["khali", "r50_vit_b16"] = "khali"  # K16
    width: Optional[int] = None  # this and the next three: None takes the variant's own
    blocks: Optional[int] = None
    heads: Optional[int] = None
    mlp_units: Optional[int] = None
    attention_scale: Literal["multiply", "divide"] = "multiply"  # the code's; "divide" is every other transformer's
    first_phase: Literal["contrastive", "contrastive-and-mse"] = "contrastive-and-mse"  # K25
    first_phase_steps: int = 300  # 100 x (2 contrastive + 1 MSE)
    steps: int = 1300  # and 500 x 2 with all losses
    contrastive_loss: Literal["khali_code", "eq4_literal", "supcon"] = "khali_code"  # K28
    include_self: bool = True  # K28
    temperature: float = 1.0  # K18
    # K18: "descent" begins at ``temperature`` and fits it once the first phase is over (losses/temperature.py).
    temperature_by: Literal["fixed", "descent"] = "fixed"
    features: Literal["logits", "encoded"] = "logits"  # K20
    sampler: Literal["published", "balanced"] = "published"  # K20: published draws "high" slices alone
    contrastive_weight: float = 1.0  # beside the MSE and the sensitivity loss
    beta: float = 2.0
    output: Literal["linear", "sigmoid"] = "linear"  # what the MSE compares with the pseudo-mask and what is cut
    clip_target: bool = False  # pseudo-masks held to [0, 1]
    only_grouped_slices: bool = True  # False: every other slice is one that the UNet would see, and not contrasted
    start_at_mean: bool = False  # the first probability of every pixel is the mean target, not one half
    ema_decay: float = 0.0
    # K24: which weights; the best by the Dice on the validation cases, judged at each checkpoint of the second phase.
    keep: Literal["last", "best"] = "last"
    learning_rate: float = 5e-5
    decay_steps: Optional[int] = None  # K19: None keeps the learning rate constant
    decay_rate: float = 0.9
    batch_size: int = 8
    log_every: int = 10
    checkpoint_every: int = 100


@dataclasses.dataclass(frozen=True)
class System(shabani.System):
    """Paper 001's stages, whose segmenter is the UNet of the comparison, and the TransUNet."""

    system: str = "khali"
    transunet: TransUnet = TransUnet()


PAPER_GAN = dataclasses.replace(shabani.PAPER_GAN, generator="published", discriminator="declared")  # K10, K11

register(System(
    name="khali/paper",
    summary="what the text of paper 002 says; the code's values where it is silent",
    cohort=Cohort(healthy=51, covid=100, grades=("CT-1", "CT-2")),  # K07, K09
    preprocess=PreprocessOptions.paper(resize_before_crop=True, lung_grid="resampled", median=3,  # K26
                                       keep_aspect=True),
    gan=PAPER_GAN,
    pseudo=Pseudo(minmax=False, sign="signed"),
    segmenter=Segmenter(shared_encoder=True, decay_steps=1000),
    contrastive=Contrastive(grouping="quartiles"),
    transunet=TransUnet(first_phase="contrastive", contrastive_loss="eq4_literal", temperature=0.06,  # K28
                        features="encoded", sampler="balanced", keep="best", decay_steps=1000),
    evaluation=Evaluation(slice_filters=False),
))

register(System(
    name="khali/published",
    summary="what the authors' code of paper 002 does, quirks on",
    cohort=Cohort(healthy=51, covid=50, covid_from="scored"),
    gan=Gan(batch_size=8),
    contrastive=Contrastive(grouping="quartiles-coded"),
))


def _improved(name, summary, base, transunet):
    """Our recipe of paper 001 with a TransUNet beside its UNet, trained on the same pseudo-masks."""
    stages = {field.name: getattr(base, field.name) for field in dataclasses.fields(base)}
    register(System(**{**stages, "name": name, "summary": summary, "system": "khali"}, transunet=transunet))


IMPROVED = TransUnet(
    attention_scale="divide", first_phase="contrastive", first_phase_steps=400, steps=4400,
    contrastive_loss="supcon", temperature=0.06, features="encoded", sampler="balanced", contrastive_weight=0.05,
    output="sigmoid", clip_target=True, only_grouped_slices=False, start_at_mean=True, ema_decay=0.99,
    learning_rate=5e-4, decay_steps=1000, batch_size=16, log_every=50, checkpoint_every=500,
)

_improved("khali/improved", "ours: shabani/improved with the TransUNet's fixes named one by one (docs/FIDELITY.md)",
          shabani.IMPROVED, IMPROVED)
# The UNet beside it sees as many slices, in batches of the same size; cases and GAN are those of shabani/demo.
DEMO_BASE = dataclasses.replace(
    shabani.DEMO,
    segmenter=dataclasses.replace(shabani.DEMO.segmenter, width=16, learning_rate=1e-3, decay_steps=100, batch_size=16,
                                  steps=700, log_every=25, checkpoint_every=350))

_improved("khali/demo", "the improved recipe at a size that trains on a laptop", DEMO_BASE,
          dataclasses.replace(IMPROVED, width=32, blocks=4, first_phase_steps=60, steps=660, decay_steps=300,
                              log_every=20, checkpoint_every=200))
