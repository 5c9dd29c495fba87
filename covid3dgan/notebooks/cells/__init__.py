"""Rules that change a cell before it runs: its lines, its syntax tree, its numbers."""
