"""docs/RESULTS.md: one page, real images first, a table per paper, times and sizes, targets met and missed."""

__all__ = ["results_page"]

from benchmarks.results.tables import machines_table, metrics_table, sources, table, target_text, wrapped

_HEAD = """\
# Results
Written by `python -m benchmarks.results` from [results/](../results/README.md), which holds every seed, interval,
machine and note, and all rows as [CSV](../results/results.csv). What was tried: [experiments](experiments/README.md).

**How to read it.** "Ours" is the mean ± standard deviation over (n) trainings with other seeds, or over (n) runs;
**with n below 3 it is a first look, not a claim.** In brackets: the outer ends of the seeds' 95 % intervals over
cases. The papers' ± is over slices or patients. **Phantoms are synthetic images and say nothing about patients**:
a number near a paper's means that the images are about as hard, no more. A target is met if every run meets it.
Letters name file, command, instruction set and commit, 2 cores each: "AVX-512 BF16" is an AMD EPYC, "AVX2 only" the
same with oneDNN limited to AVX2, "AMX" an Intel Xeon."""

# Folder of results/ and its title.
_TITLES = {
    "real": "Real images",
    "shabani": "Paper 001: 3D GAN, UNet, contrastive learning",
    "elmourabit": "Paper 000: three data sets",
    "khali": "Paper 002: TransUNet",
    "afseg": "Paper 003: AF-SEG",
    "ssinfnet": "Paper 004: SSInfNet",
    "speed": "Speed, memory, exactness",
}
# Sections with machines across; exports stand with the times.
_WITH = {"export": "speed"}
_ACROSS = ("speed",)
# Sections whose paper's table has its metrics across.
_METRICS_ACROSS = ("afseg",)


def results_page(records):
    """The whole text of docs/RESULTS.md."""
    lines = [*_HEAD.splitlines(), "", *_targets(records)]
    for section, title in _TITLES.items():
        chosen = {name: record for name, record in records.items() if _section(name) == section}
        if chosen:
            lines += ["", f"## {title}"]
            if section in _METRICS_ACROSS:
                lines += [*metrics_table(chosen), ""]
            rows = machines_table(chosen) if section in _ACROSS else table(chosen, section in _METRICS_ACROSS)
            lines += [*rows, "", *sources(chosen)]
    return "\n".join(lines) + "\n"


def _section(name):
    folder = name.partition("/")[0]
    return _WITH.get(folder, folder)


def _targets(records):
    """A paragraph: how many targets are met, and each that is missed."""
    with_target = [(name, number) for name, record in records.items() for number in record["numbers"]
                   if number.get("target")]
    missed, groups = 0, {}
    for _, number in with_target:
        if number["met"] == "no":
            missed += 1
            values = ", ".join(f"{value:g}" for value in number["values"] if value is not None)
            what = ", ".join(filter(None, (number["what"], number["metric"])))
            groups.setdefault(what, []).append(f"{number['on']} {values} ({target_text(number).partition(':')[0]})")
    sentence = f"**Targets.** {len(with_target) - missed} of {len(with_target)} are met."
    listed = "; ".join(f"{what}: {', '.join(cases)}" for what, cases in groups.items())
    return wrapped(f"{sentence} Missed: {listed}." if missed else sentence, indent="")
