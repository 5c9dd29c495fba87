"""Layers and building blocks that several networks share."""
