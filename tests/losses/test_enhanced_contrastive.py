"""The enhanced contrastive loss against hand-worked cases."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from covid3dgan.errors import ArgumentError, InputError
from covid3dgan.losses.enhanced_contrastive import CONTRASTIVE_VARIANTS, enhanced_contrastive_loss
from covid3dgan.losses.supcon import supcon_loss

LABELS = np.array([1, 1, 0, 0])
# Within a label the cosine is 1, across labels 0; lengths differ to show the normalisation.
SEPARATED = np.array([[2.0, 0], [1, 0], [0, 3], [0, 1]], "float32")
RANDOM = np.random.default_rng(0).normal(size=(8, 5)).astype("float32")
BALANCED = np.array([1, 1, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("options, expected", [
    # P and N are sums of exp(cosine / temperature): with itself P = 2 e, without P = e; N = 2 either way.
    ({"include_self": True}, math.log((1.5 * 2 * math.e + 2) / (1.5 * 2 * math.e))),
    ({"include_self": False}, math.log((1.5 * math.e + 2) / (1.5 * math.e))),
    ({"include_self": False, "sensitivity_weight": 1.0}, math.log((math.e + 2) / math.e)),
    ({"include_self": False, "temperature": 0.5}, math.log((1.5 * math.e**2 + 2) / (1.5 * math.e**2))),
])
def test_code_form_by_hand(options, expected):
    loss = enhanced_contrastive_loss(SEPARATED, LABELS, **{"temperature": 1.0, **options})
    assert float(loss) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("temperature", [0.06, 1.0])
def test_eq4_as_printed_is_log_n_whatever_the_separation(temperature, include_self):
    """Balanced and symmetric: every sample sees the same similarities."""
    mixed = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]], "float32")
    for features in (SEPARATED, mixed, np.eye(4, dtype="float32")):
        loss = enhanced_contrastive_loss(features, LABELS, temperature, include_self=include_self,
                                         variant="eq4_literal")
        assert float(loss) == pytest.approx(math.log(4), rel=1e-5)


def test_eq4_as_printed_by_hand():
    """Cosines of the positive (first) sample: 1, 0, 0; the double sum holds 5 ones and 4 zeros."""
    features = np.array([[1.0, 0], [0, 1], [0, 1]], "float32")
    loss = enhanced_contrastive_loss(features, [1, 0, 0], 1.0, include_self=True, variant="eq4_literal")
    assert float(loss) == pytest.approx(-math.log((math.e + 2) / (5 * math.e + 4)), rel=1e-6)


def test_eq4_takes_the_first_sample_of_high_infection():
    features = np.array([[0, 1.0], [1, 0], [0, 1]], "float32")
    loss = enhanced_contrastive_loss(features, [0, 1, 0], 1.0, include_self=True, variant="eq4_literal")
    assert float(loss) == pytest.approx(-math.log((math.e + 2) / (5 * math.e + 4)), rel=1e-6)


def test_descending_eq4_does_not_part_the_labels():
    """Its loss falls by a quarter, and samples of one label come no nearer to each other than to the others (K28)."""
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    same, other = (labels[:, None] == labels) & ~np.eye(8, dtype=bool), labels[:, None] != labels
    parted, falls = {}, {}
    for variant in ("eq4_literal", "supcon"):
        features, optimizer = tf.Variable(RANDOM), keras.optimizers.Adam(0.02)
        losses = []
        for _ in range(150):
            with tf.GradientTape() as tape:
                losses.append(enhanced_contrastive_loss(features, labels, 0.06, include_self=True, variant=variant))
            optimizer.apply_gradients([(tape.gradient(losses[-1], features), features)])
        unit = tf.math.l2_normalize(features, axis=1).numpy()
        similarity = unit @ unit.T
        parted[variant] = similarity[same].mean() - similarity[other].mean()
        falls[variant] = float(losses[-1] / losses[0])
    assert falls["eq4_literal"] < 0.8 and abs(parted["eq4_literal"]) < 0.2 < 0.4 < parted["supcon"]


def test_supervised_form_is_equation_6_of_paper_001():
    ours = enhanced_contrastive_loss(RANDOM, BALANCED, 0.06, variant="supcon")
    assert float(ours) == pytest.approx(float(supcon_loss(RANDOM, BALANCED, 0.06)) / 8, rel=1e-6)


def test_self_pairs_swamp_the_loss_at_the_papers_temperature():
    assert float(enhanced_contrastive_loss(RANDOM, BALANCED, 0.06, include_self=True)) < 0.05
    assert float(enhanced_contrastive_loss(RANDOM, BALANCED, 0.06)) > 1.0


def test_one_label_gives_zero_as_in_the_published_run():
    loss = enhanced_contrastive_loss(RANDOM, np.ones(8), 1.0, include_self=True, allow_one_class=True)
    assert float(loss) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("variant", CONTRASTIVE_VARIANTS)
def test_batches_that_cannot_be_contrasted_are_refused(variant):
    with pytest.raises(InputError, match="two classes"):
        enhanced_contrastive_loss(RANDOM, np.ones(8), variant=variant)


def test_an_anchor_without_a_partner_is_refused():
    with pytest.raises(InputError, match="at least 2 sample"):
        enhanced_contrastive_loss(RANDOM[:4], [1, 0, 0, 0])


def test_feature_maps_are_flattened():
    maps = RANDOM.reshape(8, 5, 1, 1)
    assert float(enhanced_contrastive_loss(maps, BALANCED)) == float(enhanced_contrastive_loss(RANDOM, BALANCED))


@pytest.mark.parametrize("variant", CONTRASTIVE_VARIANTS)
def test_gradient_is_finite_at_the_lowest_temperature_inside_a_graph(variant):
    @tf.function
    def slope(features, labels):
        with tf.GradientTape() as tape:
            tape.watch(features)
            loss = enhanced_contrastive_loss(features, labels, 0.01, variant=variant)
        return tape.gradient(loss, features)

    gradient = slope(tf.constant(RANDOM), tf.constant(BALANCED))
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_descending_the_loss_separates_the_labels():
    features = tf.Variable(RANDOM)
    before = float(enhanced_contrastive_loss(features, BALANCED, 0.5))
    for _ in range(200):
        with tf.GradientTape() as tape:
            loss = enhanced_contrastive_loss(features, BALANCED, 0.5)
        features.assign_sub(tape.gradient(loss, features))
    unit = tf.math.l2_normalize(features, axis=1).numpy()
    cosines = unit @ unit.T
    assert float(loss) < 0.5 * before
    assert cosines[:4, :4].mean() > 0.75 and cosines[:4, 4:].mean() < 0.2


def test_wrong_options_are_refused():
    with pytest.raises(ArgumentError, match="khali_code"):
        enhanced_contrastive_loss(RANDOM, BALANCED, variant="khali")
    with pytest.raises(ArgumentError, match="above 0"):
        enhanced_contrastive_loss(RANDOM, BALANCED, sensitivity_weight=0.0)
