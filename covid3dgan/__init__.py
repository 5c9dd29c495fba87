"""covid3dgan: self-supervised segmentation of COVID-19 lesions in chest CT, after Shabani et al. (2022).

Importing the package loads no TensorFlow; ``covid3dgan.models`` and ``covid3dgan.training`` do.
"""

__version__ = "0.1.0"
