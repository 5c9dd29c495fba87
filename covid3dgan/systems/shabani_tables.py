"""The tables of paper 001's report, the paper's numbers beside ours."""

__all__ = ["FULL", "NAMES", "case_table", "distance_table", "measured_in", "missing_table", "prepared_cases",
           "result_table", "volume_table"]

import dataclasses

import numpy as np

from covid3dgan import presets
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.evaluation import paper_tables, report
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.systems.cohorts import TESTS
from covid3dgan.systems.shabani_scores import HU_METHOD

FULL = "GAN + UNet + contrastive"
METRICS = ("dice", "specificity", "sensitivity", "continuous_dice")  # the last where the preset asks for it
# Our methods under the names that each table of the paper gives them.
NAMES = {
    "Table 2": {"Ours": FULL, HU_METHOD: HU_METHOD},
    "Table 3": {name: name for name in (HU_METHOD, "GAN", "GAN + UNet", FULL)},
    "Table 4": {"low vs high": FULL, "healthy vs high": "healthy vs high", "healthy vs low": "healthy vs low"},
}


# === Table 1 ===

def case_table(prepared, cohorts):
    """Table 1: the paper's cases beside those that were prepared, with their rates of infection.

    Args:
        prepared: folder with the prepared cases of each role.
        cohorts: systems.cohorts.Cohorts.
    """
    rows = []
    for entry in paper_tables.numbers()["001"]["table1_data"]:
        name, task = entry["dataset"].replace("MosmedData", "Mosmed"), entry["task"]
        count, rate = prepared_cases(prepared, name if task == "test" else task, entry["kind"])
        of_paper = entry.get("infection_rate")
        rows.append((entry["dataset"], task, entry["kind"], str(entry["cases"]), str(count),
                     "-" if of_paper is None else f"{of_paper:.2f}", "-" if rate is None else f"{rate:.2f}",
                     _made_of(cohorts, name if task == "test" else task, entry["kind"])))
    return report.Table(
        "Table 1: data",
        ("data set", "task", "kind", "paper: cases", "ours: cases", "paper: infected (%)", "ours: infected (%)",
         "ours: made of"), tuple(rows), numeric=(3, 4, 5, 6),
        badge=report.ON_PHANTOMS if cohorts.phantom else "", notes=(
             "infected: average share per case. Ours is of the lungs' voxels, on the network's grid; the paper does "
             "not say of what.",
             "Paper: 254 + 806 are before those with fewer than 32 slices are removed, 226 + 664 after (4.1)."))


def prepared_cases(prepared, role, kind):
    """(number of cases, mean infected percentage of the lungs or None) of a role's prepared cases.

    Args:
        prepared: folder with the prepared cases of each role.
        role: "train", "validation" or the name of a test set.
        kind: "healthy" or "covid", which are told apart in training.
    """
    if not any((prepared / role).glob("*")):
        return 0, None
    cases = open_prepared(prepared / role)
    if role == "train":
        return len(cases.only(kind)), None
    rates = [100 * np.count_nonzero((case.infection > 0.5) & (case.lung_mask > 0.5))
             / max(1, np.count_nonzero(case.lung_mask > 0.5)) for case in cases.cases if case.infection is not None]
    return len(cases), float(np.mean(rates)) if rates else None


def _made_of(cohorts, role, kind):
    """The cohort's own words; phantoms for training are described by severity."""
    parts = {"healthy": ("train_healthy",), "covid": ("train_mild", "train_severe")}[kind] if role == "train" else ()
    known = [cohorts.described[part] for part in (*parts, role) if part in cohorts.described]
    return "; ".join(known) or "-"


# === Tables 2 to 5 ===

def result_table(table, cohorts, scores, command):
    """One of Tables 2 to 5: the published protocol, and whole volumes beside it.

    Args:
        table: evaluation.paper_tables.PaperTable.
        scores: what shabani_scores.score_methods returned.
        command: what makes the numbers again.
    """
    if table.name == "Table 5":
        return _threshold_table(table, cohorts, scores["curve"], command)
    return comparison_table(table, measured_in(table, cohorts, scores, command),
                            beside=("ours, whole volumes", measured_in(table, cohorts, scores, command, "per_volume")))


def measured_in(table, cohorts, scores, command, protocol="published"):
    """(method as a table names it, data set, metric) -> Measured, of Tables 2 to 4."""
    return {(shown, name, metric): Measured.of(summary[protocol][metric], cohorts.described[name], command,
                                               cohorts.phantom)
            for shown, method in NAMES[table.name].items()
            for name, summary in scores["summaries"].get(method, {}).items()
            for metric in METRICS if metric in summary[protocol]}


def _threshold_table(table, cohorts, curve, command):
    """Table 5, always with the paper's five thresholds; the grid's other ones are in the figure and results.json."""
    def measured(mean, **more):
        return Measured(mean, cohorts.described["validation"], command, cohorts.phantom, **more)

    keys = [number.key for number in table.numbers]
    whole = dict(zip(curve["grid"], curve["dice"]))
    five = curve.get("paper", {})  # a score stage of a former version has the grid alone
    ours, slices = {}, {}
    for key in keys:
        value = key[0].rpartition(" ")[2]
        if value in five:
            ours[key] = measured(100 * five[value]["per_volume"])
            slices[key] = Measured.of(five[value]["published"], "", command, cohorts.phantom)
        elif float(value) in whole:
            ours[key] = measured(100 * whole[float(value)])
    shown = comparison_table(table, ours, competitors=False, beside=("ours, published protocol", slices),
                             across="methods")
    note = ("ours: each validation case with an infection one sample, by which the threshold is chosen; beside it the "
            f"published protocol, slice by slice. Chosen among {len(curve['grid'])} thresholds: {curve['best']:g}.")
    return dataclasses.replace(shown, notes=(note, *shown.notes),
                               wide=dataclasses.replace(shown.wide, notes=(note, *shown.wide.notes)))


def volume_table(scores):
    """Whole-volume scores of every method: what the papers do not give, and what a user would ask first."""
    columns = ("method", "data set", "Dice (%)", "95 % CI", "published protocol: Dice (%)", "sensitivity (%)",
               "precision (%)", "HD95 (mm)", "volume error (ml)")
    rows = []
    for method, sets in scores["summaries"].items():
        for name, summary in sets.items():
            s = summary["per_volume"]
            low, high = s["dice"]["ci95"]
            rows.append((method, name, _pm(s["dice"], 1), "-" if np.isnan(low) else f"{low:.1f} to {high:.1f}",
                         _pm(summary["published"]["dice"], 1), _pm(s["sensitivity"], 1), _pm(s["precision"], 1),
                         _pm(s["hd95_mm"], 1), _pm(s["volume_error_ml"], 0)))
    return report.Table("Whole volumes, on the network's grid", columns, tuple(rows), merged=1,
                        numeric=tuple(range(2, len(columns))),
                        notes=("mean ± standard deviation over cases, of the published protocol over slices; 95 % "
                               "intervals: bootstrap over cases",))


def _pm(entry, digits):
    if not entry["n"]:
        return "-"
    return f"{round(entry['mean'], digits) + 0.0:.{digits}f} ± {entry['std']:.{digits}f}"  # no -0


# === Fig. 2b ===

def distance_table(distances, claims, phantom):
    """Fig. 2b as numbers, and whether the paper's claim holds here.

    Args:
        distances: data set -> what image_groups.bootstrapped_distances returned.
        claims: data set -> what image_groups.nearer returned.
    """
    pairs = list(next(iter(distances.values())))
    rows = []
    for name, found in distances.items():
        claim = claims[name]
        low, high = claim["ci95"]
        rows.append((name, *(f"{found[pair][0]:.2f} ± {found[pair][1]:.2f}" for pair in pairs),
                     f"{claim['difference']:+.2f}", f"{low:+.2f} to {high:+.2f}", claim["answer"]))
    return report.Table(
        "Fig. 2b as numbers",
        ("data set", *(" to ".join(pair) for pair in pairs), "nearer to healthy by", "95 % CI", "claim holds"),
        tuple(rows), numeric=tuple(range(1, len(pairs) + 3)), badge=report.ON_PHANTOMS if phantom else "", notes=(
            "mean Euclidean distance ± deviation over bootstrap draws. The paper's claim: \"the synthesized healthy "
            "images are closer to the healthy images in all three databases\" (4.2).",
            "nearer by: distance of the synthesised to the COVID-19 images, their own among them, minus that to the "
            "healthy ones; the interval is of the same difference over the draws, and the claim is decided where it "
            "leaves out 0."))


# === What is not here ===

def missing_table(preset, cohorts, scores):
    """What the paper has and the report has not, and why.

    Args:
        preset: the preset that ran.
        scores: what shabani_scores.score_methods returned.
    """
    rows = [("Fig. 1", "a drawing of the pipeline; it has no result"),
            ("GASNet, Label-free, COPLE-Net, nnU-Net (Table 2)", "quoted; other authors' methods are not run here"),
            ("the slices of Figs. 3 and 5", "the paper does not name them; ours are of the test cases at hand"),
            ("the DICOM files of Fig. 4", "`predictions/` has the masks as NIfTI; for DICOM CTs, `covid3dgan predict "
             "CT --model RUN --format dicom-seg --out DIR` writes them as DICOM segmentations")]
    trained = set(scores["summaries"])
    lacking = [name for name in NAMES["Table 4"].values() if name not in trained]
    if lacking:
        rows.append((f"Table 4: {' and '.join(lacking)}", "not trained in this run; `covid3dgan reproduce shabani` "
                     "trains all four segmenters, `covid3dgan demo` two"))
    if cohorts.phantom:
        rows.append(("all results on patients", "need MosMedData, UESTC-COVID-19 and COVID-19-CT-Seg "
                     "(docs/DATASETS.md) and `--data`"))
    else:
        rows += [(f"{name} (Tables 2 to 4)", "its data set is not in the folder of `--data`")
                 for name in TESTS if name not in cohorts.tests]
    steps = _shorter(preset)
    if steps:
        rows.append(("the paper's length of training", f"{steps}; it needs a GPU"))
    return report.Table("Of the paper, but not in this report", ("what", "why"), tuple(rows))


def _shorter(preset):
    """How much shorter a preset trains than the paper's text says, in words; empty where it does not."""
    paper = presets.get("shabani/paper")
    parts = [(name, getattr(preset, stage).steps, getattr(paper, stage).steps)
             for stage, name in (("gan", "GAN"), ("segmenter", "segmenter"))]
    return "; ".join(f"{name}: {ours:,} of {theirs:,} steps" for name, ours, theirs in parts if ours < theirs)
