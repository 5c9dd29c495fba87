"""The threshold by the validation share."""

import numpy as np
import pytest

from covid3dgan.presets.afseg import Synthesis
from covid3dgan.training.afseg.choose_threshold import GRID, best_threshold, validation_pairs


def test_the_best_threshold_by_hand():
    labels = np.zeros((2, 4, 4), bool)
    labels[:, :2] = True
    scores = np.where(labels, 0.42, 0.22)
    value, dice = best_threshold(scores, labels)
    assert value == 0.4 and dice[0.4] == dice[0.25] == 1.0, "of all that are best the one nearest to 0.5"
    assert dice[0.2] == pytest.approx(2 * 8 / (16 + 8)) and dice[0.45] == 0.0
    assert set(dice) == set(GRID) and 0.5 in GRID


def test_images_count_alike_and_empty_ones_when_found_empty():
    labels = np.zeros((2, 4, 4), bool)
    labels[0, 0, 0] = True
    scores = np.zeros((2, 4, 4))
    scores[0, 0, 0], scores[1, 0, 0] = 0.9, 0.58
    value, dice = best_threshold(scores, labels)
    assert value == 0.6 and dice[0.6] == 1.0 and dice[0.5] == 0.5


def test_pairs_are_what_the_segmenter_is_shown():
    """The generator here darkens everything; the pair has its foreground on the clean background."""
    images, backgrounds = np.full((2, 32, 32), 0.5, np.float32), np.full((2, 32, 32), 0.8, np.float32)
    weak = np.zeros((2, 32, 32), bool)
    weak[:, 10:20, 10:20] = True

    def generator(batch, training):
        assert not training
        return batch - 0.4  # [-1, 1]: 0.2 less

    def pairs(**options):
        return validation_pairs(generator, Synthesis(**options), images, weak, backgrounds, 3) / 2 + 0.5

    np.testing.assert_allclose(pairs(), 0.3, atol=1e-6)
    composed = pairs(segmenter_background="inpainted")[..., 0]
    np.testing.assert_allclose(composed, np.where(weak, 0.3, 0.8), atol=1e-6)
    faded = pairs(segmenter_background="inpainted", fade=0.2)[..., 0]
    assert (faded[weak] > 0.31).any() and (faded[weak] < 0.8).all()
    np.testing.assert_array_equal(faded, pairs(segmenter_background="inpainted", fade=0.2)[..., 0])
    assert not np.array_equal(faded[0], faded[1]), "each image fades in its own way"
