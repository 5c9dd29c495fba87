"""Scores averaged over neighbouring slices: a single slice's go down, those of a lesion that goes on stay."""

import numpy as np

from covid3dgan.inference.neighbours import averaged_across


def test_a_single_slice_fades_and_what_goes_on_stays():
    scores = np.zeros((21, 2, 2), np.float32)
    scores[10, 0, 0] = 1.0
    scores[5:16, 1, 1] = 1.0
    found = averaged_across(scores, spacing=5.0, width=5.0)
    np.testing.assert_allclose(found[10, 0, 0], 0.399, atol=1e-3)  # 1 / (1 + 2 exp(-1/2) + 2 exp(-2) + ...)
    assert found[10, 1, 1] > 0.99
    np.testing.assert_allclose(found.sum(0), scores.sum(0), rtol=1e-3)


def test_no_width_or_one_slice_changes_nothing():
    scores = np.random.default_rng(0).random((4, 3, 3)).astype(np.float32)
    assert averaged_across(scores, 5.0, 0.0) is scores
    np.testing.assert_array_equal(averaged_across(scores[:1], 5.0, 5.0), scores[:1])
