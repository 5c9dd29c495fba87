import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import addons, compat, kernels, models
from covid3dgan.errors import ArgumentError, InputError

needs_tfa = pytest.mark.skipif(not compat.HAS_TFA, reason="tensorflow-addons is not installed")
rng = np.random.default_rng(0)


def numbers(*shape):
    return rng.standard_normal(shape).astype(np.float32)


# === tensorflow-addons and its stand-ins ===

def test_tensorflow_addons_is_what_the_reference_environment_uses():
    home = "tensorflow_addons" if compat.HAS_TFA else "covid3dgan.addons"
    assert compat.InstanceNormalization.__module__.startswith(home)
    assert compat.Lookahead.__mro__[1 if compat.HAS_TFA else 0].__module__.startswith(home)


def test_npairs_by_hand():
    """Rows 0 and 1 share a label; logits 0 make every softmax uniform."""
    for loss in (compat.npairs_loss, addons.npairs_loss):
        np.testing.assert_allclose(loss([3, 3, 5], np.zeros((3, 3), np.float32)), np.log(3), rtol=1e-6)


@needs_tfa
def test_npairs_equals_tensorflow_addons():
    labels, similarity = [0, 1, 1, 2, 0], numbers(5, 5)
    theirs = compat.npairs_loss(labels, similarity)
    np.testing.assert_allclose(addons.npairs_loss(labels, similarity), theirs, atol=1e-6)


def test_focal_loss_by_hand():
    """A positive at 0.9: alpha * (1 - 0.9)^2 * -log 0.9; a negative at 0.2: (1 - alpha) * 0.2^2 * -log 0.8."""
    expected = 0.25 * 0.01 * -np.log(0.9) + 0.75 * 0.04 * -np.log(0.8)
    for loss in (compat.sigmoid_focal_crossentropy, addons.sigmoid_focal_crossentropy):
        found = loss(np.float32([[1, 0]]), np.float32([[0.9, 0.2]]))
        np.testing.assert_allclose(found, [expected], rtol=1e-4)


@needs_tfa
@pytest.mark.parametrize("options", [{}, {"alpha": None}, {"gamma": 0.0}, {"alpha": 1.0, "gamma": 3.0}])
@pytest.mark.parametrize("from_logits", [True, False])
def test_focal_loss_equals_tensorflow_addons(options, from_logits):
    truth = (numbers(4, 3) > 0).astype(np.float32)
    scores = numbers(4, 3) * 3
    scores = scores if from_logits else 1 / (1 + np.exp(-scores))
    np.testing.assert_allclose(addons.sigmoid_focal_crossentropy(truth, scores, from_logits=from_logits, **options),
                               compat.sigmoid_focal_crossentropy(truth, scores, from_logits=from_logits, **options),
                               atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("shape", [(2, 6, 7, 3), (2, 4, 5, 6, 3)])
def test_instance_norm_normalises_every_channel_of_every_sample(shape):
    images = numbers(*shape) * 5 + 2
    axes = tuple(range(1, len(shape) - 1))
    expected = (images - images.mean(axes, keepdims=True)) / np.sqrt(images.var(axes, keepdims=True) + 1e-3)
    for layer in (compat.InstanceNormalization(), addons.InstanceNormalization()):
        np.testing.assert_allclose(layer(images), expected, atol=1e-5)


@needs_tfa
def test_instance_norm_equals_tensorflow_addons():
    theirs, ours = compat.InstanceNormalization(epsilon=1e-5), addons.InstanceNormalization(epsilon=1e-5)
    images = numbers(2, 8, 8, 4)
    theirs(images), ours(images)
    weights = [numbers(4), numbers(4)]
    theirs.set_weights(weights), ours.set_weights(weights)
    np.testing.assert_allclose(ours(images), theirs(images), atol=1e-6)


def descend(optimizer, steps, start=(5.0, -3.0), gradient=lambda v: tf.convert_to_tensor(v) * 2.0):
    """Minimises a square, in a graph as training does; the weights after every step."""
    variable = keras.layers.Layer().add_weight(shape=(2,), initializer="zeros", name="weight")
    variable.assign(start)
    compat.build_optimizer(optimizer, [variable])

    @tf.function
    def step():
        optimizer.apply_gradients([(gradient(variable), variable)])

    path = []
    for _ in range(steps):
        step()
        path.append(compat.variable_value(variable).copy())
    return path, variable, step


LOOKAHEADS = [compat.Lookahead, addons.Lookahead]


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_lookahead_by_hand(lookahead):
    """SGD at 0.1 on the gradient 1 from weight 1: 0.9, then 0.8, which moves back half way to 1; and again."""
    optimizer = lookahead(keras.optimizers.SGD(0.1), sync_period=2, slow_step_size=0.5)
    path, _, _ = descend(optimizer, 4, start=(1.0, 1.0), gradient=lambda v: tf.ones(2))
    np.testing.assert_allclose(np.array(path)[:, 0], [0.9, 0.9, 0.8, 0.8], rtol=1e-6)


@needs_tfa
@pytest.mark.parametrize("inner", [lambda: keras.optimizers.Adam(0.01, clipnorm=1.0),
                                   lambda: keras.optimizers.SGD(0.05, momentum=0.7)])
def test_lookahead_equals_tensorflow_addons(inner):
    paths = [descend(lookahead(inner(), sync_period=5, slow_step_size=0.5), 12)[0] for lookahead in LOOKAHEADS]
    np.testing.assert_allclose(*paths, atol=1e-6)


@needs_tfa
def test_lookahead_refuses_an_optimizer_without_a_legacy_form():
    with pytest.raises(InputError, match="Lookahead: .* found AdamW"):
        compat.Lookahead(keras.optimizers.AdamW(0.1, weight_decay=0.1))


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_lookahead_survives_its_config(lookahead):
    original = lookahead(keras.optimizers.SGD(0.1, momentum=0.5), sync_period=3, slow_step_size=0.25)
    rebuilt = type(original).from_config(original.get_config())
    np.testing.assert_array_equal(descend(original, 7)[0], descend(rebuilt, 7)[0])


def test_lookahead_trains_through_compile_and_fit():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(addons.Lookahead(keras.optimizers.Adam(0.2)), "mse", **compat.compile_kwargs())
    inputs = numbers(64, 3)
    history = model.fit(inputs, inputs.sum(1), epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.2 * history[0]
    model.optimizer.learning_rate = 0.01
    assert float(model.optimizer.inner.learning_rate) == pytest.approx(0.01)


def test_lookahead_continues_after_saving_the_model(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(addons.Lookahead(keras.optimizers.Adam(0.1), sync_period=4), "mse", **compat.compile_kwargs())
    inputs = numbers(8, 3)
    target = inputs.sum(1, keepdims=True)
    for _ in range(6):
        model.train_on_batch(inputs, target)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.optimizer.sync_period, int(loaded.optimizer.iterations)) == (4, 6)
    for _ in range(3):
        model.train_on_batch(inputs, target), loaded.train_on_batch(inputs, target)
    for expected, found in zip(model.get_weights(), loaded.get_weights()):
        np.testing.assert_array_equal(found, expected)


# === Optimizers ===

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.1),
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.5, 2, 0.5)),
    "lookahead": lambda: compat.Lookahead(keras.optimizers.Adam(0.1), sync_period=4),
    "loss scaled": lambda: keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam(0.1)),
    "own lookahead": lambda: addons.Lookahead(keras.optimizers.Adam(0.1), sync_period=4),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_variables_restore_the_next_updates_exactly(name):
    straight, _, _ = descend(OPTIMIZERS[name](), 10)
    first = OPTIMIZERS[name]()
    _, variable, _ = descend(first, 5)
    saved = [compat.variable_value(v).copy() for v in compat.optimizer_variables(first)]
    weights = compat.variable_value(variable).copy()

    second = OPTIMIZERS[name]()
    _, variable, step = descend(second, 0)
    compat.assign(variable, weights)
    for own, value in zip(compat.optimizer_variables(second), saved):
        compat.assign(own, value)
    for expected in straight[5:]:
        step()
        np.testing.assert_array_equal(compat.variable_value(variable), expected)


def test_a_changed_learning_rate_is_part_of_the_optimizers_state():
    optimizer = keras.optimizers.Adam(0.1)
    descend(optimizer, 1)
    optimizer.learning_rate = 0.025
    assert any(np.ndim(value) == 0 and float(value) == pytest.approx(0.025)
               for value in map(compat.variable_value, compat.optimizer_variables(optimizer)))


@pytest.mark.usefixtures("bfloat16_accepted")
def test_loss_scaling_leaves_the_update_as_it_is():
    """Under mixed_float16 the loss is scaled and its gradients unscaled: the weights move as without."""
    factors = []

    def path(optimizer):
        def gradient(variable):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.convert_to_tensor(variable) ** 2)
                scaled = compat.scale_loss(optimizer, loss)
            tf.py_function(lambda value: factors.append(float(value)), [scaled / loss], [])
            return compat.unscale_gradients(optimizer, tape.gradient(scaled, [variable]))[0]

        return descend(optimizer, 4, gradient=gradient)[0]

    plain = path(keras.optimizers.SGD(0.1))
    assert factors == [1.0] * 4
    with compat.precision("mixed_float16"):
        wrapped = compat.loss_scaling(keras.optimizers.SGD(0.1))
    assert isinstance(wrapped, keras.mixed_precision.LossScaleOptimizer)
    np.testing.assert_allclose(path(wrapped), plain, rtol=1e-6)
    assert factors[4:] == [2.0**15] * 4
    with compat.precision("mixed_bfloat16"):
        assert not isinstance(compat.loss_scaling(keras.optimizers.SGD(0.1)), keras.mixed_precision.LossScaleOptimizer)


# === Random state ===

def dropout_model():
    volume = keras.Input((16,))
    x = keras.layers.Dropout(0.5, name="first")(volume)
    inner = keras.Sequential([keras.Input((16,)), keras.layers.Dropout(0.3, name="second")], name="inner")
    return keras.Model(volume, inner(x))


@pytest.mark.parametrize("build, shape, count", [
    (dropout_model, (4, 16), 2),
    (lambda: models.build_discriminator(input_shape=(16, 16, 16, 1), width=4), (2, 16, 16, 16, 1), 2),
    # Three dropouts, flip, rotation, width, height.
    (lambda: models.build_contrastive_encoder(8, input_shape=(16, 16, 1), width=4), (2, 16, 16, 1), 7),
])
def test_restored_random_state_repeats_the_next_masks_inside_a_graph(build, shape, count):
    model = build()
    images = tf.constant(np.abs(numbers(*shape)) + 0.5)
    training = tf.function(lambda x: model(x, training=True))
    training(images)
    states = compat.random_state_variables(model)
    assert len(states) == count
    saved = [compat.variable_value(state).copy() for state in states]
    expected = [training(images).numpy() for _ in range(3)]
    assert np.abs(expected[0] - expected[1]).max() > 0

    # Another model of the same weights, as after loading: its own random positions must not matter.
    second = build()
    second.set_weights(model.get_weights())
    again = tf.function(lambda x: second(x, training=True))
    again(images)
    for state, value in zip(compat.random_state_variables(second), saved):
        compat.assign(state, value)
    for output in expected:
        np.testing.assert_array_equal(again(images), output)


def test_seed_everything_repeats_weights_and_masks():
    outputs = []
    for _ in range(2):
        compat.seed_everything(7)
        model = models.build_discriminator(input_shape=(16, 16, 16, 1), width=4)
        outputs.append(model(tf.ones((2, 16, 16, 16, 1)), training=True).numpy())
    np.testing.assert_array_equal(*outputs)
    compat.seed_everything(8)
    other = models.build_discriminator(input_shape=(16, 16, 16, 1), width=4)
    assert np.abs(other(tf.ones((2, 16, 16, 16, 1)), training=True) - outputs[0]).max() > 0


def test_assign_refuses_a_value_of_another_shape():
    _, variable, _ = descend(keras.optimizers.SGD(0.1), 0)
    with pytest.raises(InputError, match=r"expected a value of shape \(2,\), found one of shape \(\)"):
        compat.assign(variable, 1.0)


# === Precision and layers ===

@pytest.mark.usefixtures("bfloat16_accepted")
def test_precision_is_put_back_even_after_an_error():
    with pytest.raises(RuntimeError), compat.precision("mixed_bfloat16") as name:
        assert name == "mixed_bfloat16"
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
        raise RuntimeError
    assert keras.layers.Dense(1).compute_dtype == "float32"


def test_auto_precision_follows_the_processor(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    for units, exact, name in ((True, True, "mixed_bfloat16"), (False, True, "float32"), (True, False, "float32")):
        monkeypatch.setattr(compat, "has_bfloat16_units", lambda units=units: units)
        monkeypatch.setattr(kernels, "bfloat16_sums_are_exact", lambda exact=exact: exact)
        assert compat.resolve_precision("auto") == name


@pytest.mark.parametrize("capability, name",
                         [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32")])
def test_auto_precision_follows_the_gpu(capability, name, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["gpu"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": capability})
    assert compat.resolve_precision("auto") == name


def test_bfloat16_is_refused_where_its_sums_are_rounded(monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(kernels, "bfloat16_sums_are_exact", lambda: False)
    with pytest.raises(ArgumentError, match="precision: expected a processor with AVX-512 .* use float32"):
        compat.set_precision("mixed_bfloat16")
    assert compat.set_precision("float32") == "float32"


@pytest.mark.parametrize("wanted, on, warns", [(None, False, True), (None, True, False), (None, None, False),
                                               (False, False, False)])
def test_tensorflow_loaded_without_onednn_is_warned_of_unless_the_user_wants_it_so(wanted, on, warns, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(compat, "onednn_wanted", lambda: wanted)
    monkeypatch.setattr(kernels, "onednn_is_on", lambda: on)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        compat.warn_without_onednn()
    assert [str(one.message).startswith("TensorFlow: expected oneDNN to be on") for one in seen] == [True] * warns


def test_an_unknown_precision_is_refused():
    with pytest.raises(ArgumentError, match=r"precision: .*found 'bfloat16' \(nearest: mixed_bfloat16"):
        compat.set_precision("bfloat16")


def test_leaky_relu_takes_one_slope_in_both_environments():
    np.testing.assert_allclose(compat.leaky_relu(0.2)(tf.constant([-2.0, 3.0])), [-0.4, 3.0], rtol=1e-6)
