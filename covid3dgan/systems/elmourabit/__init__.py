"""Paper 000's recipe, its scores, tables and figures."""

from covid3dgan.systems.elmourabit.recipe import reproduce

__all__ = ["reproduce"]
