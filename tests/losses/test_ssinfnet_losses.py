"""Paper 004's losses on cases small enough to work by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, losses, presets
from covid3dgan.errors import ArgumentError
from covid3dgan.losses.structure import boundary_weights

LN2 = math.log(2)


def image(values, shape):
    return tf.constant(np.asarray(values, np.float32).reshape(shape))


def test_boundary_weight_counts_the_zeros_beyond_the_image():
    """A 31 x 31 image of ones: the window holds all 961 pixels at the centre and 16 x 16 of them at a corner."""
    weights = boundary_weights(tf.ones((1, 31, 31, 1)))[0, :, :, 0].numpy()
    assert weights[15, 15] == pytest.approx(1.0, abs=1e-5)
    assert weights[0, 0] == pytest.approx(1 + 5 * (1 - 256 / 961), abs=1e-5)


def test_one_pixel_weighs_almost_six():
    mask = np.zeros((1, 40, 40, 1), np.float32)
    mask[0, 20, 20] = 1
    weights = boundary_weights(tf.constant(mask))[0, :, :, 0].numpy()
    assert weights[20, 20] == pytest.approx(1 + 5 * 960 / 961, abs=1e-5)
    assert weights[20, 35] == pytest.approx(1 + 5 / 961, abs=1e-5) and weights[20, 36] == 1.0


def test_structure_loss_of_undecided_logits():
    """Logits 0 on one pixel of truth 1 (weight 1 + 5 x 960/961): BCE ln 2, IoU (w/2 + 1) / (w + 1)."""
    weight = 1 + 5 * 960 / 961
    value = losses.structure_loss(image(0, (1, 1, 1, 1)), image(1, (1, 1, 1, 1)))
    assert float(value) == pytest.approx(LN2 + 1 - (weight / 2 + 1) / (weight + 1), rel=1e-5)


def test_published_slip_leaves_the_cross_entropy_unweighted():
    """Two pixels, truth (1, 0), logits (0, 10): the weighted BCE leans to the heavier first pixel."""
    logits, mask = image([0, 10], (1, 1, 2, 1)), image([1, 0], (1, 1, 2, 1))
    first, second = LN2, 10 + math.log1p(math.exp(-10))
    weights = boundary_weights(mask).numpy().ravel()
    difference = float(losses.structure_loss(logits, mask, "weighted") - losses.structure_loss(logits, mask, "plain"))
    expected = (weights[0] * first + weights[1] * second) / weights.sum() - (first + second) / 2
    assert difference == pytest.approx(expected, rel=1e-4) and abs(expected) > 0.1


def test_iou_is_per_image():
    """A perfect image and a perfectly wrong one average; pooled they would not."""
    logits, mask = image([50, -50], (2, 1, 1, 1)), image([1, 1], (2, 1, 1, 1))
    weight = 1 + 5 * 960 / 961
    expected = (0 + 1 - 1 / (weight + 1)) / 2 + (0 + 50) / 2
    assert float(losses.structure_loss(logits, mask)) == pytest.approx(expected, rel=1e-5)


def test_total_is_four_maps_and_the_edge():
    maps = {name: image(0, (1, 1, 1, 1)) for name in ("sg", "s5", "s4", "s3", "edge")}
    one = image(1, (1, 1, 1, 1))
    total, edge = losses.infnet_loss(maps, one, one)
    assert float(edge) == pytest.approx(LN2)
    assert float(total) == pytest.approx(LN2 + 4 * float(losses.structure_loss(maps["sg"], one)), rel=1e-6)


def test_inpainting_error_is_per_erased_pixel_and_truncated():
    """Two pixels, three channels: the erased one misses by 1, 1 and 3 (cut at 2), the kept one by 0.5 each."""
    target = image([1, 1, 1, 0, 0, 0], (1, 1, 2, 3))
    painted = image([0, 0, -2, 0.5, 0.5, 0.5], (1, 1, 2, 3))
    total, erased, kept = losses.inpainting_loss(painted, target, image([0, 1], (1, 1, 2, 1)))
    assert float(erased) == pytest.approx(1 + 1 + 2, rel=1e-5)
    assert float(kept) == pytest.approx(0.75, rel=1e-5)
    assert float(total) == pytest.approx(0.99 * 4 + 0.01 * 0.75, rel=1e-5)


def test_paper_s_cross_entropy_reads_logits():
    erased, _ = losses.masked_means(image(0, (1, 1, 1, 1)), image(1, (1, 1, 1, 1)), image(0, (1, 1, 1, 1)),
                                    "cross-entropy")
    assert float(erased) == pytest.approx(LN2, rel=1e-5)


def test_nothing_erased_is_no_error():
    erased, _ = losses.masked_means(image(0, (1, 1, 1, 1)), image(1, (1, 1, 1, 1)), image(1, (1, 1, 1, 1)))
    assert float(erased) == 0.0


def test_coach_gains_where_the_painting_fails():
    mean = log_variance = tf.zeros((2, 2, 2, 3))
    assert float(losses.coach_loss(0.25, mean, log_variance)) == pytest.approx(0.75)
    mean = tf.constant(np.r_[np.full(4, 1.0), np.full(4, 3.0)].reshape(1, 2, 2, 2), tf.float32)
    # Spatial means: channel 0 has 1, 1, 3, 3 -> 2, channel 1 the same; KL = 0.5 (4 + 4).
    assert float(losses.coach_loss(0.25, mean, tf.zeros((1, 2, 2, 2)), 0.1)) == pytest.approx(0.75 + 0.4, rel=1e-6)


def test_coach_lowers_the_score_of_what_is_painted_worst():
    """Through a soft mask the gradient favours erasing the cell with the larger error."""
    from covid3dgan import models

    scores = tf.Variable(np.array([1.0, 0.9, 0.8, 0.7], np.float32).reshape(1, 2, 2, 1))
    error = np.zeros((1, 32, 32, 1), np.float32)
    error[0, :16, :16] = 1  # the first cell is painted worst
    with tf.GradientTape() as tape:
        erased, _ = losses.masked_means(tf.constant(error), tf.zeros((1, 32, 32, 1)), models.erasing_mask(scores))
        loss = losses.coach_loss(erased, tf.zeros((1, 1, 1, 1)), tf.zeros((1, 1, 1, 1)))
    gradient = np.asarray(tape.gradient(loss, scores)).ravel()
    assert gradient[0] > 0 and gradient[1] < gradient[0]  # descending lowers the first cell's score most


def test_focal_loss_is_that_of_tensorflow_addons_for_hard_targets():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(2, 4, 5, 3)).astype(np.float32), rng.integers(0, 2, (2, 4, 5, 3))
    reference = compat.sigmoid_focal_crossentropy(targets.astype(np.float32), logits, alpha=None, gamma=2.0,
                                                  from_logits=True)
    ours = losses.focal_loss(tf.constant(logits), tf.constant(targets, tf.float32))
    assert float(ours) == pytest.approx(float(tf.reduce_mean(reference)) / 3, rel=1e-5)


def test_focal_and_cross_entropy_by_hand():
    logits, targets = image(0, (1, 1, 1, 1)), image(1, (1, 1, 1, 1))
    assert float(losses.multi_class_loss(logits, targets)) == pytest.approx(LN2)
    assert float(losses.multi_class_loss(logits, targets, "focal")) == pytest.approx(0.25 * LN2)


def best_constant(shares, class_weights, kind):
    """The sigmoids of background, GGO and consolidation that a network gives pixels of which it can tell nothing but
    how often they are of each class: ``shares``, in tenths."""
    targets = tf.one_hot([[[c for c, share in enumerate(shares) for _ in range(share)]]], 3)

    @tf.function
    def descend(logits):
        for _ in tf.range(2000):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                loss = losses.multi_class_loss(logits + tf.zeros_like(targets), targets, kind,
                                               class_weights=class_weights)
            logits -= 3 / max(class_weights) * tape.gradient(loss, logits)
        return logits

    return tf.sigmoid(descend(tf.zeros(3))).numpy()


@pytest.mark.parametrize("kind", ["bce", "focal"])
def test_class_weights_let_a_rare_class_win(kind):
    """30 % ground glass among 70 % background: the best constant answer is background, and with weight 4 GGO."""
    plain, weighted = (best_constant((7, 3, 0), weights, kind) for weights in ((1.0, 1.0, 1.0), (1.0, 4.0, 4.0)))
    assert np.argmax(plain) == 0 and np.argmax(weighted) == 1
    if kind == "bce":  # 0.3 and 4 * 0.3 / (4 * 0.3 + 0.7)
        assert plain[1] == pytest.approx(0.3, abs=0.01) and weighted[1] == pytest.approx(1.2 / 1.9, abs=0.01)


def test_the_demo_finds_what_it_is_unsure_of():
    """Without weights four of its nine networks called all background; each kind now wins at a tenth and more."""
    options = presets.get("ssinfnet/demo").multi
    for shares, winner in (((9, 1, 0), 1), ((9, 0, 1), 2)):
        assert np.argmax(best_constant(shares, options.class_weights, options.loss)) == winner
        assert np.argmax(best_constant(shares, (1.0, 1.0, 1.0), options.loss)) == 0


@pytest.mark.parametrize("call", [
    lambda x: losses.structure_loss(x, x, "none"),
    lambda x: losses.masked_means(x, x, x, "square"),
    lambda x: losses.multi_class_loss(x, x, "foca"),
])
def test_unknown_kinds_are_refused(call):
    with pytest.raises(ArgumentError, match="expected one of"):
        call(tf.zeros((1, 1, 1, 1)))
