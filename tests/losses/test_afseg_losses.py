"""AF-SEG's loss terms against numbers worked by hand."""

import numpy as np
import pytest
import tensorflow as tf

from covid3dgan.errors import ArgumentError
from covid3dgan.losses import afseg as losses


def tensor(rows):
    return tf.constant(np.array(rows, np.float32)[None, ..., None])


WEAK = tensor([[1, 0], [0, 1]])
IMAGE = tensor([[0.5, 0.2], [-0.4, 1.0]])
GENERATED = tensor([[0.1, 0.9], [-0.4, 0.8]])


def test_shape_loss_counts_the_foreground_alone():
    # |0.1 - 0.5| + |0.8 - 1.0| = 0.6, over 4 pixels or over the 2 of the label.
    assert float(losses.shape_loss(WEAK, GENERATED, IMAGE)) == pytest.approx(0.15)
    assert float(losses.shape_loss(WEAK, GENERATED, IMAGE, "foreground")) == pytest.approx(0.3, rel=1e-5)
    assert float(losses.shape_loss(tf.zeros_like(WEAK), GENERATED, IMAGE, "foreground")) == 0.0


def test_background_terms_count_the_rest_alone():
    assert float(losses.background_loss(WEAK, GENERATED, IMAGE)) == pytest.approx(0.7 / 4)
    np.testing.assert_allclose(losses.outside(WEAK, GENERATED)[0, ..., 0], [[0.0, 0.9], [-0.4, 0.0]], atol=1e-7)


@pytest.mark.parametrize("kind, discriminator, generator", [
    # D(real) = 0.8 and D(fake) = 0.25, that is logits log 4 and -log 3.
    ("log", 0.5 * (-np.log(0.8) - np.log(0.75)), np.log(0.75)),
    ("nonsaturating", 0.5 * (-np.log(0.8) - np.log(0.75)), -np.log(0.25)),
    ("least-squares", 0.5 * ((np.log(4) - 1)**2 + np.log(3)**2), (-np.log(3) - 1)**2),
])
def test_adversarial_losses(kind, discriminator, generator):
    real, fake = tf.fill([1, 2, 2, 1], np.float32(np.log(4))), tf.fill([1, 2, 2, 1], np.float32(-np.log(3)))
    assert float(losses.discriminator_loss(kind, real, fake)) == pytest.approx(discriminator, rel=1e-5)
    assert float(losses.generator_loss(kind, fake)) == pytest.approx(generator, rel=1e-5)


def test_unknown_adversarial_loss_names_the_nearest():
    with pytest.raises(ArgumentError, match="nearest: least-squares"):
        losses.generator_loss("least_squares", WEAK)


def test_segmentation_loss_is_the_mean_cross_entropy_and_stays_finite():
    probability = tensor([[0.9, 0.2], [0.4, 0.5]])
    expected = -(np.log(0.9) + np.log(0.8) + np.log(0.6) + np.log(0.5)) / 4
    assert float(losses.segmentation_loss(WEAK, probability)) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(float(losses.segmentation_loss(WEAK, 1.0 - WEAK)))
