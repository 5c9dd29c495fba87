"""Multi-class masks on the input's own grid, priors, and the one-model form that is exported."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import models, presets
from covid3dgan.data.volumes import Volume
from covid3dgan.inference import ssinfnet
from covid3dgan.inference.classes import ClassPredictor

PRESET = presets.get("ssinfnet/demo")
PRESET = dataclasses.replace(PRESET, slices=dataclasses.replace(PRESET.slices, size=32))


def sharpen(multi):
    """Makes an untrained network say class 1 above grey 0.5 and class 0 below, wherever it is."""
    grey = keras.Input((None, None, 6))
    rule = keras.layers.Conv2D(3, 1, name="rule")
    model = keras.Model(grey, rule(grey))
    kernel = np.zeros((1, 1, 6, 3), np.float32)
    kernel[0, 0, 0, 1] = 100.0
    threshold = (0.5 - 0.485) / 0.229
    rule.set_weights([kernel, np.float32([0, -100.0 * threshold, -1000.0])])
    return model


@pytest.fixture(scope="module")
def predictor():
    keras.utils.set_random_seed(2)
    single = models.build_infnet(channels=4, width=4, blocks=(1, 1, 1, 1))
    return ClassPredictor(single, models.build_infnet_multi(width=2), PRESET)


def test_prior_is_stretched_and_rounded_as_published():
    probability = np.float32([[[0.2, 0.3], [0.25, 0.4]], [[0.1, 0.1], [0.1, 0.1]]])
    np.testing.assert_allclose(ssinfnet.as_prior(probability)[0], np.rint(255 * np.array([[0, 0.5], [0.25, 1]])) / 255,
                               atol=1e-6)
    np.testing.assert_allclose(ssinfnet.as_prior(probability)[1], 0)
    np.testing.assert_allclose(ssinfnet.as_prior(probability, minmax=False)[0, 0], [51 / 255, np.rint(76.5) / 255])


@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (1, -1, 1)])
def test_volume_labels_lie_on_the_ct_s_own_grid(predictor, flips):
    """Whatever the voxel order, the bright half of the CT becomes ground glass and the dark half nothing."""
    ct = np.full((32, 32, 4), -900.0, np.float32)
    ct[16:, :, 1:3] = 300.0
    affine = np.diag([*flips, 1.0])
    own = ct[tuple(slice(None, None, f) for f in flips)]
    found = ClassPredictor(predictor.single, sharpen(predictor.multi), PRESET).predict_volume(Volume(own, affine))
    np.testing.assert_array_equal(found.labels, (own > 0).astype(np.uint8))
    np.testing.assert_allclose(found.scores["GGO"], own > 0, atol=1e-3)


def test_volume_and_picture_scores_lie_on_their_own_grid(predictor):
    rule = ClassPredictor(predictor.single, sharpen(predictor.multi), PRESET)
    found = rule.predict_image(np.repeat(np.float32([[0.0, 0.9]]), 24, 1).repeat(40, 0))
    assert set(found.scores) == {"GGO", "consolidation"} and found.labels.shape == (40, 48)
    np.testing.assert_allclose(found.scores["GGO"][:, [0, 47]], [[0, 1]] * 40, atol=1e-3)
    assert found.scores["consolidation"].max() < 1e-3


def test_infection_alone_is_cut_at_the_preset_s_threshold(predictor):
    alone = ClassPredictor(predictor.single, None, PRESET)
    pictures = np.random.default_rng(3).random((2, 32, 32)).astype(np.float32)
    probability = ssinfnet.infection_probability(predictor.single, pictures)
    cut = float(np.median(probability))
    alone = dataclasses.replace(alone, preset=dataclasses.replace(
        PRESET, single=dataclasses.replace(PRESET.single, threshold=cut)))
    assert alone.kinds == ("infection",)
    np.testing.assert_array_equal(alone.labels(pictures), probability >= cut)


def test_exported_model_equals_the_steps(predictor):
    pictures = np.random.default_rng(1).random((2, 32, 32)).astype(np.float32)
    infection = ssinfnet.infection_probability(predictor.single, pictures)
    rounded, prior = (ssinfnet.as_prior(infection, False, eight_bits) for eight_bits in (True, False))
    expected = ssinfnet.class_probabilities(predictor.multi, pictures, prior)
    model = ssinfnet.build_predictor(predictor)
    np.testing.assert_allclose(np.asarray(model(pictures[..., None])), expected, atol=2e-5)
    np.testing.assert_array_equal(predictor.labels(pictures), np.argmax(
        ssinfnet.class_probabilities(predictor.multi, pictures, rounded), -1))
    alone = ssinfnet.build_predictor(ClassPredictor(predictor.single, None, PRESET))
    np.testing.assert_allclose(np.asarray(alone(pictures[..., None]))[..., 0], infection, atol=2e-5)


def test_prior_layer_is_as_prior():
    logits = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 4, 1)), tf.float32)
    for minmax in (True, False):
        expected = ssinfnet.as_prior(tf.sigmoid(logits).numpy()[..., 0], minmax, eight_bits=False)
        np.testing.assert_allclose(np.asarray(ssinfnet.PriorFrom(minmax)(logits))[..., 0], expected, atol=1e-6)


