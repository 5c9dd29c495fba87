"""Other ways to compute the same networks: fused for speed, recomputed for memory."""
