"""Twins: the same numbers as Keras, in TFLite's built-in operations alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models, presets
from covid3dgan.errors import InputError
from covid3dgan.export import graph, twins2d, twins3d
from covid3dgan.export.tflite import convert
from covid3dgan.inference.classes import ClassPredictor
from covid3dgan.inference.exported import tflite_file
from covid3dgan.inference.exported.parts import PARTS, Exportable
from covid3dgan.inference.exported.run_back import open_tflite
from covid3dgan.inference.ssinfnet import build_predictor
from covid3dgan.models import res2net
from covid3dgan.models.blocks import infnet_layers, transunet_layers
from covid3dgan.models.blocks.convlstm import ConvLSTM2D

ODD, SMALL, THIN = (6, 8, 10), (8, 8, 8), (2, 8, 8)  # slices, rows, columns


def filled(layer, shape, rng):
    """``layer``, built for (1, *shape), with random weights and biases."""
    layer.build((1, *shape))
    layer.set_weights([rng.standard_normal(weight.shape).astype(np.float32) for weight in layer.weights])
    return layer


@pytest.mark.parametrize("slices, channels, filters, kernel, padding", [
    (ODD, 2, 5, 3, "same"),    # few channels: shifted, then filtered
    (ODD, 5, 2, 3, "same"),    # many channels: filtered, then shifted
    (ODD, 2, 5, 3, "valid"),
    (ODD, 5, 2, 3, "valid"),
    (ODD, 3, 3, 1, "same"),
    (ODD, 3, 2, 4, "same"),    # an even kernel reaches further behind than before
    (THIN, 5, 2, 5, "same"),   # a kernel deeper than the volume: some taps never meet it
    (THIN, 2, 5, 3, "same"),
    ((1, 8, 8), 2, 3, 3, "same"),
])
def test_conv3d(slices, channels, filters, kernel, padding, rng):
    layer = filled(keras.layers.Conv3D(filters, kernel, padding=padding, activation="relu"), (*slices, channels), rng)
    volume = rng.standard_normal((1, *slices, channels)).astype(np.float32)
    twin = twins3d.as_volume(twins3d.conv3d(layer, [twins3d.as_slices(tf.constant(volume))]))
    np.testing.assert_allclose(twin, layer(volume), atol=1e-4)


def test_conv3d_transpose(rng):
    layer = filled(keras.layers.Conv3DTranspose(3, 2, strides=2, padding="same"), (*ODD, 4), rng)
    volume = rng.standard_normal((1, *ODD, 4)).astype(np.float32)
    twin = twins3d.conv3d_transpose(layer, [tf.constant(volume[0])])
    np.testing.assert_allclose(twin[tf.newaxis], layer(volume), atol=1e-5)


@pytest.mark.parametrize("pool, slices", [((2, 2, 2), SMALL), ((2, 2, 2), (7, 9, 8)), ((1, 2, 2), ODD),
                                          ((3, 1, 1), ODD), ((2, 1, 2), SMALL)])
def test_max_pooling3d(pool, slices, rng):
    layer = keras.layers.MaxPooling3D(pool)
    volume = rng.standard_normal((1, *slices, 3)).astype(np.float32)
    twin = twins3d.max_pooling3d(layer, [tf.constant(volume[0])])
    np.testing.assert_array_equal(twin[tf.newaxis], layer(volume))


@pytest.mark.parametrize("layer, shape", [
    (keras.layers.Conv3D(2, 3, strides=2, name="strided"), (8, 8, 8, 2)),
    (keras.layers.Conv3DTranspose(2, 3, strides=2, name="strided"), (8, 8, 8, 2)),
    (keras.layers.MaxPooling3D(3, strides=2, name="strided"), (8, 8, 8, 2)),
])
def test_layers_without_a_twin_are_refused_and_not_approximated(layer, shape):
    layer.build((1, *shape))
    with pytest.raises(InputError, match="layer strided: expected a .*; export it as a SavedModel"):
        twins3d.VOLUME_RULES[type(layer).__name__](layer, [tf.zeros(shape)])


@pytest.mark.parametrize("gate", ["legacy_hard_sigmoid", "sigmoid", "keras3_hard_sigmoid"])
@pytest.mark.parametrize("backwards", [True, False])
def test_conv_lstm2d(gate, backwards, rng):
    layer = filled(ConvLSTM2D(4, 2, go_backwards=backwards, gate=gate), (2, 8, 8, 3), rng)
    pair = rng.standard_normal((1, 2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(twins2d.conv_lstm2d(layer, [tf.constant(pair)]), layer(pair), atol=2e-6)


@pytest.mark.parametrize("layer", [
    keras.layers.Conv2DTranspose(3, 2, strides=2, padding="same", use_bias=False),
    keras.layers.Conv2DTranspose(3, 2, strides=2, activation="relu"),
    keras.layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
    keras.layers.LayerNormalization(epsilon=1e-5),
    keras.layers.GroupNormalization(2, epsilon=1e-5),
    keras.layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False),
    compat.InstanceNormalization(epsilon=1e-5),
], ids=lambda layer: layer.name)
def test_slice_layers(layer, rng):
    filled(layer, (6, 8, 4), rng)
    image = 3.0 + rng.standard_normal((1, 6, 8, 4)).astype(np.float32)
    twin = twins2d.SLICE_RULES[type(layer).__name__](layer, [tf.constant(image)])
    np.testing.assert_allclose(twin, layer(image), atol=1e-5)


@pytest.mark.parametrize("value", [0.3, -7.0])
def test_what_is_the_same_everywhere_is_normalised_to_nothing(value, tmp_path):
    """Seven instance normalisations would each multiply what a mean is off by up to 300 times."""
    image = x = keras.Input((48, 80, 3), name="image")
    for _ in range(7):
        x = keras.layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False)(x)
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(exportable("afseg-generator", keras.Model(image, x))))
    output = open_tflite(path, threads=1)[0]({"image": np.full((1, 48, 80, 3), value, np.float32)})["image"]
    assert np.abs(output).max() < 1e-6


def whole_ssinfnet():
    """Two small U-Nets with the prior between them, for slices of 32 pixels."""
    preset = presets.override(presets.get("ssinfnet/demo"), ["slices.size=32"])
    single, multi = (models.build_infnet_multi(variant, (None, None, channels), 4, classes=classes)
                     for variant, channels, classes in (("published", 3, 1), ("improved", 6, 3)))
    return build_predictor(ClassPredictor(single, multi, preset))


# Part -> a small network of that part.
NETWORKS = {
    "generator": lambda: models.build_generator(input_shape=(16, 16, 16, 1), width=1, head="residual"),
    "discriminator": lambda: models.build_discriminator("paper", (16, 32, 32, 1), width=4),
    "segmenter": lambda: models.build_segmenter((16, 16, 1), width=4),
    "encoder": lambda: models.build_contrastive_encoder(8, input_shape=(16, 16, 1), width=4),
    "transunet": lambda: models.build_transunet("khali", (32, 32, 1), width=16, blocks=1, heads=2),
    "infnet": lambda: models.build_infnet("res2net50", width=8, blocks=(2, 1, 1, 1), channels=8),
    "infnet-multi": lambda: models.build_infnet_multi("improved", width=4),
    "ssinfnet": whole_ssinfnet,
    "coach": lambda: models.build_coach(width=4, latent=8, blocks=(1, 1, 1, 1)),
    "afseg-segmenter": lambda: models.build_afseg_segmenter((None, None, 1), width=4, depth=2),
    "afseg-generator": lambda: models.build_afseg_generator((None, None, 1), width=4, depth=3),
    "afseg-discriminator": lambda: models.build_afseg_discriminator((None, None, 1), width=4),
}
# Networks of so many layers that converting them takes seconds; their kinds of layers are in RARE as well.
LARGE = {
    "infnet": NETWORKS.pop("infnet"),
    "transunet": lambda: models.build_transunet("r50_vit_b16", (32, 32, 1), width=16, blocks=1, heads=4),
    "generator": lambda: models.build_generator("unetpp", (16, 16, 16, 1), width=2, head="signed"),
}


def rare_layers():
    """Inf-Net's, Res2Net's and the original TransUNet's own layers in one small network."""
    image = keras.Input((16, 16, 4), name="image")
    x = keras.layers.ZeroPadding2D(1)(image)
    x = transunet_layers.StandardizedConv2D(8, 3, strides=2)(x)
    x = keras.layers.GroupNormalization(4, epsilon=1e-6)(x)
    x = keras.layers.Concatenate()([res2net.ChannelSlice(4, 4)(x), keras.layers.AveragePooling2D(2)(image)])
    maps = [infnet_layers.BilinearResize(factor, aligned)(x)
            for factor, aligned in ((2, True), (2, False), (0.5, False), (0.25, False))]
    x = infnet_layers.ReverseAttention()(x, keras.layers.Conv2D(1, 1)(x))
    tokens = keras.layers.Reshape((64, 8))(x)
    tokens = transunet_layers.PositionTable("uniform")(tokens)
    tokens = transunet_layers.SelfAttention(2, "divide", use_bias=True)(tokens)
    tokens = keras.layers.Activation("gelu")(keras.layers.LayerNormalization(epsilon=1e-6)(tokens))
    outputs = {f"map{i}": x for i, x in enumerate(maps)}
    return keras.Model(image, {**outputs, "tokens": infnet_layers.PaintingRange(2)(tokens)})


def exportable(part, network, side=64):
    """``network`` with a batch of one and sides of 64 where it takes any."""
    shapes = {}
    for name, tensor in zip(PARTS[part].inputs, network.inputs):
        sides = side // 16 if name == "noise" else side
        shapes[name] = tuple(sides if length is None else length for length in tensor.shape[1:])
    return Exportable(part, network, shapes, None, PARTS[part].cut, "test")


def test_every_part_has_a_network_here():
    assert set(NETWORKS) | set(LARGE) == set(PARTS)


def check_against_keras(part, network, path, rng):
    for weight in network.weights:  # no layer may be indifferent to its bias, variance or scale
        if len(weight.shape) == 1:
            weight.assign(weight + 0.2 * np.abs(rng.standard_normal(weight.shape)))
    found = exportable(part, network)
    inputs = {name: rng.random((1, *shape), dtype=np.float32) for name, shape in found.shapes.items()}
    arguments = list(inputs.values())
    expected = found.named(network(arguments if len(arguments) > 1 else arguments[0], training=False))
    path.write_bytes(convert(found))
    outputs = open_tflite(path, threads=1)[0](inputs)
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        scale = max(1.0, float(np.abs(value).max()))
        np.testing.assert_allclose(outputs[name] / scale, value / scale, atol=5e-5, err_msg=name)
    operations = tflite_file.operations(path)
    assert sum(operations.values()) > 10 and not any("CUSTOM" in name for name in operations)
    assert not {"CONV_3D", "CONV_3D_TRANSPOSE", "WHILE"} & set(operations)


@pytest.mark.parametrize("part", NETWORKS)
def test_a_tflite_file_computes_what_keras_computes(part, tmp_path, rng):
    compat.seed_everything(0)
    check_against_keras(part, NETWORKS[part](), tmp_path / "model.tflite", rng)


@pytest.mark.slow
@pytest.mark.parametrize("part", LARGE)
def test_so_does_one_of_a_large_network(part, tmp_path, rng):
    compat.seed_everything(0)
    check_against_keras(part, LARGE[part](), tmp_path / "model.tflite", rng)


def test_so_does_one_of_the_rarer_layers(tmp_path, rng):
    compat.seed_everything(0)
    check_against_keras("infnet", rare_layers(), tmp_path / "model.tflite", rng)


def test_a_graph_with_shared_layers_and_models_inside_is_entered(rng):
    """A layer that is called twice, a model in a model, and a dictionary of outputs."""
    image = keras.Input((4, 4, 2), name="image")
    shared = keras.layers.Conv2D(2, 1, name="shared")
    inner_in = keras.Input((4, 4, 2))
    inner = keras.Model(inner_in, keras.layers.Conv2D(3, 3, padding="same", name="deep")(inner_in), name="inner")
    first = shared(image)
    second = shared(keras.layers.ReLU(name="relu")(first))
    model = keras.Model(image, {"a": keras.layers.Add(name="sum")([first, second]), "b": inner(second)})
    x = rng.standard_normal((1, 4, 4, 2)).astype(np.float32)
    seen = []

    def watched(layer, inputs):
        seen.append(layer.name)
        return layer(*inputs)

    found = graph.run_graph(model, [tf.constant(x)], {**graph.INFERENCE_RULES, "Conv2D": watched})
    expected = model(x)
    assert sorted(found) == ["a", "b"] and sorted(seen) == ["deep", "shared", "shared"]
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
