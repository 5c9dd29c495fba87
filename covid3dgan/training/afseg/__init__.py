"""The trainings of paper 003: deep priors, generator, discriminator and segmenter."""
