import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.models.blocks.augmentation import AdaptedNormalization, RandomHeight, RandomWidth, build_augmentation

IMAGES = np.random.default_rng(0).random((2, 40, 50, 1), dtype=np.float32)


@pytest.mark.parametrize("kind, axis", [(RandomHeight, 1), (RandomWidth, 2)])
def test_one_side_varies_within_its_factor_and_the_other_stays(kind, axis):
    layer = kind(0.2, seed=1)
    shapes = {tuple(layer(IMAGES, training=True).shape) for _ in range(60)}
    sides = sorted({shape[axis] for shape in shapes})
    side = IMAGES.shape[axis]
    assert int(0.8 * side) <= sides[0] < 0.9 * side and 1.1 * side < sides[-1] <= int(1.2 * side)
    assert {shape[3 - axis] for shape in shapes} == {IMAGES.shape[3 - axis]}


@pytest.mark.parametrize("kind", [RandomHeight, RandomWidth])
def test_the_resized_images_are_bilinear_and_the_whole_batch_has_one_size(kind):
    output = kind(0.2, seed=3)(IMAGES, training=True)
    np.testing.assert_allclose(output, tf.image.resize(IMAGES, output.shape[1:3]), atol=1e-6)


@pytest.mark.skipif(compat.KERAS_3, reason="Keras 3 has no such layers")
@pytest.mark.parametrize("name", ["RandomHeight", "RandomWidth"])
def test_sizes_are_distributed_as_those_of_keras_2(name):
    """Both truncate side * U(0.8, 1.2): over 300 draws the quartiles agree within a pixel or two."""
    axis = 1 if name == "RandomHeight" else 2
    ours = globals()[name](0.2, seed=1)
    theirs = getattr(keras.layers, name)(0.2, seed=1)
    drawn = [[layer(IMAGES, training=True).shape[axis] for _ in range(300)] for layer in (ours, theirs)]
    np.testing.assert_allclose(*(np.quantile(sides, [0, 0.25, 0.5, 0.75, 1]) for sides in drawn), atol=2.5)


def test_nothing_but_the_normalization_happens_outside_training():
    augmentation = build_augmentation(IMAGES.shape[1:])
    augmentation.get_layer("normalization").adapt(IMAGES)
    output = augmentation(IMAGES, training=False).numpy()
    np.testing.assert_allclose(output, (IMAGES - IMAGES.mean()) / IMAGES.std(), atol=1e-5)


def test_normalization_is_per_channel_and_survives_equal_pixels():
    images = np.stack([IMAGES[..., 0], IMAGES[..., 0] * 4 + 1, np.full(IMAGES.shape[:3], 7.0)], axis=-1)
    layer = AdaptedNormalization()
    np.testing.assert_array_equal(layer(images), images.astype(np.float32))
    layer.adapt(images)
    output = layer(images).numpy()
    np.testing.assert_allclose(output.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(output.std((0, 1, 2)), [1, 1, 0], atol=1e-4)
    np.testing.assert_allclose([float(np.ravel(w)[0]) for w in layer.weights][2], 2)


def test_restored_statistics_are_used_at_once():
    """Keras's own layer keeps a copy of them, so that restored weights would change nothing."""
    trained, fresh = AdaptedNormalization(), AdaptedNormalization()
    trained(IMAGES), fresh(IMAGES)
    trained.adapt(IMAGES)
    for variable, value in zip(fresh.weights, trained.get_weights()):
        variable.assign(value)
    np.testing.assert_array_equal(fresh(IMAGES), trained(IMAGES))
