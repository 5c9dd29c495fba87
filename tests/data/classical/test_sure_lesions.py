"""Pieces of a mask stay where one of their scores says so, or ground glass does, on volumes and single slices."""

import numpy as np

from covid3dgan.data.classical.sure_lesions import ground_glass, pieces, without_doubtful

SPACING = (4.0, 3.0, 3.0)  # one voxel in every direction is what has to fit in
GLASS, VESSEL = 0.3, 0.7   # -580 and -20 HU


def scores():
    found = np.full((5, 12, 12), 0.05, np.float32)
    found[1, 2:5, 2:5] = 0.3      # a rim that touches ...
    found[2, 5, 5] = 0.7          # ... a sure core by a corner, in the next slice
    found[0:4, 7:11, 7:11] = 0.4  # a piece of its own without one
    return found


def test_a_piece_stays_where_one_voxel_is_sure_and_is_lowered_to_the_threshold_where_none_is():
    clear = np.full((5, 12, 12), 0.1)
    kept = without_doubtful(scores(), 0.2, 0.5, ground_glass(clear, SPACING))
    expected = scores()
    expected[0:4, 7:11, 7:11] = 0.2
    np.testing.assert_array_equal(kept, expected)
    assert kept.dtype == np.float32 and not (kept[0:4, 7:11, 7:11] > 0.2).any()
    np.testing.assert_array_equal(without_doubtful(scores(), 0.2, 0.35, ground_glass(clear, SPACING)), scores())
    np.testing.assert_array_equal(without_doubtful(scores(), 0.9, 0.95, ground_glass(clear, SPACING)), scores())


def test_ground_glass_keeps_a_piece_where_it_is_wide_and_a_third_of_it():
    # In a block of 4 x 4 x 4 the octahedron of three voxels across covers 32; in one of 3 x 3 x 3 seven.
    for value, slices, first, stays in ((GLASS, 4, 7, True), (VESSEL, 4, 7, False), (GLASS, 2, 7, False),
                                        (GLASS, 3, 8, False)):
        image = np.full((5, 12, 12), 0.1)
        image[:slices, first:11, first:11] = value
        kept = without_doubtful(scores(), 0.2, 0.5, ground_glass(image, SPACING))
        assert (kept[0:4, 7:11, 7:11] > 0.2).all() == stays
        assert (kept[1, 2:5, 2:5] > 0.2).all()


def test_in_a_single_slice_only_its_width_in_the_slice_counts():
    image = np.full((1, 12, 12), 0.1)
    image[0, 2:5, 2:5] = image[0, 8, 2:11] = GLASS  # a square; a line
    found = ground_glass(image, SPACING)
    # Of the square, what crosses of three pixels cover: all but its corners.
    assert found[0].sum() == 5 and found[0, 3, 3] and found[0, 2, 3] and not found[0, 2, 2]
    finer = ground_glass(image, (4.0, 1.0, 1.0))  # there 3 mm are three pixels
    assert not finer.any()


def test_pieces_are_counted_with_their_highest_score_and_their_ground_glass():
    glass = np.zeros((5, 12, 12), bool)
    glass[0, 8, 8:12] = True  # three of them in the piece
    labels, highest, sizes, held = pieces(scores(), 0.2, glass)
    assert sorted(zip(highest.astype(np.float64).round(2), sizes, held)) == [(0.4, 64, 3), (0.7, 10, 0)]
    assert labels[1, 2, 2] == labels[2, 5, 5] != labels[0, 8, 8]
    labels, highest, sizes, held = pieces(scores(), 0.9, glass)
    assert not labels.any() and len(highest) == len(sizes) == len(held) == 0
