"""Presets of paper 001 (Shabani et al. 2022) and of paper 000 (Elmourabit and Banouar), which uses the same system."""

__all__ = ["DEMO", "FineTunedSystem", "IMPROVED", "PAPER_GAN", "PaintedSystem", "System"]

import dataclasses

from covid3dgan.presets.preprocessing import PreprocessOptions
from covid3dgan.presets.registry import register
from covid3dgan.presets.stages import (
    Cohort,
    Contrastive,
    Evaluation,
    FineTuning,
    Gan,
    Painted,
    Pseudo,
    Segmenter,
    Threshold,
)


@dataclasses.dataclass(frozen=True)
class System:
    """Every hyper-parameter of the 3D GAN + contrastive UNet pipeline."""

    name: str
    summary: str
    system: str = "shabani"
    cohort: Cohort = Cohort()
    preprocess: PreprocessOptions = PreprocessOptions.published()
    gan: Gan = Gan()
    pseudo: Pseudo = Pseudo()
    segmenter: Segmenter = Segmenter()
    contrastive: Contrastive = Contrastive()
    threshold: Threshold = Threshold()
    evaluation: Evaluation = Evaluation()


register(System(
    name="shabani/published",
    summary="what the published notebooks do, quirks on",
    evaluation=Evaluation(within_lung=False),
))

PAPER_GAN = Gan(
    discriminator="paper", adversarial_loss="log", discriminator_learning_rate=5e-5, batch_size=8,
    shared_optimizer=False, fresh_covid_batch=False, update_order="discriminator-first", discriminator_warmup=0,
    generator="unetpp",
)
PAPER_SEGMENTER = Segmenter(shared_encoder=True, learning_rate=1e-3, decay_steps=1000, decay_rate=0.9, batch_size=32,
                            only_grouped_slices=False, log_every=100, checkpoint_every=2000)
PAPER_CONTRASTIVE = Contrastive(grouping="sorted", loss="supcon", reduction="sum", steps_per_step=1)

register(System(
    name="shabani/paper",
    summary="what the text of paper 001 says (section 4.1, Algorithm 1)",
    preprocess=PreprocessOptions.paper(),
    gan=PAPER_GAN,
    pseudo=Pseudo(minmax=False, sign="signed"),
    segmenter=dataclasses.replace(PAPER_SEGMENTER, steps=664000),  # 1000 epochs of 664 cases with 32 slices, F22
    contrastive=PAPER_CONTRASTIVE,
    threshold=Threshold(relative=False, tune=True),
    evaluation=Evaluation(slice_filters=False, within_lung=False, radiopaedia_cases=9),
))

IMPROVED_GAN = Gan(
    generator_head="signed", adversarial_loss="nonsaturating", adversarial_weight=0.01, generator_learning_rate=1e-3,
    discriminator_learning_rate=1e-4, shared_optimizer=False, fresh_covid_batch=False, discriminator_warmup=0,
    reconstruction_focus=8.0, reconstructions=3, flip=True, clip_norm=1.0, noise="lesions", identity_probability=0.2,
    ema_decay=0.99, batch_size=4,
)
IMPROVED_PREPROCESS = PreprocessOptions(lung_level=-860.0)
IMPROVED_PSEUDO = Pseudo(minmax=False, sign="clipped", latent="fixed", latent_samples=2, within_lung=True)
IMPROVED_SEGMENTER = Segmenter(
    head="linear", dropout=0.1, shared_encoder=True, learning_rate=1e-3, decay_steps=600, decay_rate=0.75,
    batch_size=16, steps=4000, only_grouped_slices=False, flip=True, synthetic_share=0.5, calibration_steps=3000,
    ema_decay=0.99, log_every=50, checkpoint_every=500,
)
IMPROVED_CONTRASTIVE = Contrastive(grouping="quartiles", loss="supcon", decays=True, steps_per_step=1)
# The five of paper 001's Table 5 are among them.
FINE_GRID = tuple(sorted({0.005, 0.01, 0.015, *(round(0.02 * i, 2) for i in range(1, 41)), *Threshold().grid}))

IMPROVED = register(System(
    name="shabani/improved",
    summary="ours: the published system with named fixes (docs/FIDELITY.md)",
    preprocess=IMPROVED_PREPROCESS,
    gan=IMPROVED_GAN,
    pseudo=IMPROVED_PSEUDO,
    segmenter=IMPROVED_SEGMENTER,
    contrastive=IMPROVED_CONTRASTIVE,
    threshold=Threshold(relative=False, tune=True, grid=FINE_GRID),
))

DEMO = register(System(
    name="shabani/demo",
    summary="the improved recipe at a size that trains on a laptop",
    preprocess=dataclasses.replace(IMPROVED_PREPROCESS, shape=(32, 64, 64)),
    gan=dataclasses.replace(IMPROVED_GAN, volume_shape=(32, 64, 64), generator_width=4, discriminator_width=16,
                            steps=100, log_every=5, checkpoint_every=50),
    pseudo=IMPROVED_PSEUDO,
    # Many steps of a small batch and a narrow network teach more than fewer of a larger one
    # (docs/experiments/demo-segmenter.md).
    segmenter=dataclasses.replace(IMPROVED_SEGMENTER, width=8, learning_rate=2e-3, decay_steps=286, batch_size=8,
                                  steps=2000, log_every=50, checkpoint_every=1000),
    contrastive=IMPROVED_CONTRASTIVE,
    threshold=Threshold(relative=False, tune=True, grid=FINE_GRID),
))



@dataclasses.dataclass(frozen=True)
class PaintedSystem(System):
    """A segmenter that learns from lesions painted into healthy lungs, real and phantom: no GAN, no annotation."""

    painted: Painted = Painted()


LESIONS = register(PaintedSystem(
    name="shabani/lesions",
    summary="the segmenter that comes along: painted lesions in real healthy lungs and phantoms",
    # Slices as the CT has them, up to 64: the segmenter sees one at a time, and thin slices tell vessels from lesions.
    preprocess=dataclasses.replace(IMPROVED_PREPROCESS, shape=(64, 128, 128), spacing=(None, None, None),
                                   min_slices=2, lung_level_limits=(160.0, -740.0)),
    gan=dataclasses.replace(IMPROVED_GAN, volume_shape=(64, 128, 128)),
    segmenter=dataclasses.replace(IMPROVED_SEGMENTER, width=8, merge="concatenate", learning_rate=1.5e-3,
                                  decay_steps=700, decay_rate=0.6, batch_size=8, steps=2100, synthetic_share=1.0,
                                  calibration_steps=0, log_every=50, checkpoint_every=700),
    contrastive=dataclasses.replace(IMPROVED_CONTRASTIVE, enabled=False),
    threshold=Threshold(relative=False, tune=True, grid=FINE_GRID),
))



@dataclasses.dataclass(frozen=True)
class FineTunedSystem(PaintedSystem):
    """A trained segmenter that learns on from corrected masks."""

    finetune: FineTuning = FineTuning()


register(FineTunedSystem(
    name="shabani/finetune",
    summary="'covid3dgan finetune': a trained segmenter learns on from masks that people corrected",
    # These and what else makes the network and prepares its CTs are those of the network that learns on.
    preprocess=LESIONS.preprocess,
    gan=LESIONS.gan,
    # Few steps at a small rate: a handful of cases is soon known by heart (docs/experiments/finetune.md).
    segmenter=dataclasses.replace(LESIONS.segmenter, learning_rate=5e-4, decay_steps=70, decay_rate=0.5,
                                  batch_size=8, steps=200, ema_decay=0.98, log_every=20, checkpoint_every=100),
    contrastive=LESIONS.contrastive,
    threshold=LESIONS.threshold,
))

register(System(
    name="elmourabit/paper",
    summary="what the text of paper 000 says: the system of paper 001 with its Tables 2 to 4",
    system="elmourabit",
    cohort=Cohort(healthy=250, covid=850, test=10),
    preprocess=PreprocessOptions.paper(),
    gan=dataclasses.replace(PAPER_GAN, adversarial_loss="mse", batch_size=5),
    pseudo=Pseudo(minmax=False, sign="signed"),
    # 1000 epochs of 850 cases with 32 slices
    segmenter=dataclasses.replace(PAPER_SEGMENTER, merge="concatenate", steps=850000),
    contrastive=PAPER_CONTRASTIVE,
    threshold=Threshold(relative=False, tune=False),
    evaluation=Evaluation(slice_filters=False, within_lung=False, radiopaedia_cases=10),
))

register(dataclasses.replace(DEMO, name="elmourabit/demo", system="elmourabit",
                             summary="paper 000's comparison at a size that trains on a laptop"))
