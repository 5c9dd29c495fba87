"""The two TransUNets: parameter counts, layer table, and each building block against hand-worked values."""

import contextlib
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.errors import ArgumentError
from covid3dgan.models.blocks.transunet_layers import (
    ClassToken,
    DropClassToken,
    PositionTable,
    SelfAttention,
    StandardizedConv2D,
)
from covid3dgan.models.transunet import ENCODED, build_transunet, transunet_encoder

SMALL = {"khali": {"width": 8, "blocks": 2, "heads": 2}, "r50_vit_b16": {"width": 4, "blocks": 1, "heads": 2}}
VARIANTS = tuple(SMALL)


@functools.cache
def small(variant, **options):
    """A small network; tests share it and leave its weights as they are."""
    keras.utils.set_random_seed(1)
    return build_transunet(variant, (32, 32, 1), **{**SMALL[variant], **options})


def count(weights):
    return sum(int(np.prod(w.shape)) for w in weights)


@pytest.fixture(scope="module")
def khali():
    return models.build_transunet("khali")


# Step of the network, prefixes of its layers, last layer, its output, trainable parameters.
KHALI_TABLE = [
    ("stem", ("stem",), "stem_relu", (64, 64, 128), 6_528),
    ("encoder 1", ("encoder1_",), "encoder1_relu", (32, 32, 256), 722_944),
    ("encoder 2", ("encoder2_",), "encoder2_relu", (16, 16, 512), 2_887_680),
    ("encoder 3", ("encoder3_",), "encoder3_relu", (8, 8, 1024), 11_542_528),
    ("embedding", ("embedding",), "embedding", (64, 1024), 1_049_600),
    ("class token", ("class_token",), "class_token", (65, 1024), 1_024),
    ("positions", ("positions",), "positions", (65, 1024), 66_560),
    ("transformer", ("block",), "block8_mlp_norm", (65, 1024), 8 * 5_248_512),
    ("back to a map", ("map",), "map", (8, 8, 1024), 0),
    ("reduction", ("reduce", ENCODED), ENCODED, (8, 8, 512), 4_720_128),
    ("decoder 1", ("decoder1_",), "decoder1_conv2_relu", (16, 16, 256), 2_950_656),
    ("decoder 2", ("decoder2_",), "decoder2_conv2_relu", (32, 32, 128), 738_048),
    ("decoder 3", ("decoder3_",), "decoder3_conv2_relu", (64, 64, 64), 184_704),
    ("decoder 4", ("decoder4_",), "decoder4_conv2_relu", (128, 128, 16), 11_616),
    ("logits", ("logits",), "logits", (128, 128, 1), 17),
]


@pytest.mark.parametrize("step, prefixes, last, shape, parameters", KHALI_TABLE, ids=[row[0] for row in KHALI_TABLE])
def test_khali_layer_table(khali, step, prefixes, last, shape, parameters):
    layers = [layer for layer in khali.layers if layer.name.startswith(prefixes)]
    assert count(w for layer in layers for w in layer.trainable_weights) == parameters
    assert tuple(khali.get_layer(last).output.shape) == (None, *shape)


def test_khali_table_covers_every_weight(khali):
    assert count(khali.trainable_weights) == 66_870_129 == sum(row[-1] for row in KHALI_TABLE)
    assert khali.count_params() == 66_887_601
    assert khali.get_layer("block8_attention").scale == "multiply"


def test_khali_block_has_the_published_parameters(khali):
    block = [layer for layer in khali.layers if layer.name.startswith("block3_")]
    assert count(w for layer in block for w in layer.trainable_weights) == 5_248_512
    assert khali.get_layer("block3_attention").count_params() == 4 * 1024 * 1024


def test_r50_parameters_and_shapes():
    network = models.build_transunet("r50_vit_b16")
    assert network.get_layer("block12_attention").scale == "divide"
    assert count(network.trainable_weights) == 105_168_273
    assert tuple(network.get_layer("stage1_unit3_relu3").output.shape) == (None, 31, 31, 256)
    assert tuple(network.get_layer("stage1_skip_pad").output.shape) == (None, 32, 32, 256)
    assert tuple(network.get_layer("map").output.shape) == (None, 8, 8, 768)
    assert tuple(network.output.shape) == (None, 128, 128, 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_gets_a_gradient(variant):
    network = small(variant, attention_scale="divide")
    images = np.random.default_rng(0).random((3, 32, 32, 1)).astype("float32")
    with tf.GradientTape() as tape:
        logits = network(images, training=True)
        loss = tf.reduce_mean(tf.square(logits - 1.0))
    assert logits.shape == (3, 32, 32, 1) and logits.dtype == tf.float32
    sources = [w.value if compat.KERAS_3 else w for w in network.trainable_weights]
    for weight, gradient in zip(network.trainable_weights, tape.gradient(loss, sources)):
        assert gradient is not None and np.isfinite(gradient).all(), weight.name


@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_and_loaded_network_gives_the_same_logits(variant, tmp_path):
    network = small(variant, attention_scale="divide")
    images = np.random.default_rng(0).random((2, 32, 32, 1)).astype("float32")
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert loaded.get_layer("block1_attention").scale == network.get_layer("block1_attention").scale
    np.testing.assert_allclose(loaded(images), network(images), atol=1e-6)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("variant", VARIANTS)
def test_bfloat16_stays_close_to_float32(variant):
    images = np.random.default_rng(0).random((2, 32, 32, 1)).astype("float32")
    full = small(variant, attention_scale="divide")
    with compat.precision("mixed_bfloat16"):
        mixed = small(variant, attention_scale="divide")
    mixed.set_weights(full.get_weights())
    logits = mixed(images)
    assert logits.dtype == tf.float32
    assert np.abs(logits - full(images)).max() < 0.05 * np.abs(full(images)).max() + 0.01


def test_rectangular_slices_and_several_classes():
    network = build_transunet("khali", (32, 48, 3), classes=2, width=8, blocks=1, heads=2)
    assert tuple(network.output.shape) == (None, 32, 48, 2)
    assert tuple(transunet_encoder(network).output.shape) == (None, 2, 3, 32)


def test_encoder_shares_the_weights():
    network = small("khali")
    inside = {id(w) for w in network.weights}
    assert all(id(w) in inside for w in transunet_encoder(network).weights)


def test_decoders_keep_the_corners():
    up = small("khali").get_layer("decoder4_up")
    corners = np.array([[0.0, 3.0], [6.0, 9.0]], "float32")[None, ..., None]
    np.testing.assert_allclose(np.asarray(up(corners))[0, ..., 0], np.add.outer([0, 2, 4, 6], [0, 1, 2, 3]), atol=1e-6)


def test_stem_is_padded_alike_on_all_sides():
    """An impulse at (4, 6) meets the middle of the 7x7 kernel at (2, 3), its edges one and a half steps around."""
    network = small("khali")
    stem = keras.Model(network.input, network.get_layer("stem").output)
    kernel = np.asarray(compat.variable_value(network.get_layer("stem").weights[0]))
    image = np.zeros((1, 32, 32, 1), "float32")
    image[0, 4, 6, 0] = 1.0
    found = np.asarray(stem(image))[0]
    np.testing.assert_allclose(found[2, 3], kernel[3, 3, 0], atol=1e-7)
    np.testing.assert_allclose(found[1, 4], kernel[5, 1, 0], atol=1e-7)
    assert np.count_nonzero(np.abs(found).sum(-1)) == 9


def test_bottleneck_is_padded_alike_on_all_sides():
    network = small("khali")
    conv = network.get_layer("encoder1_conv2")
    rest = keras.Model(network.get_layer("encoder1_conv2_pad").input, conv.output)
    maps = np.zeros((1, 16, 16, 16), "float32")
    maps[0, 4, 6, 2] = 1.0
    kernel = np.asarray(compat.variable_value(conv.weights[0]))
    found = np.asarray(rest(maps))[0]
    np.testing.assert_allclose(found[2, 3], kernel[1, 1, 2], atol=1e-7)
    assert np.count_nonzero(np.abs(found).sum(-1)) == 1


def attention_by_hand(tokens, joint, output, heads, factor):
    """One sample (N, E), loops over heads."""
    units = tokens.shape[1]
    size = units // heads
    query, key, value = np.split(tokens @ joint, 3, axis=1)
    merged = np.zeros_like(tokens)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        logits = query[:, part] @ key[:, part].T * factor
        weights = np.exp(logits - logits.max(1, keepdims=True))
        merged[:, part] = weights / weights.sum(1, keepdims=True) @ value[:, part]
    return merged @ output


@pytest.mark.parametrize("scale, factor", [("divide", 0.5), ("multiply", 2.0)])
def test_attention_by_hand(scale, factor):
    """Heads of size 4: the logits are halved or doubled."""
    layer = SelfAttention(heads=2, scale=scale)
    tokens = np.random.default_rng(3).normal(size=(2, 5, 8)).astype("float32")
    found = np.asarray(layer(tokens))
    joint, output = (np.asarray(compat.variable_value(w)) for w in layer.weights)
    for sample in range(2):
        expected = attention_by_hand(tokens[sample], joint, output, 2, factor)
        np.testing.assert_allclose(found[sample], expected, atol=1e-5)


def test_divided_attention_equals_keras():
    layer = SelfAttention(heads=2, scale="divide", use_bias=True)
    tokens = np.random.default_rng(4).normal(size=(1, 6, 8)).astype("float32")
    layer(tokens)
    rng = np.random.default_rng(5)
    joint, output, joint_bias, output_bias = values = [
        rng.normal(size=w.shape).astype("float32") for w in layer.weights]
    layer.set_weights(values)
    theirs = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    theirs(tokens, tokens)
    kernels = [part.reshape(8, 2, 4) for part in np.split(joint, 3, axis=1)]
    biases = [part.reshape(2, 4) for part in np.split(joint_bias, 3)]
    query, key, value = zip(kernels, biases)
    # Keras lists query, key, value, output, each kernel then bias.
    theirs.set_weights([*query, *key, *value, output.reshape(2, 4, 8), output_bias])
    np.testing.assert_allclose(layer(tokens), theirs(tokens, tokens), atol=1e-5)


def test_scale_option_reaches_every_block_and_changes_what_follows():
    outputs = []
    for scale in ("multiply", "divide"):
        network = small("khali", attention_scale=scale)
        assert [la.scale for la in network.layers if isinstance(la, SelfAttention)] == [scale, scale]
        network.set_weights(small("khali", attention_scale="divide").get_weights())
        transformer = keras.Model(network.get_layer("positions").output, network.get_layer("map").output)
        tokens = np.random.default_rng(0).normal(size=(1, 5, 64)).astype("float32")
        outputs.append(np.asarray(transformer(tokens)))
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


def test_multiplied_attention_is_nearly_one_hot():
    """At the published size the multiplied logits are 256 times the divided ones."""
    keras.utils.set_random_seed(7)
    tokens = np.random.default_rng(6).normal(size=(1, 65, 1024)).astype("float32")
    joint = np.asarray(compat.variable_value(_built(SelfAttention(4), tokens).weights[0]))
    query, key = (tokens[0] @ joint[:, start:start + 256] for start in (0, 1024))
    peaks = {}
    for name, factor in (("divide", 1 / 16), ("multiply", 16.0)):
        logits = query @ key.T * factor
        weights = np.exp(logits - logits.max(1, keepdims=True))
        peaks[name] = (weights / weights.sum(1, keepdims=True)).max(1).mean()
    assert peaks["divide"] < 0.1 < 0.9 < peaks["multiply"]


def _built(layer, inputs):
    layer(inputs)
    return layer


def test_tokens_are_read_row_by_row_and_the_class_token_is_first():
    cells = np.arange(6, dtype="float32").reshape(1, 2, 3, 1) * np.ones(4, "float32")
    tokens = keras.layers.Reshape((6, 4))(cells)
    layer = _built(ClassToken(), tokens)
    layer.set_weights([np.full((1, 1, 4), -1.0)])
    with_class = np.asarray(layer(tokens))
    np.testing.assert_array_equal(with_class[0, :, 0], [-1, 0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(DropClassToken()(with_class), tokens)


def test_position_table_adds_one_vector_per_token():
    tokens = np.zeros((2, 3, 2), "float32")
    zeros, uniform = _built(PositionTable(), tokens), _built(PositionTable("uniform"), tokens)
    table = np.asarray(uniform(tokens))
    assert not np.asarray(zeros(tokens)).any()
    assert (table >= 0).all() and (table < 1).all() and table.std() > 0
    np.testing.assert_array_equal(table[0], table[1])


@contextlib.contextmanager
def silent_branches(network):
    """The network while attention and MLP of its first block give zero."""
    layers = [network.get_layer(f"block1_{name}") for name in ("attention", "mlp2")]
    former = [layer.get_weights() for layer in layers]
    try:
        for layer in layers:
            layer.set_weights([np.zeros(w.shape) for w in layer.weights])
        yield network
    finally:
        for layer, weights in zip(layers, former):
            layer.set_weights(weights)


def test_khali_normalises_after_the_addition():
    """Silent branches leave LN(LN(x)): every token has mean 0 and variance 1."""
    with silent_branches(small("khali")) as network:
        block = keras.Model(network.get_layer("block1_attention").input, network.get_layer("block1_mlp_norm").output)
        tokens = np.random.default_rng(0).normal(3.0, 5.0, (2, 5, 64)).astype("float32")
        normal = (tokens - tokens.mean(-1, keepdims=True)) / tokens.std(-1, keepdims=True)
        np.testing.assert_allclose(block(tokens), normal, atol=1e-3)


def test_r50_normalises_before_the_branch():
    """Silent branches leave a block's input as it was."""
    with silent_branches(small("r50_vit_b16", attention_scale="divide")) as network:
        block = keras.Model(network.get_layer("block1_attention_norm").input,
                            network.get_layer("block1_mlp_add").output)
        tokens = np.random.default_rng(0).normal(3.0, 5.0, (2, 4, 48)).astype("float32")
        np.testing.assert_allclose(block(tokens), tokens, atol=1e-6)


def test_standardised_convolution_ignores_the_filters_scale_and_offset():
    maps = np.random.default_rng(0).normal(size=(1, 6, 6, 3)).astype("float32")
    layer = _built(StandardizedConv2D(4, 3, strides=2), maps)
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype("float32")
    layer.set_weights([kernel])
    first = np.asarray(layer(maps))
    standard = (kernel - kernel.mean((0, 1, 2))) / np.sqrt(kernel.var((0, 1, 2)) + 1e-5)
    assert first.shape == (1, 2, 2, 4)
    np.testing.assert_allclose(first[0, 1, 0], np.einsum("ijc,ijcf->f", maps[0, 2:5, 0:3], standard), rtol=1e-4)
    layer.set_weights([5.0 * kernel + 2.0])
    np.testing.assert_allclose(layer(maps), first, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("options, sentence", [
    ({"variant": "kahli"}, "nearest: khali"),
    ({"input_shape": (100, 128, 1)}, r"nearest is \(96, 128\)"),
    ({"input_shape": (128, 128)}, "3 positive whole numbers"),
    ({"attention_scale": "double"}, "divide, multiply"),
    ({"width": 8, "heads": 5}, "a divisor of the 64 units"),
])
def test_impossible_networks_are_refused(options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        build_transunet(**{"input_shape": (32, 32, 1), "blocks": 1, **options})
