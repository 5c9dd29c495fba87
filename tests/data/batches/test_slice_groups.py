"""Pair selection: each rule by hand, the three pairings, and what an empty group says."""

import dataclasses

import numpy as np
import pytest

from covid3dgan.data.batches.slice_groups import group_slices
from covid3dgan.errors import InputError
from covid3dgan.presets.stages import Contrastive

SUMS = np.array([100.0, 70.0, 96.0, 80.0, 66.0, -5.0, 94.0, 65.0, 79.9])


def test_published_sums_are_strict_and_cut_to_the_smaller_group():
    groups = group_slices(SUMS, Contrastive(grouping="sums"))
    assert groups.high.tolist() == [0, 2]
    assert groups.low.tolist() == [1, 4, 8]  # 65 and 80 themselves are outside
    assert groups.positive.tolist() == [0, 2] and groups.negative.tolist() == [1, 4]


def test_sorting_takes_a_third_at_each_end_of_the_slices_with_lung():
    lung = np.array([1, 1, 1, 1, 1, 0, 1, 0, 1])
    groups = group_slices(SUMS, Contrastive(grouping="sorted"), lung)  # 7 with lung: 2 at each end
    assert groups.high.tolist() == [0, 2] and groups.low.tolist() == [1, 4]


def test_quartiles_are_those_of_the_box_plot():
    groups = group_slices(np.arange(9.0), Contrastive(grouping="quartiles"))  # Q1 = 2, median = 4, Q3 = 6
    assert groups.high.tolist() == [7, 8] and groups.low.tolist() == [3, 4]


def test_quartiles_as_coded_reach_up_to_the_third():
    groups = group_slices(np.arange(9.0), Contrastive(grouping="quartiles-coded"))
    assert groups.high.tolist() == [7, 8] and groups.low.tolist() == [3, 4, 5, 6]
    assert groups.positive.tolist() == [7, 8] and groups.negative.tolist() == [3, 4]  # the first ones, for balance


@pytest.mark.parametrize("pairs, positive, negative, sources", [
    ("low-high", [0, 2], [1, 4], ("covid", "covid")),
    ("healthy-high", [0, 2], [1, 3], ("covid", "healthy")),
    ("healthy-low", [1, 4, 8], [1, 3], ("covid", "healthy")),
])
def test_table_4_pairs(pairs, positive, negative, sources):
    groups = group_slices(SUMS, Contrastive(grouping="sums", pairs=pairs), healthy_lung_pixels=np.array([0, 5, 0, 9]))
    assert groups.positive.tolist() == positive and groups.negative.tolist() == negative
    assert (groups.positive_source, groups.negative_source) == sources


def test_an_empty_group_names_the_quantiles_and_the_option():
    with pytest.raises(InputError, match=r"group 'high'.*100 %: 8.*contrastive.grouping=quartiles"):
        group_slices(np.arange(9.0), Contrastive(grouping="sums"))


def test_healthy_pairs_need_healthy_slices():
    with pytest.raises(InputError, match="healthy slices"):
        group_slices(SUMS, dataclasses.replace(Contrastive(), pairs="healthy-high"))
