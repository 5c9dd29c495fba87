"""The "enhanced contrastive" loss of paper 002: its Eq. 4 as printed, as its authors coded it, and as supervised
contrastive loss (K18, K20, K28).

Eq. 4 holds no labels beyond one positive sample p, and sums over all pairs: on a batch whose rows of similarities have
equal sums it is log N whatever the features. What lowers it is one sample, of either class, that comes near p while the
others stay apart; it does not part the classes. The code's form has the samples of each anchor's label, weighted,
against all others.
"""

import math

import tensorflow as tf

from covid3dgan.errors import ArgumentError, check_choice
from covid3dgan.losses.contrastive_labels import check_contrastive_labels
from covid3dgan.losses.supcon import supcon_loss

__all__ = ["CONTRASTIVE_VARIANTS", "anchor_losses", "enhanced_contrastive_loss"]

CONTRASTIVE_VARIANTS = ("khali_code", "eq4_literal", "supcon")
TINY = 1e-9  # the code's guard in the denominator
FAR = -1e9  # the logit of a pair that is left out: nothing is left of it in a sum of exponentials


def enhanced_contrastive_loss(features, labels, temperature=0.06, sensitivity_weight=1.5, include_self=False,
                              variant="khali_code", allow_one_class=False):
    """Pulls samples of one label together and pushes the others away.

    Args:
        features: (B, ...); flattened and L2-normalised here. The paper says the encoder's (K20), the code gives the
            network's last logits.
        labels: (B,) integers; 1 for slices of high infection.
        temperature: 0.06 in the text, 1.0 in the code (K18); a number or a scalar tensor.
        sensitivity_weight: the factor of the pairs of one label in the code; 1.5 there, unmentioned in the text.
        include_self: counts each sample as a positive of its own, as the code does. At temperature 0.06 that pair
            outweighs all others 10^7 times and the loss is 0 whatever the features.
        variant: "khali_code"; "eq4_literal", whose one positive is the first sample of the highest label; or
            "supcon", Eq. 6 of paper 001 averaged over the anchors.
        allow_one_class: accepts a batch of one label, for which "khali_code" is 0: the published run (K20).

    Returns:
        A scalar.
    """
    check_choice("contrastive loss", variant, CONTRASTIVE_VARIANTS)
    if variant == "supcon":
        return supcon_loss(_flat(features), labels, temperature, reduction="mean")
    if not allow_one_class:
        needed = 2 if variant == "khali_code" and not include_self else 1
        labels = check_contrastive_labels(labels, per_class=needed)
    labels = tf.reshape(labels, [-1])
    unit = tf.math.l2_normalize(_flat(features), axis=1)
    similarity = tf.matmul(unit, unit, transpose_b=True)
    kept = tf.ones_like(similarity, bool) if include_self else tf.logical_not(tf.eye(tf.shape(unit)[0]) > 0)
    if variant == "eq4_literal":
        pairs = tf.where(kept, similarity / temperature, FAR)
        positive = tf.argmax(tf.equal(labels, tf.reduce_max(labels)))
        return tf.reduce_logsumexp(pairs) - tf.reduce_logsumexp(pairs[positive])
    same = tf.equal(labels[:, tf.newaxis], labels[tf.newaxis])
    return tf.reduce_mean(anchor_losses(similarity, same, kept, temperature, sensitivity_weight))


def anchor_losses(similarity, same, kept, temperature, sensitivity_weight):
    """-log(w P / (w P + N + 1e-9)) per anchor, P and N the sums of exp(similarity / temperature) over the others of
    the anchor's label and of other labels. Computed by logarithms: exp(1 / 0.01) is beyond float32.

    Args:
        similarity: (A, B) cosines of A anchors with B samples.
        same: (A, B), True where the labels agree.
        kept: (A, B), False where a pair is left out.

    Returns:
        (A,).
    """
    if sensitivity_weight <= 0:
        raise ArgumentError("sensitivity_weight", "a number above 0", str(sensitivity_weight), "1 leaves it out")
    scaled = similarity / temperature + tf.where(same, math.log(sensitivity_weight), 0.0)
    positives = tf.where(tf.logical_and(same, kept), scaled, FAR)
    everything = tf.pad(tf.where(kept, scaled, FAR), [[0, 0], [0, 1]], constant_values=math.log(TINY))
    return tf.reduce_logsumexp(everything, axis=1) - tf.reduce_logsumexp(positives, axis=1)


def _flat(features):
    features = tf.cast(features, tf.float32)
    return tf.reshape(features, [tf.shape(features)[0], -1])
