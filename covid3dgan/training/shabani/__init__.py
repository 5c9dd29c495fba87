"""The trainings of papers 001 and 000: 3D GAN, pseudo-mask calibration, contrastive segmenter."""
