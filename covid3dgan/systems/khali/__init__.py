"""Paper 002's recipe, its tables and figures."""

from covid3dgan.systems.khali.recipe import reproduce

__all__ = ["reproduce"]
