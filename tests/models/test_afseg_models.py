"""AF-SEG's networks: sizes, shapes, options, and that they save and load."""

import keras
import numpy as np
import pytest

from covid3dgan import models
from covid3dgan.errors import ArgumentError


@pytest.mark.parametrize("build, options, parameters", [
    ("build_afseg_generator", {}, 54_403_457),
    ("build_afseg_discriminator", {}, 2_762_689),
    ("build_afseg_segmenter", {}, 31_030_593),
    ("build_afseg_segmenter", {"width": 16}, 1_940_817),
    ("build_dip", {"variant": "kate"}, 3_002_369),
    ("build_dip", {"variant": "vase"}, 2_157_697),
    ("build_dip", {"variant": "library"}, 2_996_433),
    ("build_dip", {"variant": "light"}, 1_041_781),
])
def test_parameter_counts(build, options, parameters):
    model = getattr(models, build)(**options)
    # Moving statistics of batch normalisation are no parameters in the papers' count.
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == parameters


def test_discriminator_sees_70_pixel_patches():
    model = models.build_afseg_discriminator((256, 256, 1), width=4)
    assert model.output_shape == (None, 30, 30, 1)
    # Receptive field: outwards from one logit, (field - 1) * stride + kernel, layer by layer.
    field = 1
    for layer in reversed([layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]):
        field = (field - 1) * layer.strides[0] + layer.kernel_size[0]
    assert field == 70


@pytest.mark.parametrize("backbone", ["pix2pix", "classical"])
def test_a_fresh_residual_generator_is_the_identity(backbone):
    model = models.build_afseg_generator((None, None, 1), width=4, depth=3, backbone=backbone, head="residual")
    image = np.random.default_rng(0).uniform(-1, 1, (2, 32, 48, 1)).astype(np.float32)
    np.testing.assert_allclose(model(image), image, atol=1e-6)


def test_an_image_head_stays_in_range():
    model = models.build_afseg_generator((32, 32, 1), width=4, depth=3)
    assert np.abs(model(np.full((1, 32, 32, 1), 50.0, np.float32))).max() <= 1.0


def test_normalisation_is_per_image():
    """Instance normalisation: what else is in the batch does not matter."""
    model = models.build_afseg_segmenter((32, 32, 1), width=4, depth=2)
    images = np.random.default_rng(0).normal(size=(3, 32, 32, 1)).astype(np.float32)
    np.testing.assert_allclose(model(images)[1:2], model(images[1:2]), atol=1e-5)


def test_dip_is_an_image_of_its_size():
    model = models.build_dip("tiny", (32, 40))
    output = np.asarray(model(np.random.default_rng(0).random((1, 32, 40, 8)).astype(np.float32)))
    assert output.shape == (1, 32, 40, 1) and output.min() >= 0 and output.max() <= 1


@pytest.mark.parametrize("call, sentence", [
    (lambda: models.build_afseg_generator((100, 256, 1)), "multiples of 256"),
    (lambda: models.build_afseg_generator((32, 32, 1), depth=3, head="imago"), "nearest: image"),
    (lambda: models.build_afseg_segmenter((40, 64, 1)), "multiples of 16"),
    (lambda: models.build_dip("cate"), "nearest: kate"),
    (lambda: models.build_dip("kate", (48, 64)), "multiples of 32"),
])
def test_wrong_arguments(call, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        call()


def test_saved_models_load_without_custom_objects(tmp_path):
    model = models.build_dip("tiny", (16, 16))
    noise = np.random.default_rng(0).random((1, 16, 16, 8)).astype(np.float32)
    model.save(tmp_path / "dip.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "dip.keras")(noise), model(noise), atol=1e-6)
