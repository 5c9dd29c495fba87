"""The training of paper 002: a TransUNet on pseudo-masks."""
