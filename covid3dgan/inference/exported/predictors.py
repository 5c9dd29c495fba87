"""The predictor that an exported network makes, by what it finds: lesions, foreground or classes."""

__all__ = ["load_exported"]

import dataclasses

import numpy as np

from covid3dgan import presets
from covid3dgan.errors import InputError
from covid3dgan.inference.exported.network import open_exported
from covid3dgan.inference.exported.parts import PARTS
from covid3dgan.presets.preprocessing import PreprocessOptions
from covid3dgan.presets.shabani import System
from covid3dgan.presets.stages import Gan


def load_exported(path):
    """The inference.predictor.Predictor of a TFLite file, a SavedModel, or the folder of an export."""
    network = open_exported(path)
    return {"lesions": _lesions, "foreground": _foreground, "classes": _classes}[
        PARTS[network.metadata["part"]].predicts](path, network)


def _lesions(path, network):
    from covid3dgan.inference.lesions import LesionPredictor

    threshold = network.metadata["threshold"]
    return LesionPredictor(network, _preset(path, network.metadata), threshold["value"], threshold["relative"],
                           network.described, across=network.metadata["preset"].get("painted", {}).get("across", 0.0),
                           sure=threshold.get("sure"))


def _foreground(path, network):
    from covid3dgan.inference.foreground import ForegroundPredictor

    return ForegroundPredictor(network, presets.from_dict(network.metadata["preset"]), network.described,
                               network.metadata["threshold"]["value"])


def _classes(path, network):
    from covid3dgan.inference.classes import ClassPredictor

    class Exported(ClassPredictor):
        """A ClassPredictor whose two networks and the prior between them are one file."""

        kinds = tuple(name for name in network.metadata["channels"] if name != "background")

        def probabilities(self, images):
            return network(np.asarray(images)[..., None])

    return Exported(None, None, presets.from_dict(network.metadata["preset"]), network.described)


def _preset(path, metadata):
    """A preset that preprocesses as the run's did; its other stages are no part of an exported network."""
    facts = metadata["preprocessing"]
    known = {field.name for field in dataclasses.fields(PreprocessOptions)}
    odd = set(facts["options"]) - known  # one that is missing came later: its default is what was done before
    if odd:
        raise InputError(path, "the preprocessing options of this version", f"also {sorted(odd)}",
                         "export the run again")
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in facts["options"].items()}
    return System(metadata["preset"]["name"], "of an exported network", preprocess=PreprocessOptions(**options),
                  gan=Gan(volume_shape=tuple(facts["volume_shape"])))
