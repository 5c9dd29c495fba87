"""Multi-class masks on the input's own grid, priors, and the one-model form that is exported."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import models, presets
from covid3dgan.data import images, volumes
from covid3dgan.data.volumes import Volume
from covid3dgan.inference import ssinfnet

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
    return ssinfnet.Predictor(single, models.build_infnet_multi(width=2), PRESET)


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
    found = ssinfnet.Predictor(predictor.single, sharpen(predictor.multi), PRESET).predict_volume(Volume(own, affine))
    np.testing.assert_array_equal(found.array, (own > 0).astype(np.uint8))
    np.testing.assert_array_equal(found.affine, affine)


def test_files_in_and_out_and_a_bad_one_between(predictor, tmp_path):
    rule = ssinfnet.Predictor(predictor.single, sharpen(predictor.multi), PRESET)
    picture = np.zeros((40, 48), np.float32)
    picture[:, 24:] = 0.9
    images.write(picture, tmp_path / "a.png")
    (tmp_path / "b.nii.gz").write_text("no volume")
    volumes.write(Volume(np.linspace(-1000, 400, 32 * 32 * 2).reshape(32, 32, 2), np.eye(4)), tmp_path / "c.nii.gz")
    written, problems = ssinfnet.predict_files(rule, [tmp_path / n for n in ("a.png", "b.nii.gz", "c.nii.gz")],
                                               tmp_path / "out")
    assert [p.name for p in written] == ["a_classes.png", "c_classes.nii.gz"] and len(problems) == 1
    labels = np.rint(255 * images.read(written[0])).astype(int)
    np.testing.assert_array_equal(labels[:, [0, 20, 27, 47]].max(0), [0, 0, 1, 1])
    assert volumes.read_labels(written[1]).shape == (32, 32, 2)


def test_exported_model_equals_the_steps(predictor):
    pictures = np.random.default_rng(1).random((2, 32, 32)).astype(np.float32)
    prior = ssinfnet.as_prior(ssinfnet.infection_probability(predictor.single, pictures), minmax=False)
    expected = ssinfnet.class_probabilities(predictor.multi, pictures, prior)
    model = ssinfnet.build_predictor(predictor)
    np.testing.assert_allclose(np.asarray(model(pictures[..., None])), expected, atol=2e-5)
    np.testing.assert_array_equal(predictor.labels(pictures), np.argmax(expected, -1))


def test_prior_layer_is_as_prior():
    logits = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 4, 1)), tf.float32)
    for minmax in (True, False):
        expected = ssinfnet.as_prior(tf.sigmoid(logits).numpy()[..., 0], minmax)
        np.testing.assert_allclose(np.asarray(ssinfnet.PriorFrom(minmax)(logits))[..., 0], expected, atol=1e-6)


