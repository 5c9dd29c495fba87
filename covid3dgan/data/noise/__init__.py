"""Perlin noise and painted lesions: what is added to healthy volumes."""
