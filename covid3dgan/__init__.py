"""covid3dgan: self-supervised segmentation of COVID-19 lesions in chest CT, after Shabani et al. (2022).

    covid3dgan.segment("ct.nii.gz") -> Prediction(mask, scores, lungs, facts)
    covid3dgan.load_predictor().predict("ct.nii.gz")        # the same, the network kept loaded
    covid3dgan.view_in_notebook("ct.nii.gz", found)         # a widget with the CT and what was found

Importing the package loads no TensorFlow; ``covid3dgan.models`` and ``covid3dgan.training`` do.
"""

import importlib

from covid3dgan.environment import turn_onednn_on

__version__ = "0.1.0"
__all__ = ["Prediction", "Volume", "__version__", "load_predictor", "segment", "view_in_notebook"]

turn_onednn_on()  # before anything of ours loads TensorFlow, which reads the switch once

# Where the public names live; loaded when they are first used, so that importing the package stays light.
_PUBLIC = {"segment": "covid3dgan.inference.segment", "load_predictor": "covid3dgan.inference.predictor",
           "Prediction": "covid3dgan.inference.lesions", "Volume": "covid3dgan.data.volumes",
           "view_in_notebook": "covid3dgan.viewer.notebook"}


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__():
    return sorted({*globals(), *_PUBLIC})
