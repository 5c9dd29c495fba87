"""The trainings of paper 004: coach-guided inpainting, Inf-Net, the multi-class U-Net."""
