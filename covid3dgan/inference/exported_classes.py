"""Paper 004's whole system as one exported network, in the place of its runs."""

__all__ = ["ExportedPredictor", "load_exported_predictor"]

import dataclasses

import numpy as np

from covid3dgan import presets
from covid3dgan.inference.exported import ExportedNetwork, open_exported
from covid3dgan.inference.ssinfnet import Predictor


@dataclasses.dataclass(frozen=True)
class ExportedPredictor(Predictor):
    """A Predictor whose two networks and the prior between them are one file."""

    network: ExportedNetwork = None

    @property
    def kinds(self):
        """The kinds of infection that labels 1, 2 ... stand for."""
        return tuple(name for name in self.network.metadata["channels"] if name != "background")

    def probabilities(self, images):
        """(N, S, S, K) float32 for slices of the preset's size in [0, 1]: K = 3 classes, or 1 of infection alone."""
        return self.network(np.asarray(images)[..., None])


def load_exported_predictor(path):
    """The :class:`ExportedPredictor` of an exported ``ssinfnet``; see ``inference.exported.open_exported``."""
    network = open_exported(path, "classes")
    return ExportedPredictor(None, None, presets.from_dict(network.metadata["preset"]), network.described, network)
