"""Synthetic CTs, slices, blood smears and angiograms whose true masks are known."""
