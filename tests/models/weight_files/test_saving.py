from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.errors import ArgumentError, InputError

VOLUME, SLICE = (16, 16, 16, 1), (16, 16, 1)
NETWORKS = {
    "published generator": lambda: models.build_generator(input_shape=VOLUME, width=2),
    "residual generator": lambda: models.build_generator(input_shape=VOLUME, width=2, head="residual"),
    "unetpp generator": lambda: models.build_generator("unetpp", VOLUME, width=2, head="signed"),
    "published discriminator": lambda: models.build_discriminator(input_shape=VOLUME, width=4),
    "paper discriminator": lambda: models.build_discriminator("paper", VOLUME, width=4),
    "segmenter": lambda: models.build_segmenter(SLICE, width=4, gate="sigmoid"),
    "contrastive": lambda: models.build_contrastive_encoder(8, input_shape=SLICE, width=4),
}


def arguments(model, seed=0):
    rng = np.random.default_rng(seed)
    arrays = [rng.random((2, *tensor.shape[1:]), dtype=np.float32) for tensor in model.inputs]
    return arrays if len(arrays) > 1 else arrays[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_model_computes_the_same_after_loading(name, tmp_path):
    model = NETWORKS[name]()
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    assert loaded.name == model.name
    np.testing.assert_array_equal(loaded(arguments(model), training=False), model(arguments(model), training=False))


GPU = bool(tf.config.list_physical_devices("GPU"))


@pytest.mark.parametrize("name, policy", [(name, policy) for name in NETWORKS
                                          for policy in ("mixed_bfloat16", "mixed_float16")
                                          if GPU or policy == "mixed_bfloat16" or name in ("segmenter", "contrastive")])
def test_mixed_precision_trains_and_gives_float32(name, policy, request):
    if policy == "mixed_bfloat16":
        request.getfixturevalue("bfloat16")
    with compat.precision(policy):
        model = NETWORKS[name]()
    with tf.GradientTape() as tape:
        output = model(arguments(model), training=True)
        loss = tf.reduce_mean(output**2)
    gradients = tape.gradient(loss, model.trainable_weights)
    assert output.dtype == tf.float32
    assert model.trainable_weights[0].dtype == "float32"
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    # The convolutions must really have run in the lower precision.
    assert policy[6:] in {layer.compute_dtype for layer in model.layers if "Conv" in type(layer).__name__}


@pytest.mark.usefixtures("bfloat16_accepted")
def test_small_volumes_are_convolved_in_float32():
    """A bfloat16 kernel of the CPU reads beyond the end of small volumes; which of them is known by their size."""
    with compat.precision("mixed_bfloat16"):
        generator = models.build_generator(input_shape=(16, 32, 64, 1), width=2)
    policies = {name: generator.get_layer(name).compute_dtype
                for name in ("encoder1_conv1", "encoder2_conv2", "encoder3_conv1", "noise_conv5", "decoder2_conv1")}
    # 32768, 4096, 512, 8 and 4096 voxels.
    assert policies == {"encoder1_conv1": "bfloat16", "encoder2_conv2": "bfloat16", "encoder3_conv1": "float32",
                        "noise_conv5": "float32", "decoder2_conv1": "bfloat16"}


@pytest.mark.skipif(GPU, reason="a GPU pools float16 volumes")
@pytest.mark.parametrize("build", [models.build_generator, models.build_discriminator])
def test_float16_volumes_are_refused_where_there_is_no_kernel_for_them(build):
    with compat.precision("mixed_float16"), pytest.raises(ArgumentError, match="expected a GPU for mixed_float16"):
        build(input_shape=VOLUME)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("name", ["published generator", "unetpp generator", "published discriminator"])
def test_bfloat16_gradients_agree_with_float32(name):
    """Holds back a fault of the CPU's kernels that gave random weight gradients at the bottom of the U."""
    compat.seed_everything(0)
    gradients, weights = [], None
    for policy in ("float32", "mixed_bfloat16"):
        with compat.precision(policy):
            model = NETWORKS[name]()
        weights = weights or model.get_weights()
        model.set_weights(weights)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(arguments(model), training=False) ** 2)
        gradients.append(tape.gradient(loss, model.trainable_weights))
    for dimensions, kind in ((1, "biases"), (5, "3D kernels")):
        exact, rounded = (np.concatenate([np.ravel(gradient) for gradient in of_policy
                                          if len(gradient.shape) == dimensions]) for of_policy in gradients)
        assert np.linalg.norm(rounded - exact) < 0.1 * np.linalg.norm(exact), kind


@pytest.mark.skipif(not compat.KERAS_3, reason="Keras 2 uses XLA only when asked")
def test_keras_3_does_not_pick_xla(tmp_path, monkeypatch):
    # Keras 3.15 spares a machine without an accelerator, earlier ones do not: let there be one.
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *kind: [SimpleNamespace(device_type="GPU")])
    bare = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert bare.jit_compile, "if Keras no longer picks XLA by itself, never_xla can go"
    model = NETWORKS["published generator"]()
    assert not model.jit_compile
    model.compile("adam", "mse")
    assert not model.jit_compile
    model.save(tmp_path / "model.keras")
    assert not models.load_model(tmp_path / "model.keras").jit_compile
    outer = keras.Sequential([NETWORKS["published discriminator"]()])
    outer.compile("adam", "mse")
    assert not outer.jit_compile


def write_nothing(path):
    """No file at all."""


def write_text(path):
    path.write_text("weights")


def write_foreign_layer(path):
    inputs = keras.Input((2,))
    keras.Model(inputs, ForeignLayer()(inputs)).save(path)


class ForeignLayer(keras.layers.Layer):
    """A layer that this package does not know."""

    def call(self, inputs):
        return inputs * 2.0


@pytest.mark.parametrize("write, sentence", [
    (write_nothing, "expected a saved model, found no file"),
    (write_text, "expected a .keras file, found 7 bytes of another kind"),
    (write_foreign_layer, "expected a model that this version can rebuild"),
])
def test_what_is_no_model_of_ours_is_refused_in_one_sentence(write, sentence, tmp_path):
    write(tmp_path / "model.keras")
    with pytest.raises(InputError, match=sentence):
        models.load_model(tmp_path / "model.keras")
