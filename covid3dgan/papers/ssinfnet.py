"""The record of paper 004, Fung et al. 2021."""

__all__ = ["PAPER"]

from covid3dgan.papers.record import Network, Paper, Recipe

_PRESET = "ssinfnet/paper"
_LOADER = "covid3dgan.inference.classes:load_classes"

PAPER = Paper(
    system="ssinfnet",
    number="004",
    title="SSInfNet: coach-guided inpainting before Inf-Net",
    presets="covid3dgan.presets.ssinfnet",
    networks={
        "infnet-painter": Network("covid3dgan.systems.ssinfnet:train_painter", _PRESET, own_presets=True,
                                  options=("backbone_weights",)),
        "infnet": Network("covid3dgan.systems.ssinfnet:train_infnet", _PRESET, own_presets=True,
                          options=("start", "backbone_weights")),
        "ssinfnet": Network("covid3dgan.systems.ssinfnet:train", _PRESET, own_presets=True,
                            options=("backbone_weights",)),
    },
    recipe=Recipe("covid3dgan.systems.ssinfnet:reproduce", _PRESET, phantom_preset="ssinfnet/demo",
                  options=("backbone_weights", "ablation")),
    tables="covid3dgan.evaluation.paper_tables:ssinfnet",
    ledger="covid3dgan.evaluation.ledger.ssinfnet:LEDGER",
    quotations="covid3dgan.evaluation.quotations.ssinfnet:QUOTATIONS",
    loaders={"ssinfnet-single": _LOADER, "ssinfnet-multi": _LOADER},
    notebooks=("SSInfNet.py",),
    short_run=("slices.per_case=3", "slices.phantom_cases=6", "slices.phantom_unlabelled=2", "single.epochs=1",
               "multi.epochs=1", *(f"{stage}_inpainting.{setting}" for stage in ("single", "multi") for setting in (
                   "first_round=1", "later_round=1", "coach_first_round=1", "network_epochs=1"))),
    small_run=("slices.phantom_cases=16", "slices.phantom_unlabelled=4", "single.epochs=6", "multi.epochs=8",
               *(f"{stage}_inpainting.{setting}" for stage in ("single", "multi") for setting in (
                   "first_round=1", "later_round=1", "coach_first_round=1", "network_epochs=1"))),
)
