"""covid3dgan: self-supervised segmentation of COVID-19 lesions in chest CT, after Shabani et al. (2022).

Importing the package loads no TensorFlow; ``covid3dgan.models`` and ``covid3dgan.training`` do.
"""

from covid3dgan.environment import turn_onednn_on

__version__ = "0.1.0"

turn_onednn_on()  # before anything of ours loads TensorFlow, which reads the switch once
