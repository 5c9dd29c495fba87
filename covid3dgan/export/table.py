"""The table that ``covid3dgan export`` prints."""

__all__ = ["render"]

HEADER = ("file", "precision", "MB", "largest difference", "mean", "Dice", "ms", "Keras ms", "operations")


def render(report):
    """One line per file: size, largest and mean difference over all probes, smallest Dice, latency, operations."""
    rows = [HEADER, *(_row(entry, report["keras_seconds"]) for entry in report["files"])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) if i in (0, 1, 8) else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _row(entry, keras_seconds):
    comparisons = entry["comparisons"]
    dice = [c["dice"] for c in comparisons if c["dice"] is not None]
    operations = entry["operations"]
    return (entry["path"], entry["precision"], f"{entry['bytes'] / 2**20:.2f}",
            f"{max(c['largest'] for c in comparisons):.1e}", f"{max(c['mean'] for c in comparisons):.1e}",
            f"{min(dice):.4f}" if dice else "-", f"{1e3 * entry['seconds']:.1f}", f"{1e3 * keras_seconds:.1f}",
            f"{len(operations)} kinds, all built in" if operations else "TensorFlow's")
