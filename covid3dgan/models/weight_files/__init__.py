"""Weights from files: .keras, PyTorch's, ImageNet trunks; nothing in a file is run."""
