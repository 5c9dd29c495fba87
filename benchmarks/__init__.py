"""Every comparison of this project with the published way, rewritten by us: ``python -m benchmarks``."""
