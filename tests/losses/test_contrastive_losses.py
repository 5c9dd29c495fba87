import numpy as np
import pytest
import tensorflow as tf

from covid3dgan import compat, losses
from covid3dgan.errors import ArgumentError, InputError

rng = np.random.default_rng(0)
FEATURES = rng.standard_normal((6, 5)).astype(np.float32)
LABELS = np.array([0, 0, 1, 1, 1, 0])


def unit(features):
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def supcon_by_loops(features, labels, temperature):
    """Eq. 6 written out anchor by anchor."""
    z, terms = unit(features.astype(np.float64)), []
    for i in range(len(z)):
        others = [k for k in range(len(z)) if k != i]
        partners = [k for k in others if labels[k] == labels[i]]
        denominator = sum(np.exp(z[i] @ z[k] / temperature) for k in others)
        terms.append(-np.mean([np.log(np.exp(z[i] @ z[p] / temperature) / denominator) for p in partners]))
    return np.array(terms)


def npairs_by_loops(features, labels, temperature):
    z, terms = unit(features.astype(np.float64)), []
    for i in range(len(z)):
        similarity = z @ z[i] / temperature
        same = labels == labels[i]
        terms.append(-(similarity[same] - np.log(np.exp(similarity).sum())).mean())
    return np.mean(terms)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_supcon_is_eq_6(temperature):
    terms = supcon_by_loops(FEATURES, LABELS, temperature)
    np.testing.assert_allclose(losses.supcon_loss(FEATURES, LABELS, temperature), terms.sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.supcon_loss(FEATURES, LABELS, temperature, reduction="mean"), terms.mean(),
                               rtol=1e-5)


def test_supcon_of_two_orthogonal_pairs_by_hand():
    """Each anchor has one partner at similarity 1 and two others at 0."""
    features = np.float32([[1, 0], [2, 0], [0, 1], [0, 3]])
    np.testing.assert_allclose(losses.supcon_loss(features, [0, 0, 1, 1], temperature=1.0),
                               4 * np.log((np.e + 2) / np.e), rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_npairs_by_loops(temperature):
    np.testing.assert_allclose(losses.npairs_loss(FEATURES, LABELS, temperature),
                               npairs_by_loops(FEATURES, LABELS, temperature), rtol=1e-5)


def test_npairs_of_two_orthogonal_pairs_by_hand():
    """Unlike Eq. 6 the anchor itself is a target and in the denominator."""
    features = np.float32([[1, 0], [2, 0], [0, 1], [0, 3]])
    np.testing.assert_allclose(losses.npairs_loss(features, [0, 0, 1, 1], temperature=1.0),
                               np.log((2 * np.e + 2) / np.e), rtol=1e-5)


@pytest.mark.parametrize("loss, mean", [("supcon_loss", np.log((np.e + 2) / np.e)),
                                        ("npairs_loss", np.log((2 * np.e + 2) / np.e))])
def test_the_sum_is_the_mean_times_the_anchors(loss, mean):
    """The two orthogonal pairs of above: each of the four anchors has the same term."""
    features = np.float32([[1, 0], [2, 0], [0, 1], [0, 3]])
    found = [float(getattr(losses, loss)(features, [0, 0, 1, 1], 1.0, reduction)) for reduction in ("mean", "sum")]
    np.testing.assert_allclose(found, [mean, 4 * mean], rtol=1e-5)


@pytest.mark.skipif(not compat.HAS_TFA, reason="tensorflow-addons is not installed")
@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_npairs_equals_tensorflow_addons_for_labels_of_either_shape(shape):
    import tensorflow_addons as tfa

    similarity = tf.constant(unit(FEATURES) @ unit(FEATURES).T / 0.05)
    expected = tfa.losses.npairs_loss(tf.constant(LABELS), similarity)
    np.testing.assert_allclose(losses.npairs_loss(FEATURES, LABELS.reshape(shape)), expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("loss", ["npairs_loss", "supcon_loss"])
def test_gradients_are_finite_in_a_graph_even_for_equal_and_zero_features(loss):
    @tf.function
    def gradient(features, labels):
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = getattr(losses, loss)(features, labels)
        return tape.gradient(value, features)

    for features in (tf.ones((4, 3)), tf.zeros((4, 3)), tf.constant(FEATURES[:4])):
        assert np.isfinite(gradient(features, tf.constant([0, 1, 0, 1]))).all()


@pytest.mark.parametrize("loss, labels, found", [
    ("npairs_loss", [1, 1, 1, 1], "found 4 of class 1;"),
    ("npairs_loss", [0], "found 1 of class 0;"),
    ("supcon_loss", [1, 1, 1, 1], "found 4 of class 1;"),
    ("supcon_loss", [0], "found 1 of class 0;"),
    ("supcon_loss", [0, 1, 1], "at least 2 sample.* found 1 of class 0, 2 of class 1;"),
    ("npairs_loss", [], "found an empty batch;"),
])
def test_batches_that_cannot_be_contrasted_are_refused(loss, labels, found):
    features = FEATURES[:len(labels)]
    with pytest.raises(InputError, match=f"contrastive batch: expected at least two classes.* {found}|{found}"):
        getattr(losses, loss)(features, labels)
    with pytest.raises(InputError):
        losses.check_contrastive_labels(labels, per_class=1 if loss == "npairs_loss" else 2)


@pytest.mark.parametrize("loss", ["npairs_loss", "supcon_loss"])
def test_inside_a_graph_the_same_sentence_comes_when_the_batch_arrives(loss):
    compiled = tf.function(getattr(losses, loss))
    compiled(tf.constant(FEATURES), tf.constant(LABELS))
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected at least two classes"):
        compiled(tf.constant(FEATURES), tf.zeros(6, tf.int64))


@pytest.mark.parametrize("loss", ["npairs_loss", "supcon_loss"])
def test_an_unknown_reduction_is_refused(loss):
    with pytest.raises(ArgumentError, match="reduction: expected one of sum, mean"):
        getattr(losses, loss)(FEATURES, LABELS, reduction="avg")
