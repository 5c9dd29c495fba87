"""Data sets: folder layouts, cases, the pairing of CTs with masks, checks of a whole set."""
