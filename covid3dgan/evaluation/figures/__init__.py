"""Every figure of the papers and of the reports: functions from arrays to a matplotlib Figure.

Paper 001: ``group_charts.pca_scatter`` (2a), ``group_charts.group_distances`` (2b), ``panels.segmentation_panel`` (3),
``views3d.lung_view`` (4), ``panels.ablation_panel`` (5), ``charts.grouped_bars`` (Tables 3 and 4),
``charts.threshold_curve`` (Table 5). Paper 000: ``charts.grouped_bars`` (12). Paper 002: ``charts.slice_sum_box`` (4).
Paper 003: ``afseg``. Paper 004: ``ssinfnet``. Evaluations: ``charts.dice_by_infection``, ``charts.bland_altman``,
``panels.slice_gallery``.
"""
