"""Deep Segmentation Prior and Deep Image Prior, each step alone."""

import dataclasses

import numpy as np
import pytest

from covid3dgan.data.phantoms.cells import blood_smear
from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.presets.afseg import Background
from covid3dgan.training.afseg import backgrounds, deep_image_prior, segmentation_prior

SMALL = Background(width=4, patch=32, batch_size=4, learning_rate=3e-3, check_every=10, first_check=10, most_steps=150,
                   inpainting="fast")


@pytest.fixture(scope="module")
def discs():
    """Dark discs on noise, of which the coarse label knows every other one."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    images = 0.7 + rng.normal(0, 0.03, (4, 64, 64))
    truth, weak = np.zeros((4, 64, 64), bool), np.zeros((4, 64, 64), bool)
    for image in range(4):
        for number, (row, column) in enumerate((y, x) for y in (12, 32, 52) for x in (12, 32, 52)):
            disc = (rows - row)**2 + (columns - column)**2 < 36
            images[image][disc] -= 0.4
            truth[image] |= disc
            if (number + image) % 2:
                weak[image] |= disc
    return images.astype(np.float32), truth, weak


@pytest.mark.parametrize("multiple, dilation, expected", [(2.0, 0, 8), (1.0, 0, 5), (1.5, 0, 6)])
def test_area_rule_by_hand(multiple, dilation, expected):
    """4 of 25 pixels are labelled: 2 times that are the 8 highest scores, 1.5 times are 6, and the label is in."""
    weak = np.zeros((5, 5), bool)
    weak[0, :4] = True
    scores = np.arange(25.0).reshape(5, 5)
    scores[0, 1:4] = 100.0  # three of the label's pixels score high, the fourth is the lowest of all
    mask = segmentation_prior.foreground_mask(scores, weak, multiple, None, dilation)
    assert mask[0, :4].all()
    highest = np.sort(scores.ravel())[::-1][:int(4 * multiple)]
    assert mask[np.isin(scores, highest)].all()
    assert mask.sum() == len(highest) + 1


def test_small_pieces_stay_in_the_image_before_the_rest_is_dilated():
    weak, scores = np.zeros((9, 9), bool), np.zeros((9, 9))
    weak[1:3, 1:3] = True
    scores[1:3, 1:5] = 1.0  # eight pixels: the label and as many beside it
    scores[7, 7] = 2.0  # debris
    mask = segmentation_prior.foreground_mask(scores, weak, 2.25, min_area=4)
    assert mask.sum() == 8 and not mask[7, 7]
    wider = segmentation_prior.foreground_mask(scores, weak, 2.25, min_area=4, dilation=1)
    assert wider.sum() == 8 + 12 and not wider[6:, 6:].any()


def test_area_is_the_ceiling_and_not_one_more_by_rounding():
    weak = np.zeros((10, 10), bool)
    weak.ravel()[:7] = True  # 2 * 0.07 * 100 = 14.000000000000002
    scores = np.linspace(1, 0, 100).reshape(10, 10)
    assert segmentation_prior.foreground_mask(scores, weak, 2.0).sum() == 14
    assert segmentation_prior.foreground_mask(scores, weak, 2.05).sum() == 15
    assert segmentation_prior.foreground_mask(scores, weak, 1.0, rate=0.2).sum() == 20
    assert segmentation_prior.foreground_mask(scores, weak, 100.0).all()


def test_dense_images_keep_a_share_of_their_ground():
    """Of 100 pixels 40 are the label; lambda 3 asks for all, and half of the other 60 stay known."""
    weak, scores = np.zeros((10, 10), bool), np.linspace(1, 0, 100).reshape(10, 10)
    weak[6:] = True  # where scores are lowest
    assert segmentation_prior.foreground_mask(scores, weak, 3.0).all()
    mask = segmentation_prior.foreground_mask(scores, weak, 3.0, spared=0.5, dilation=1)
    np.testing.assert_array_equal(np.flatnonzero(mask.ravel()[:60]), np.arange(30), "the highest scores, not widened")
    assert mask[6:].all()
    nearly = segmentation_prior.foreground_mask(scores, weak, 3.0, spared=0.01)
    assert nearly.sum() == 99, "one pixel at least"
    unchanged = [segmentation_prior.foreground_mask(scores, weak[::-1], 1.2, spared=spared) for spared in (0.0, 0.5)]
    np.testing.assert_array_equal(*unchanged)


@pytest.mark.parametrize("foreground", [0.14, 0.41, 0.65])
def test_smears_of_any_density_get_a_background(foreground):
    """As dense as the real smears that once failed (14 to 41 % cells), and denser; lambda is the demo's 3."""
    made = [blood_smear(2, number, 64, foreground) for number in range(3)]
    pictures, truth = (np.stack(part) for part in zip(*made))
    options = dataclasses.replace(SMALL, area_multiple=3.0, spared=0.5, most_steps=20)
    found = backgrounds.make_backgrounds(pictures, truth, options, 1)
    assert not found.holes.all((1, 2)).any() and (truth & ~found.holes).sum() == 0
    assert (found.holes.mean((1, 2)) <= truth.mean((1, 2)) + 0.5 * (1 - truth.mean((1, 2))) + 1e-9).all()
    np.testing.assert_array_equal(found.images[~found.holes], pictures[~found.holes])
    for picture, cells, ground in zip(pictures, truth, found.images):
        assert ground[cells].mean() > picture[cells].mean() + 0.5 * (picture[~cells].mean() - picture[cells].mean())


def test_where_nothing_may_be_known_the_sentence_names_the_image_and_the_field(discs):
    images, _, weak = discs
    options = dataclasses.replace(SMALL, area_multiple=20.0, most_steps=10)
    with pytest.raises(InputError, match=r"clean background of smear_7: .* \(the coarse mask covers 11%\); raise "
                       r"background.spared \(now 0\) or lower background.area_multiple \(now 20\)"):
        backgrounds.make_backgrounds(images, weak, options, 1, ["smear_7", "b", "c", "d"])
    with pytest.raises(ArgumentError, match="background.spared: expected a share"):
        backgrounds.make_backgrounds(images, weak, dataclasses.replace(SMALL, spared=1.0), 1)


def test_images_beyond_those_that_the_prior_learns_from_are_filled_and_change_nothing(discs):
    images, truth, weak = discs
    options = dataclasses.replace(SMALL, most_steps=20)
    alone = backgrounds.make_backgrounds(images[:3], weak[:3], options, 2)
    more = backgrounds.make_backgrounds(images, weak, options, 2, learning=3)
    np.testing.assert_array_equal(more.holes[:3], alone.holes)
    assert more.history == alone.history and len(more.images) == 4


@pytest.mark.parametrize("ratios, stops", [
    ([7.0], False), ([7.0, 3.0], False), ([7.0, 3.0, 1.0], True), ([0.1, 0.5], False), ([0.1, 2.5], True),
    ([2.09], True), ([2.11], False), ([1.91], True),
])
def test_stop_rule_takes_either_direction_or_nearness(ratios, stops):
    assert segmentation_prior.has_reached(ratios, 2.0) is stops


def test_prior_finds_the_label_like_structures_that_the_label_misses(discs):
    images, truth, weak = discs
    network, history = segmentation_prior.train_prior(images, weak, SMALL, 1)
    assert len(history) * SMALL.check_every < SMALL.most_steps  # it stopped early
    assert segmentation_prior.has_reached([ratio for _, ratio in history], 2.0)
    masks = [segmentation_prior.foreground_mask(s, w, 2.0)
             for s, w in zip(segmentation_prior.scores_of(network, images), weak)]
    assert (np.stack(masks) & truth).sum() / truth.sum() > 0.9
    assert (weak & truth).sum() / truth.sum() < 0.6


def test_backgrounds_are_free_of_objects_and_repeat(discs):
    images, truth, weak = discs
    made = backgrounds.make_backgrounds(images, weak, SMALL, 2)
    again = backgrounds.make_backgrounds(images, weak, SMALL, 2)
    np.testing.assert_array_equal(made.images, again.images)
    assert images[truth].mean() < 0.35
    assert made.images[truth].mean() > 0.6
    np.testing.assert_array_equal(made.images[~made.holes], images[~made.holes])


def test_dip_fills_a_gradient_better_than_its_mean():
    rows, columns = np.mgrid[:32, :40]
    image = (0.2 + 0.012 * columns + 0.004 * rows).astype(np.float32)
    hole = np.zeros((32, 40), bool)
    hole[10:20, 12:28] = True
    options = {"variant": "tiny", "steps": 120, "seed": (1,)}
    filled = deep_image_prior.inpaint(np.where(hole, 0.0, image), hole, **options)
    assert np.abs(filled - image)[hole].mean() < 0.5 * np.abs(image[~hole].mean() - image[hole]).mean()
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    drawn = deep_image_prior.inpaint(np.where(hole, 1.0, image), hole, paste=False, **options)
    np.testing.assert_array_equal(filled[hole], drawn[hole])  # what is under the hole is never read
    assert not np.array_equal(filled[~hole], drawn[~hole])


def test_everything_masked_is_refused():
    with pytest.raises(InputError, match="lower background.area_multiple"):
        deep_image_prior.inpaint(np.zeros((16, 16)), np.ones((16, 16), bool), "tiny", 1)


def test_dip_is_chosen_by_the_preset(discs, monkeypatch):
    images, _, weak = discs
    seen = []
    monkeypatch.setattr(deep_image_prior, "inpaint", lambda image, hole, *rest: seen.append(rest) or image)
    options = dataclasses.replace(SMALL, inpainting="dip", dip_variant="light", dip_steps=7, most_steps=10)
    backgrounds.make_backgrounds(images[:2], weak[:2], options, 1)
    assert [rest[:2] for rest in seen] == [("light", 7)] * 2
