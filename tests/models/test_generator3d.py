import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import models
from covid3dgan.errors import ArgumentError

SHAPE = (16, 32, 16, 1)


def volumes(seed=0, batch=2):
    rng = np.random.default_rng(seed)
    ct = rng.random((batch, *SHAPE), dtype=np.float32)
    return ct, rng.random((batch, *models.noise_shape(SHAPE)), dtype=np.float32) - 0.5


def small(variant="published", **options):
    return models.build_generator(variant, SHAPE, width=2, **options)


@pytest.mark.parametrize("variant", ["published", "unetpp"])
def test_gives_one_volume_of_the_inputs_shape(variant):
    generator = small(variant)
    assert [tuple(tensor.shape[1:]) for tensor in generator.inputs] == [SHAPE, (1, 2, 1, 10)]
    assert generator(list(volumes())).shape == (2, *SHAPE)


@pytest.mark.parametrize("variant", ["published", "unetpp"])
def test_the_noise_reaches_the_output(variant):
    generator = small(variant, head="residual")
    ct, noise = volumes()
    assert np.abs(generator([ct, noise]) - generator([ct, -noise])).max() > 0


def test_the_noise_adder_splits_channels_that_do_not_divide_by_three():
    """Width 2: 63 channels, 21 each; width 1: 32 channels, 11 + 11 + 10."""
    for width, filters in ((2, (21, 21, 21)), (1, (11, 11, 10))):
        generator = models.build_generator(input_shape=SHAPE, width=width)
        assert tuple(generator.get_layer(f"noise_conv{k}").filters for k in (1, 3, 5)) == filters


def test_unet_plus_plus_is_nested_and_dense():
    """Each node sees every earlier node of its row and the node below: 4 rows x 5, minus the triangle, is 15 nodes."""
    generator = small("unetpp")
    nodes = {layer.name[:6] for layer in generator.layers if layer.name.startswith("node")}
    assert nodes == {f"node{i}{j}" for i in range(5) for j in range(5 - i)}
    # Row 0 has 2 filters: node (0, 4) concatenates four of them and the upsampled one.
    assert generator.get_layer("node04_concat").output.shape[-1] == 10
    assert generator.get_layer("node13_concat").output.shape[-1] == 16


def test_the_published_head_can_die_and_the_others_cannot():
    """With every weight of the published output at -1 the ReLU gives zeros and no gradient (a known collapse)."""
    ct, noise = volumes()
    alive = {}
    for head, layer in (("relu", "output"), ("residual", "keep_map"), ("signed", "change_map")):
        generator = small(head=head)
        last = generator.get_layer(layer)
        last.set_weights([np.zeros_like(last.get_weights()[0]), np.full_like(last.get_weights()[1], -1)])
        with tf.GradientTape() as tape:
            output = generator([ct, noise])
            loss = tf.reduce_mean((output - ct) ** 2)
        alive[head] = float(np.abs(tape.gradient(loss, last.trainable_weights)[1]).max()), float(np.max(output))
    assert alive["relu"] == (0.0, 0.0)
    assert alive["residual"][0] > 1e-3 and alive["residual"][1] > 0.1
    assert alive["signed"][0] > 1e-3


def test_the_residual_head_starts_near_the_ct_and_only_removes():
    ct, noise = volumes()
    output = small(head="residual")([ct, noise]).numpy()
    assert (output <= ct).all() and (output >= 0).all()
    assert 0.9 < output.sum() / ct.sum() < 0.99


def test_the_signed_head_starts_as_the_identity():
    ct, noise = volumes()
    np.testing.assert_array_equal(small(head="signed")([ct, noise]), ct)


def test_the_third_input_changes_nothing():
    plain, published = small(), small(with_unused_input=True)
    published.set_weights(plain.get_weights())
    ct, noise = volumes()
    for unused in (np.zeros_like(ct), ct):
        np.testing.assert_array_equal(published([ct, noise, unused]), plain([ct, noise]))


def test_leaky_slope_is_the_published_one():
    activation = small().get_layer("encoder1_act1")
    np.testing.assert_allclose(activation(tf.constant([-1.0, 2.0])), [-0.3, 2.0], rtol=1e-6)


@pytest.mark.parametrize("options, sentence", [
    ({"input_shape": (30, 128, 100, 1)}, r"divide by 16, found \(30, 128, 100\); .*nearest is \(32, 128, 96\)"),
    ({"input_shape": (8, 16, 16, 1)}, r"found \(8, 16, 16\); .*nearest is \(16, 16, 16\)"),
    ({"input_shape": (32, 128, 128)}, r"4 positive whole numbers \(slices, rows, columns, channels\)"),
    ({"input_shape": (32, 128, None, 1)}, r"4 positive whole numbers"),
    ({"variant": "unet++"}, r"variant: expected one of published, unetpp, found 'unet\+\+' \(nearest: unetpp\)"),
    ({"head": "rellu"}, r"head: expected one of relu, residual, signed, found .rellu. \(nearest: relu"),
])
def test_wrong_options_are_refused_in_one_sentence(options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        models.build_generator(**options)
