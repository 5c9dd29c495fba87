"""From a CT in HU to the networks' volumes, and back to the CT's own voxels."""

from covid3dgan.data.preprocess.recipe import preprocess

__all__ = ["preprocess"]
