"""What a training step sees: batches that are a pure function of (seed, step)."""
