"""``pnoise2`` at its public name; the code is in data/noise/perlin.py."""

from covid3dgan.data.noise.perlin import pnoise2

__all__ = ["pnoise2"]
