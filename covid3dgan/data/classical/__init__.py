"""Image processing without learning: level set, vesselness, coarse masks, inpainting, contrast, edges."""
