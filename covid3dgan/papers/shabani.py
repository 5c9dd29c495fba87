"""The record of paper 001, Shabani et al. 2022."""

__all__ = ["PAPER", "SHORT_RUN", "SMALL_RUN"]

from covid3dgan.papers.record import Network, Paper, Recipe

SHORT_RUN = ("gan.steps=2", "gan.reconstructions=1", "gan.log_every=1", "gan.checkpoint_every=2", "segmenter.steps=4",
             "segmenter.log_every=1", "segmenter.checkpoint_every=4", "segmenter.calibration_steps=20")
SMALL_RUN = ("gan.steps=25", "gan.log_every=1", "gan.checkpoint_every=25", "segmenter.steps=200",
             "segmenter.log_every=20", "segmenter.checkpoint_every=200", "segmenter.calibration_steps=200")

PAPER = Paper(
    system="shabani",
    number="001",
    title="3D GAN, pseudo-masks and contrastive UNet",
    presets="covid3dgan.presets.shabani",
    networks={
        "gan": Network("covid3dgan.training.shabani.train_gan:train_gan", "shabani/improved", steps="gan.steps",
                       large=("accumulate", "recompute", "strategy")),
        "segmenter": Network("covid3dgan.training.shabani.train_segmenter:train_segmenter", "shabani/improved",
                             steps="segmenter.steps", options=("gan", "masks", "validation"),
                             large=("recompute", "strategy")),
    },
    recipe=Recipe("covid3dgan.systems.shabani:reproduce", "shabani/improved",
                  options=("workers", "phantoms", "side_by_side")),
    tables="covid3dgan.evaluation.paper_tables:shabani",
    ledger="covid3dgan.evaluation.ledger.shabani:LEDGER",
    quotations="covid3dgan.evaluation.quotations.shabani:QUOTATIONS",
    loaders={"segmenter": "covid3dgan.inference.lesions:load_segmenter"},
    notebooks=("Quickstart.py", "Preprocess.py", "GAN3D.py", "Segmentation2D.py", "Evaluation.py"),
    short_run=SHORT_RUN,
    small_run=SMALL_RUN,
)
