"""The record of paper 000, Elmourabit and Banouar: paper 001's system with settings of its own."""

__all__ = ["PAPER"]

from covid3dgan.papers.record import Paper, Recipe
from covid3dgan.papers.shabani import SHORT_RUN, SMALL_RUN

PAPER = Paper(
    system="elmourabit",
    number="000",
    title="GAN + UNet on three data sets",
    presets="covid3dgan.presets.shabani",
    recipe=Recipe("covid3dgan.systems.elmourabit:reproduce", "elmourabit/paper", phantom_preset="elmourabit/demo",
                  options=("workers", "phantoms")),
    tables="covid3dgan.evaluation.paper_tables:elmourabit",
    ledger="covid3dgan.evaluation.ledger.elmourabit:LEDGER",
    quotations="covid3dgan.evaluation.quotations.elmourabit:QUOTATIONS",
    short_run=SHORT_RUN,
    small_run=SMALL_RUN,
)
