"""The record of paper 002, Khali et al."""

__all__ = ["PAPER"]

from covid3dgan.papers.record import Network, Paper, Recipe
from covid3dgan.papers.shabani import SHORT_RUN, SMALL_RUN

PAPER = Paper(
    system="khali",
    number="002",
    title="TransUNet on pseudo-masks",
    presets="covid3dgan.presets.khali",
    networks={
        "transunet": Network("covid3dgan.training.khali.train_transunet:train_transunet", "khali/improved",
                             steps="transunet.steps", options=("gan", "validation")),
    },
    recipe=Recipe("covid3dgan.systems.khali:reproduce", "khali/improved", options=("workers", "phantoms")),
    tables="covid3dgan.evaluation.paper_tables:khali",
    ledger="covid3dgan.evaluation.ledger.khali:LEDGER",
    quotations="covid3dgan.evaluation.quotations.khali:QUOTATIONS",
    loaders={"transunet": "covid3dgan.inference.lesions:load_transunet"},
    notebooks=("TransUNet.py",),
    short_run=(*SHORT_RUN, "transunet.steps=4", "transunet.first_phase_steps=1", "transunet.checkpoint_every=4"),
    small_run=(*SMALL_RUN, "segmenter.steps=100", "transunet.steps=100", "transunet.first_phase_steps=20",
               "transunet.checkpoint_every=50"),
)
