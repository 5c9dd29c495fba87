"""Every figure of the papers and of the reports in one place: functions from arrays to a matplotlib Figure.

Paper 001: ``pca_scatter`` (2a), ``group_distances`` (2b), ``segmentation_panel`` (3), ``lung_view`` (4),
``ablation_panel`` (5) and ``grouped_bars`` (Tables 3 and 4), ``threshold_curve`` (Table 5). Paper 000: ``grouped_bars``
(12). Paper 002: ``slice_sum_box`` (4). Evaluations: ``dice_by_infection``, ``bland_altman``, ``slice_gallery``.
"""

from covid3dgan.evaluation.charts import (
    bland_altman,
    dice_by_infection,
    group_distances,
    grouped_bars,
    pca_scatter,
    slice_sum_box,
    threshold_curve,
)
from covid3dgan.evaluation.panels import ablation_panel, segmentation_panel, slice_gallery
from covid3dgan.evaluation.style import hounsfield, png, save
from covid3dgan.evaluation.views3d import lung_view

__all__ = ["ablation_panel", "bland_altman", "dice_by_infection", "group_distances", "grouped_bars", "hounsfield",
           "lung_view", "pca_scatter", "png", "save", "segmentation_panel", "slice_gallery", "slice_sum_box",
           "threshold_curve"]
