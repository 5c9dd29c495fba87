"""Paper 004's ablation: its networks once more with a part left out, and Inf-Net's semi-supervised rival.

``covid3dgan reproduce ssinfnet --ablation`` adds these stages and their tables. Single with and without inpainting are
SSInfNet and SInfNet, which are trained anyway.
"""

__all__ = ["ABLATION", "PSEUDO_LABELS", "ablation_rows", "train_ablation"]

import dataclasses

import numpy as np

from covid3dgan.evaluation import ssinfnet_tables
from covid3dgan.evaluation.ssinfnet_tables import Row
from covid3dgan.inference.classes import load_network
from covid3dgan.inference.ssinfnet import class_probabilities, infection_probability
from covid3dgan.training.ssinfnet.pseudo_labels import train_pseudo_labels
from covid3dgan.training.ssinfnet.train_ssinfnet import train_multi

# Folder of the network -> (its name, the fields of presets.ssinfnet.Multi that leave a part out).
ABLATION = {
    "multi_without_focal": ("SSInfNet without focal loss", {"loss": "bce"}),
    "multi_without_lookahead": ("SSInfNet without Lookahead", {"lookahead": False}),
    "multi_without_both": ("SSInfNet without either", {"loss": "bce", "lookahead": False}),
}
PSEUDO_LABELS = "single_pseudo_labels"


def train_ablation(run):
    """Trains what the ablation adds to a Reproduction whose own networks are there."""
    for folder, (_, changes) in ABLATION.items():
        preset = dataclasses.replace(run.preset, multi=dataclasses.replace(run.preset.multi, **changes))
        run.train_stage(run.out / folder, train_multi, run.train, run.validation, preset=preset, method="SSInfNet",
                        priors=run.priors, start=run.multi_painter)
    if run.unlabelled is not None:
        run.train_stage(run.out / PSEUDO_LABELS, train_pseudo_labels, run.train, run.validation, run.unlabelled,
                        start=run.single["SInfNet"])


def ablation_rows(run, single, multi):
    """(rows of the single networks, rows of the multi-class ones), each a list of ``Row``.

    Args:
        run: the Reproduction.
        single: method -> Scores of infection on the test slices.
        multi: method -> what ``class_scores`` returned.
    """
    images, labels, patients = run.test.images, run.test.labels, run.test.patients
    singles = [Row("SInfNet (no inpainting)", single["SInfNet"], run.seconds(run.single["SInfNet"])),
               Row("SSInfNet (inpainting)", single["SSInfNet"], run.seconds(run.painter, run.single["SSInfNet"]))]
    if run.unlabelled is not None:
        found = infection_probability(load_network(run.out / PSEUDO_LABELS)[0], images)
        singles.append(Row("SInfNet and pseudo-labels",
                           ssinfnet_tables.infection_scores(found, labels, patients, run.preset.single.threshold),
                           run.seconds(run.single["SInfNet"], run.out / PSEUDO_LABELS)))
    multis = [Row("SSInfNet", multi["SSInfNet"], run.seconds(run.multi_painter, run.multi["SSInfNet"]))]
    prior = run.guessed(run.test)
    for folder, (name, _) in ABLATION.items():
        found = np.argmax(class_probabilities(load_network(run.out / folder)[0], images, prior), -1)
        multis.append(Row(name, ssinfnet_tables.class_scores(found, labels, patients),
                          run.seconds(run.multi_painter, run.out / folder)))
    alike = "SSInfNet without inpainting (SInfNet)" if run.preset.alike else "SInfNet"
    multis.append(Row(alike, multi["SInfNet"], run.seconds(run.multi["SInfNet"])))
    return singles, multis
