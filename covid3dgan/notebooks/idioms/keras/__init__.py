"""Keras 2.7 in later Kerases: `models` installs everything, `keras3` what Keras 3 alone refuses."""
