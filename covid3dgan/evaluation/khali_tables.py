"""Paper 002's Table 1 beside ordinary scores of the same masks.

The paper's numbers are maxima over single pixels (protocol ``khali_pixel_max``, K02). They are made here in the same
way, and never stand in one table with a Dice of masks.
"""

__all__ = ["METHODS", "ORDINARY", "masks_of", "main_numbers", "method_scores", "numbers", "tables"]

from covid3dgan.evaluation import paper_tables, protocols
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.thresholds import binarise

METHODS = ("TransUNET", "UNET")
# What the authors' code binarised before it scored each column: for the TransUNet neither mask nor lung mask.
AS_CODED = {"TransUNET": {"mask_threshold": None, "lung_threshold": None}, "UNET": {}}
ORDINARY = {
    "slices": paper_tables.PaperTable(
        "Beside Table 1", "Ordinary scores per infected slice (protocol published)", "%", "std", (),
        ("Dice, sensitivity and specificity of whole slices, at each network's own threshold, inside the lungs. The "
         "paper has no such numbers.",)),
    "volumes": paper_tables.PaperTable(
        "Beside Table 1", "Ordinary scores per CT (protocol per_volume)", "%", "std", (),
        ("Every CT is one sample. The paper has no such numbers.",)),
}


def masks_of(model, scores, lungs, within_lung=True):
    """The masks that a network gives at its own threshold: (N, D, H, W) bool.

    Args:
        model: training.shabani.train_segmenter.SegmenterModel.
        scores, lungs: (N, D, H, W).
        within_lung: whether they end at the lungs.
    """
    masks = binarise(scores, model.threshold, model.relative)
    return masks & (lungs > 0.5) if within_lung else masks


def method_scores(method, model, scores, truth, lungs, names, slice_filters=True, spacing=(1.0, 1.0, 1.0),
                  within_lung=True):
    """"pixel_max", "slices" and "volumes" -> evaluation.scores.Scores of one network.

    Args:
        method: one of METHODS.
        model: its SegmenterModel.
        scores, truth, lungs: (N, D, H, W) float32: its lesion scores, true infection and lung masks.
        names: the cases' names.
        slice_filters: whether the ordinary scores leave out slices with little infection (F24).
        spacing: mm per slice, row and column, one triple or one per case.
        within_lung: whether the ordinary scores' masks end at the lungs.
    """
    masks = masks_of(model, scores, lungs, within_lung)
    return {
        "pixel_max": protocols.khali_pixel_max(scores, truth, lungs, names=names, **AS_CODED[method]),
        "slices": protocols.published(masks, truth, lungs, slice_filters=slice_filters, names=names),
        "volumes": protocols.per_volume(masks, truth, lungs, spacing, names=names),
    }


def tables(results, dataset, described, command, phantom):
    """Report tables: Table 1 as the paper's code scores it, then the ordinary scores per slice and per CT.

    Args:
        results: method -> what :func:`method_scores` gives.
        dataset: what the scored cases stand for, "Mosmed" in the paper.
        described: the data in words, with the number of cases.
        command: what makes the numbers again.
        phantom: whether the cases are phantoms.
    """
    return tuple(comparison_table(*pair) for pair in numbers(results, dataset, described, command, phantom))


def numbers(results, dataset, described, command, phantom):
    """(PaperTable, measured) of each of these tables; arguments as for :func:`tables`."""
    def measured(kind):
        return {(method, dataset, metric): Measured.of(entry, described, command, phantom)
                for method, kinds in results.items() for metric, entry in kinds[kind].summary().items()
                if kind != "volumes" or kinds[kind].unit_of(metric) == "%"}

    return ((paper_tables.tables("khali")[0], measured("pixel_max")),
            *((table, measured(kind)) for kind, table in ORDINARY.items()))


def main_numbers(results, dataset, described, command, phantom):
    """What first_screen shows: the TransUNet's Dice as the paper's code scores it, per slice, and per CT."""
    counted = ("as the paper counts", "per slice", "per CT")
    return [(table, measured, METHODS[0], "dice", what) for what, (table, measured) in
            zip(counted, numbers(results, dataset, described, command, phantom))]
