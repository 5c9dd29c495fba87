"""The record of paper 003, Yu, Dong et al. 2020."""

__all__ = ["PAPER"]

from covid3dgan.papers.record import Network, Paper, Recipe

_LOADER = "covid3dgan.inference.foreground:load_foreground"

PAPER = Paper(
    system="afseg",
    number="003",
    title="AF-SEG: cells and vessels without any annotation",
    presets="covid3dgan.presets.afseg",
    networks={"afseg": Network("covid3dgan.systems.afseg:train", "afseg/cells", own_presets=True)},
    # Synthetic images need no networks of the paper's size.
    recipe=Recipe("covid3dgan.systems.afseg:reproduce", "afseg/{task}", phantom_preset="afseg/{task}/demo",
                  tasks=("cells", "vessels")),
    tables="covid3dgan.evaluation.paper_tables:afseg",
    ledger="covid3dgan.evaluation.ledger.afseg:LEDGER",
    quotations="covid3dgan.evaluation.quotations.afseg:QUOTATIONS",
    loaders={"afseg": _LOADER, "afseg-supervised": _LOADER},
    notebooks=("AFSEG.py",),
    short_run=("background.first_check=2", "background.check_every=2", "background.most_steps=4",
               "synthesis.constant_epochs=1", "synthesis.decay_epochs=1", "synthesis.patches_per_image=1",
               "synthesis.log_every=1"),
    small_run=("synthesis.constant_epochs=8", "synthesis.decay_epochs=8"),
)
