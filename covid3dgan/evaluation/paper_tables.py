"""The papers' printed numbers as data, table by table, with what is known to be wrong with them.

``paper_numbers.json`` holds every number, ``paper_marks.json`` the marks of significance beside them; this file says
which table of which system they stand in: one function per paper, which the paper's record names.
"""

__all__ = ["PaperNumber", "PaperTable", "afseg", "elmourabit", "khali", "marks", "numbers", "shabani", "ssinfnet",
           "tables"]

import dataclasses
import functools
import json
from pathlib import Path
from typing import Optional

from covid3dgan import papers

# Paper 000, section 2.3: Dice of supervised methods on UESTC and Radiopaedia.
SUPERVISED = {"nnU-Net": (81, 76), "COPLE-Net": (83, 59)}


@dataclasses.dataclass(frozen=True)
class PaperNumber:
    """One printed number.

    ``notebook`` and ``notebook_spread`` are what the published code printed for it, where it did; ``spread`` is the
    number after the paper's +-, of the table's kind. ``ours`` is False for other people's methods, quoted by the paper.
    ``mark`` is the printed mark of significance.
    """

    method: str
    dataset: str
    metric: str
    mean: float
    spread: Optional[float] = None
    notebook: Optional[float] = None
    notebook_spread: Optional[float] = None
    ours: bool = True
    mark: str = ""

    @property
    def key(self):
        """(method, dataset, metric): what a measured number is matched by."""
        return self.method, self.dataset, self.metric


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """One table: ``unit`` is "%" or "" (fractions), ``spread`` "std", "error95" or None."""

    name: str
    title: str
    unit: str
    spread: Optional[str]
    numbers: tuple[PaperNumber, ...]
    notes: tuple[str, ...] = ()


@functools.lru_cache(maxsize=1)
def numbers():
    """Everything in ``paper_numbers.json``, by paper (000 to 004, and 001_notebooks)."""
    return _read("paper_numbers.json")


@functools.lru_cache(maxsize=1)
def marks():
    """Everything in ``paper_marks.json``: what the signs mean, and for each table class -> method -> metric -> sign."""
    return _read("paper_marks.json")


def _read(name):
    return json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def tables(system, evaluation=None):
    """The result tables of a system's paper, in the paper's order.

    Args:
        system: of the paper, such as "khali".
        evaluation: presets.stages.Evaluation, whose fields say which of a paper's own contradictions is shown (F27,
            F29); None shows the tables as printed.
    """
    found = papers.resolve(papers.get(system).tables)()
    return found if evaluation is None else tuple(_chosen(table, evaluation) for table in found)


_OF_PAPER_000 = ("Results of GAN + U-Net", "Comparison with weakly supervised methods")  # both print the row of F29


def _chosen(table, evaluation):
    """The table with the Mosmed numbers that the preset asks for."""
    shown = []
    for number in table.numbers:
        if table.name == "Table 2" and number.key == ("Ours", "Mosmed", "dice") and evaluation.mosmed_dice == "text":
            number = dataclasses.replace(number, mean=numbers()["001"]["text"]["mosmed_dice_in_text"], spread=None)
        of_two_cases = number.key[:2] == ("GAN + UNet", "Mosmed") and table.title in _OF_PAPER_000
        if evaluation.two_case_row or not of_two_cases:
            shown.append(number)
    return dataclasses.replace(table, numbers=tuple(shown))


def shabani():
    """Tables 2 to 5 of paper 001."""
    paper = numbers()["001"]
    notebook = numbers()["001_notebooks"]["Segmentation2D"]
    ours = {("Ours", "Mosmed", metric): (entry["mean"], entry["std"]) for metric, entry in notebook.items()}
    compared = {"Ours" if method == "ours" else method: sets for method, sets in paper["table2_comparison"].items()}
    curve = tuple(PaperNumber(f"threshold {value}", "CoronaCases", "dice", dice)
                  for value, dice in paper["table5_threshold"].items())
    others = set(compared) - {"Ours"}
    second = numbers()["001_notebooks"]["Evaluation"]["dice"]
    return (
        PaperTable("Table 2", "Comparison with other methods", "%", "std", _rows(compared, ours, others), (
            "F27: the text of the paper gives "
            f"{paper['text']['mosmed_dice_in_text']} as Mosmed's Dice, its Table 2 58.43.",
            "The published notebook's numbers come from two Mosmed cases; the paper's from 50. The notebook Evaluation "
            f"printed a Dice of {second['mean']:.2f} ± {second['std']:.2f} for two cases as well.",
            "The paper names no slice filter; its code scores only slices with more than 163 infected pixels and more "
            "than 1 % of infected lung (F24).")),
        PaperTable("Table 3", "Ablation: phases of the pipeline", "%", "std", _rows(paper["table3_ablation"])),
        PaperTable("Table 4", "Pairs of the contrastive loss", "%", "std", _rows(paper["table4_pairs"])),
        PaperTable("Table 5", "Threshold, on CoronaCases", "%", None, curve),
    )


def elmourabit():
    """Tables 5 and 6 of paper 000, and what its text quotes of supervised methods."""
    paper = numbers()["000"]
    notebook = numbers()["001_notebooks"]["Segmentation2D"]
    ours = {("GAN + UNet", "Mosmed", metric): (entry["mean"], entry["std"]) for metric, entry in notebook.items()}
    results = {"GAN + UNet": paper["table5_results"]}
    return (
        PaperTable("Table 5", "Results of GAN + U-Net", "%", "std", _rows(results, ours), (
            "F29: the Mosmed row equals, digit for digit (some cut, not rounded), what the published notebook "
            "Segmentation2D printed for its two sample cases; the paper says ten cases.",)),
        PaperTable("Table 6", "Comparison with weakly supervised methods", "%", "std",
                   _rows({**results, **paper["table6_comparison"]}, others=set(paper["table6_comparison"]))),
        PaperTable("Section 2.3", "Supervised methods in the text", "%", None,
                   tuple(PaperNumber(method, dataset, "dice", dice, ours=False)
                         for method, found in SUPERVISED.items()
                         for dataset, dice in zip(("UESTC", "Radiopaedia"), found)), (_cut(),)),
    )


def _cut():
    """The numbers that paper 001 has of the supervised methods that paper 000 quotes."""
    table = numbers()["001"]["table2_comparison"]
    nnunet, cople = ([f"{table[f'{name} (supervised)'][place]['dice']['mean']:g}" for place in ("UESTC", "Radiopaedia")]
                     for name in SUPERVISED)
    return (f"Dice. Paper 001's Table 2 has {' and '.join(nnunet)}, {' and '.join(cople)}, so these are cut, not "
            "rounded (E06). Paper 000 scores nothing on UESTC, and so does its recipe here.")


def khali():
    """Table 1 of paper 002."""
    paper = numbers()["002"]
    coded = {(method, "Mosmed", metric): (entry["mean"], entry["std"])
             for method, entries in paper["authors_code_output"].items() for metric, entry in entries.items()}
    return (PaperTable("Table 1", "TransUNet and UNet", "%", "std",
                       _rows({method: {"Mosmed": entries} for method, entries in paper["table1"].items()}, coded), (
        "These are maxima over single pixels (protocol khali_pixel_max), no Dice of masks: a slice scores about 100 as "
        "soon as one pixel is right.",
        "UNet: a score that is 0 or 100 per slice and has the standard deviation 46.69 has the mean 67.89, which the "
        "authors' code printed, not 72.89. TransUNet: the paper's text and the code say 47.09, its table 50.09.",
        "The paper scored the scans that its segmenter was trained on (K21); which scans ours are stands under \"made "
        "on\".")),)


def afseg():
    """Table 1 of paper 003, one for each task."""
    paper = numbers()["003"]
    return tuple(
        PaperTable(f"Table 1, {task}", f"Results on {task}", "", "std",
                   _rows({method: {task: entries} for method, entries in paper["table1"][task].items()}),
                   ("The paper gives no threshold and does not say whether coarse masks are scored before erosion.",))
        for task in ("cells", "vessels"))


def ssinfnet():
    """Tables II and III of paper 004."""
    paper = numbers()["004"]
    multi = {}
    for label, methods in paper["table3_multi"].items():
        for method, entries in methods.items():
            multi.setdefault(method, {})[label] = entries
    single = {method: {"MedSeg": entries} for method, entries in paper["table2_single"].items()}
    significant = {(method, label, metric): sign for label, methods in marks()["004"]["table3_multi"].items()
                   for method, signs in methods.items() for metric, sign in signs.items()}
    meaning = "; ".join(f"{sign}: {text}" for sign, text in marks()["004"]["meaning"].items())
    return (
        PaperTable("Table 2", "Single: infection or not", "", "error95", _rows(single, spread="ci95"), (
            "The paper does not say which threshold made the masks, nor whether a sample was an image or a batch.",
            "The U-Net row contradicts itself: an F1 of 0.02 cannot come with an IoU of 0.001, nor an AUC below 0.5 "
            "with the authors' own ROC file (0.968).",
            "The paper marks nothing in this table as significant; its bold print is the best of each column.")),
        PaperTable("Table 3", "Multi: ground glass and consolidation", "", "error95",
                   _rows(multi, spread="ci95", marked=significant), (
            "'overall' is the plain mean of the three classes, background included, and so is its error.",
            f"{meaning} (I15); ours stand in the table of significance.")),
    )


def _rows(methods, notebook=None, others=(), spread="std", marked=None):
    found = []
    for method, datasets in methods.items():
        for dataset, entries in datasets.items():
            for metric, entry in entries.items():
                coded = (notebook or {}).get((method, dataset, metric), (None, None))
                found.append(PaperNumber(method, dataset, metric, entry["mean"], entry.get(spread), *coded,
                                         ours=method not in others,
                                         mark=(marked or {}).get((method, dataset, metric), "")))
    return tuple(found)
