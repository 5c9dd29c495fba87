"""Run directories: what was asked, what came out, checkpoints, state, logs."""
