"""The check that a batch's labels can be contrasted at all."""

import numpy as np
import tensorflow as tf

from covid3dgan.errors import InputError

__all__ = ["check_contrastive_labels"]

SUBJECT = "contrastive batch"
EXPECTED = "at least two classes with at least {} sample(s) each"
ACTION = "draw every batch from both groups of slices, or turn the contrastive loss off"


def check_contrastive_labels(labels, per_class=1):
    """Refuses labels that leave a contrastive loss without a negative or (``per_class=2``) without a positive.

    Args:
        labels: (B,) integers, an array or a tensor. Values that are known now raise InputError; inside a graph an
            assertion with the same sentence fails when the batch arrives.
        per_class: samples that every class must have.

    Returns:
        The labels; in a graph, use these so that the assertion runs first.
    """
    expected = EXPECTED.format(per_class)
    if tf.is_tensor(labels) and not hasattr(labels, "numpy"):
        flat = tf.reshape(labels, [-1])
        _, _, counts = tf.unique_with_counts(flat)
        fits = tf.logical_and(tf.size(counts) >= 2, tf.reduce_all(counts >= per_class))
        sentence = str(InputError(SUBJECT, expected, "the counts that follow", ACTION))
        with tf.control_dependencies([tf.debugging.Assert(fits, [sentence, counts])]):
            return tf.identity(labels)
    classes, counts = np.unique(np.asarray(labels).reshape(-1), return_counts=True)
    if len(classes) < 2 or counts.min() < per_class:
        found = ", ".join(f"{count} of class {label}" for label, count in zip(classes, counts)) or "an empty batch"
        raise InputError(SUBJECT, expected, found, ACTION)
    return labels
