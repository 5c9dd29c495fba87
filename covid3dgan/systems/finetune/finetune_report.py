"""The report of a fine-tuning: the sentence, a table of the held-out cases, what to know before it is used."""

__all__ = ["terminal_table", "write_report"]

from covid3dgan.evaluation import report
from covid3dgan.evaluation.evaluation_output import is_phantom
from covid3dgan.systems.finetune.scores import METHODS

CAUTIONS = (
    "Each case was scored by a network that had not seen it, nor another CT of its patient; the network in "
    "`segmenter.tflite` learned from all of them, and was itself not scored.",
    "Intervals over so few patients are narrower than what is not known. What holds for these CTs need not hold for "
    "those of another scanner.",
    "The material that the network was first trained on was not mixed in. Compare both networks on CTs of your own on "
    "which it did well before.",
)
TITLES = {"before": "before", "threshold alone": "threshold alone (1)", "after": "after"}


def rows_of(results):
    """(columns, rows) of the table of the held-out cases, as text."""
    columns = ("case", "fold", "lesions, ml", *(f"Dice {TITLES[method]}" for method in METHODS), "ml before",
               "ml after")
    rows = []
    for row in results["cases"]:
        dice = ["-" if row[method]["dice"] is None else f"{row[method]['dice']:.3f}" for method in METHODS]
        rows.append((row["id"], str(row["fold"]), f"{row['true_ml']:.1f}", *dice,
                     *(f"{row[method]['ml']:.1f}" for method in ("before", "after"))))
    means = [f"{results['summary'][method]['dice']:.3f} [{low:.3f}, {high:.3f}]" for method in METHODS
             for low, high in [results["summary"][method]["interval"]]]
    return columns, [*rows, ("mean [95 %]", "", "", *means, "", "")]


def terminal_table(results):
    """The table of the held-out cases as lines of text."""
    columns, rows = rows_of(results)
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def write_report(results, path):
    """Writes ``path`` (.html) and the same as .md; replaces what is there.

    Args:
        results: what systems.finetune.recipe.finetune returns.
    """
    columns, rows = rows_of(results)
    far = [row["id"] for row in results["cases"] if row["outside_lungs_percent"] > 20]
    notes = ("1: the network as it came, with the threshold that is best on the cases that the others learned from.",
             *((f"More than a fifth of the lesions lies outside of the lungs that were found, where no network looks: "
                f"{', '.join(far)}.",) if far else ()))
    table = report.Table("Held-out cases", columns, tuple(rows), notes, numeric=tuple(range(2, len(columns))))
    started, segmenter = results["started_from"], results["preset"]["segmenter"]
    sections = [
        report.Section("Did it help?", (report.Paragraph(results["sentence"]), table), is_phantom(results["data"])),
        report.Section("Before you use it", tuple(report.Paragraph(text) for text in CAUTIONS)),
        report.Section("How it was made", (
            report.Paragraph(f"{len(results['cases'])} cases of {results['data']}, seed {results['seed']}, "
                             f"{segmenter['steps']} steps at a rate of {segmenter['learning_rate']:g}, from "
                             f"{started.get('file') or started['run']} (sha256 {started['sha256'][:12]}...). "
                             f"Threshold {results['network']['threshold']:g}, the best on the training cases."),
            report.Code(results["command"]),
            *(report.Paragraph(f"Not used: {problem}") for problem in results["problems"]),
            report.Link("results.json: every number", "results.json"))),
    ]
    report.write(path, "Fine-tuning on corrected masks", sections, overwrite=True)
