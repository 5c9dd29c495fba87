"""Inf-Net, its trunks, its multi-class sibling and the coach: counts, shapes, and each block on hand-worked cases."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import models
from covid3dgan.errors import ArgumentError
from covid3dgan.models.blocks import infnet_blocks, torch_style
from covid3dgan.models.blocks.infnet_layers import BilinearResize, ReverseAttention
from covid3dgan.models.infnet import MAPS

SMALL = {"channels": 4, "width": 4, "blocks": (1, 1, 1, 1)}


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


def surplus(model, base):
    shared = {id(w) for w in base.trainable_weights}
    return count([w for w in model.trainable_weights if id(w) not in shared])


def as_row(values):
    return np.asarray(values, np.float32).reshape(1, 1, -1, 1)


def set_all(model, kernel):
    """Every convolution's kernel from ``kernel(shape)``; biases and batch normalisations as if they were not there."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([kernel(layer.weights[0].shape)] + [np.zeros(w.shape) for w in layer.weights[1:]])
        elif isinstance(layer, keras.layers.BatchNormalization):
            n = layer.weights[0].shape[0]
            layer.set_weights([np.ones(n), np.zeros(n), np.zeros(n), np.full(n, 1 - 1e-5)])


def identity_kernel(shape):
    kernel = np.zeros(shape, np.float32)
    for channel in range(min(shape[2], shape[3])):
        kernel[shape[0] // 2, shape[1] // 2, channel, channel] = 1
    return kernel


@pytest.mark.parametrize("backbone, expected", [("resnet50", 30_911_401), ("res2net50", 31_072_721)])
def test_infnet_has_the_published_parameters(backbone, expected):
    infnet = models.build_infnet(backbone=backbone)
    assert count(infnet.trainable_weights) == expected
    assert surplus(models.add_inpainting_heads(infnet), infnet) == 6_267


@pytest.mark.parametrize("variant, expected, inpainting", [("published", 17_269_251, 390),
                                                           ("improved", 17_390_553, 7_950_492)])
def test_multi_class_network_has_the_published_parameters(variant, expected, inpainting):
    multi = models.build_infnet_multi(variant)
    assert count(multi.trainable_weights) == expected
    assert surplus(models.add_multi_inpainting(multi), multi) == inpainting


def test_coach_has_the_published_parameters():
    assert count(models.build_coach().trainable_weights) == 11_279_213


@pytest.mark.parametrize("backbone", ["resnet50", "res2net50"])
def test_every_map_has_the_input_size_at_any_multiple_of_32(backbone):
    infnet = models.build_infnet(backbone, **SMALL)
    painter = models.add_inpainting_heads(infnet)
    for size in ((64, 96), (128, 128)):
        image = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
        maps, painted = infnet(image), painter(image)
        assert tuple(maps) == MAPS or set(maps) == set(MAPS)
        assert all(tuple(v.shape) == (2, *size, 1) for v in maps.values())
        assert all(tuple(v.shape) == (2, *size, 3) and float(tf.reduce_max(tf.abs(v))) <= 1 for v in painted.values())


def test_features_have_the_strides_of_the_trunk():
    infnet = models.build_infnet(input_shape=(352, 352, 3), **SMALL)
    shapes = [infnet.get_layer(f"layer{i}_0_out").output.shape[1:] for i in (1, 2, 3, 4)]
    assert [tuple(s) for s in shapes] == [(88, 88, 16), (44, 44, 32), (22, 22, 64), (11, 11, 128)]


@pytest.mark.parametrize("build", [models.build_infnet, models.build_infnet_multi, models.build_coach])
def test_sides_that_do_not_divide_are_refused(build):
    with pytest.raises(ArgumentError, match="sides that divide by"):
        build(input_shape=(100, 128, 3))


def test_unknown_backbone_names_the_nearest():
    with pytest.raises(ArgumentError, match="nearest: resnet50"):
        models.build_infnet("resnet-50")


def test_align_corners_upsampling_keeps_the_corners():
    row = BilinearResize(2, align_corners=True)(as_row([0, 3]))  # the middle two lie at 1/3 and 2/3
    np.testing.assert_allclose(np.ravel(row[0, 0]), [0, 1, 2, 3], atol=1e-6)


def test_plain_upsampling_keeps_the_pixel_areas():
    row = BilinearResize(2)(as_row([0, 4]))  # sources at -0.25, 0.25, 0.75 and 1.25, held at the border
    np.testing.assert_allclose(np.ravel(row[0, 0]), [0, 1, 3, 4], atol=1e-6)


@pytest.mark.parametrize("factor, block, first, last", [(0.5, 2, 0, 2), (0.25, 4, 1, 3), (0.125, 8, 3, 5)])
def test_downsampling_is_the_mean_of_the_middle_pixels(factor, block, first, last):
    image = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    small = np.asarray(BilinearResize(factor)(image))
    expected = [[image[0, i + first:i + last, j + first:j + last].mean() for j in range(0, 16, block)]
                for i in range(0, 16, block)]
    np.testing.assert_allclose(small[0, :, :, 0], expected, rtol=1e-6)


def test_reverse_attention_looks_where_nothing_was_found():
    features, logit = np.full((1, 1, 3, 2), 2.0, np.float32), as_row([0, 100, np.log(3)])
    np.testing.assert_allclose(np.asarray(ReverseAttention()(features, logit))[0, 0, :, 1], [1, 0, 0.5], atol=1e-6)


def test_stride_two_pads_both_sides_alike():
    """3x3 ones at stride 2 over 0..15: windows around pixels 0 and 2, as PyTorch has them, not 1 and 3."""
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, torch_style.conv(image, 1, 3, "c", strides=2))
    model.layers[-1].set_weights([np.ones((3, 3, 1, 1))])
    values = np.asarray(model(np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)))[0, :, :, 0]
    np.testing.assert_allclose(values, [[0 + 1 + 4 + 5, 1 + 2 + 3 + 5 + 6 + 7],
                                        [4 + 5 + 8 + 9 + 12 + 13, 5 + 6 + 7 + 9 + 10 + 11 + 13 + 14 + 15]])


def test_average_pool_counts_the_zeros_beyond_the_border():
    image = keras.Input((3, 3, 1))
    values = np.asarray(keras.Model(image, torch_style.average_pool(image, 3, "p"))(np.ones((1, 3, 3, 1))))[0, :, :, 0]
    np.testing.assert_allclose(values, np.array([[4, 6, 4], [6, 9, 6], [4, 6, 4]]) / 9, rtol=1e-6)


@pytest.mark.parametrize("branch, size", [(1, 3), (2, 5), (3, 7)])
def test_receptive_field_branch_covers_three_times_its_kernel(branch, size):
    """1 x s, s x 1 and a 3x3 with dilation s tile a square of 3s x 3s exactly once; wrong dilations leave gaps."""
    image = keras.Input((31, 31, 1))
    block = keras.Model(image, infnet_blocks.receptive_field_block(image, 1, "rfb"))
    set_all(block, np.ones)
    point = np.zeros((1, 31, 31, 1), np.float32)
    point[0, 15, 15] = 1
    out = np.asarray(keras.Model(image, block.get_layer(f"rfb_branch{branch}_3_bn").output)(point))[0, :, :, 0]
    reach = 3 * size // 2
    expected = np.zeros((31, 31))
    expected[15 - reach:16 + reach, 15 - reach:16 + reach] = 1
    np.testing.assert_allclose(out, expected, atol=1e-4)


def test_receptive_field_block_has_one_relu_at_the_end():
    image = keras.Input((8, 8, 2))
    block = keras.Model(image, infnet_blocks.receptive_field_block(image, 2, "rfb"))
    assert [layer.name for layer in block.layers if isinstance(layer, keras.layers.ReLU)] == ["rfb_relu"]


def test_partial_decoder_multiplies_and_joins_in_the_published_order():
    """With identity convolutions, constants a, b, c come out as [abc, ab, a]: the fine product uses b, not ab."""
    f5, f4, f3 = keras.Input((2, 2, 1)), keras.Input((4, 4, 1)), keras.Input((8, 8, 1))
    decoder = keras.Model([f5, f4, f3], infnet_blocks.partial_decoder(f5, f4, f3, 1))
    set_all(decoder, identity_kernel)
    out = np.asarray(decoder([np.full((1, n, n, 1), v, np.float32) for n, v in ((2, 2), (4, 3), (8, 5))]))
    np.testing.assert_allclose(out[0, 3, 4], [30, 6, 2], rtol=1e-4)


def test_maps_are_corrections_of_the_coarser_ones():
    """Where the branches add nothing, every map is the global one, resized."""
    infnet = models.build_infnet(input_shape=(64, 64, 3), **SMALL)
    for name in ("s5", "s4", "s3"):
        layer = infnet.get_layer(f"{name}_map_bn")
        layer.set_weights([np.zeros(w.shape) for w in layer.weights[:3]] + [np.ones(1)])
    layer = infnet.get_layer("sg")
    layer.set_weights([np.zeros(layer.weights[0].shape), np.array([1.5])])
    maps = infnet(np.random.default_rng(1).normal(size=(1, 64, 64, 3)))
    for name in ("sg", "s5", "s4", "s3"):
        np.testing.assert_allclose(np.asarray(maps[name]), 1.5, rtol=1e-5)


def test_first_block_of_a_res2net_stage_adds_nothing_between_its_groups():
    infnet = models.build_infnet("res2net50", channels=4, width=8, blocks=(2, 1, 1, 1))
    added = {layer.name for layer in infnet.layers if "_scale" in layer.name}
    assert added == {"layer1_1_scale1_add", "layer1_1_scale2_add"}


def test_inpainting_trains_the_guidance_but_neither_the_last_map_nor_the_edge():
    """Section 6.2: sg, s5 and s4 drive the reverse attention, so their layers learn; s3 and edge get no gradient."""
    infnet = models.build_infnet(input_shape=(64, 64, 3), **SMALL)
    painter = models.add_inpainting_heads(infnet)
    image = tf.constant(np.random.default_rng(2).normal(size=(2, 64, 64, 3)), tf.float32)
    heads = [infnet.get_layer(n).trainable_weights[0] for n in ("sg", "s5_map", "s4_map", "s3_map", "edge_map")]
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_mean(tf.square(v)) for v in painter(image, training=True).values()])
    gradients = tape.gradient(loss, [getattr(w, "value", w) if not isinstance(w, tf.Variable) else w for w in heads])
    assert [g is not None for g in gradients] == [True, True, True, False, False]


def test_improved_network_sees_the_first_pixel_of_each_block_again():
    multi = models.build_infnet_multi("improved", (32, 32, 6), width=2)
    image = np.random.default_rng(3).normal(size=(1, 32, 32, 6)).astype(np.float32)
    for level, step in ((2, 4), (4, 16)):
        seen = np.asarray(keras.Model(multi.input, multi.get_layer(f"down{level}_input").output)(image))
        np.testing.assert_array_equal(seen, image[:, ::step, ::step])


def test_multi_class_output_and_painting_have_the_input_size():
    for variant in ("published", "improved"):
        multi = models.build_infnet_multi(variant, width=2)
        image = np.zeros((1, 48, 64, 6), np.float32)
        assert tuple(multi(image).shape) == (1, 48, 64, 3)
        assert tuple(models.add_multi_inpainting(multi)(image).shape) == (1, 48, 64, 6)


def test_coach_erases_17_of_64_cells():
    scores = np.random.default_rng(4).normal(size=(3, 8, 8, 1)).astype(np.float32)
    mask = np.asarray(models.erasing_mask(scores, keep=0.75, binary=True))
    assert mask.shape == (3, 128, 128, 1)
    cells = mask[:, ::16, ::16, 0]
    assert [int((c == 0).sum()) for c in cells] == [17, 17, 17]
    np.testing.assert_array_equal(mask[:, :, :, 0], np.kron(cells, np.ones((1, 16, 16))))
    assert scores[0, cells[0] == 1].min() > scores[0, cells[0] == 0].max()


def test_soft_mask_is_the_paper_s_equation_3():
    scores = np.array([4.0, 3, 2, 1], np.float32).reshape(1, 2, 2, 1)  # K = 3, the third largest is 2
    soft = np.asarray(models.erasing_mask(scores))[0, ::16, ::16, 0]
    np.testing.assert_allclose(soft.ravel(), 1 / (1 + np.exp(-np.array([2.0, 1, 0, -1]))), rtol=1e-6)


def test_coach_scores_follow_the_noise_they_are_given():
    coach = models.build_coach(width=4, latent=3, blocks=(1, 1, 1, 1))
    image = np.random.default_rng(5).normal(size=(1, 64, 64, 3)).astype(np.float32)
    noise = np.ones((1, 4, 4, 3), np.float32)
    once, again, other = (coach([image, n]) for n in (noise, noise, -noise))
    assert tuple(once["scores"].shape) == (1, 4, 4, 1)
    np.testing.assert_array_equal(once["scores"], again["scores"])
    np.testing.assert_array_equal(once["mean"], other["mean"])
    assert np.abs(np.asarray(once["scores"]) - np.asarray(other["scores"])).max() > 0
