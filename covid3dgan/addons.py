"""Stand-ins for the four parts of tensorflow-addons that the published systems use; ``compat`` chooses.

tensorflow-addons ended in 2024 and has no release for Keras 3. Each stand-in equals the original to 1e-6
(tests/test_compat.py holds both to the same inputs where tensorflow-addons is installed).
"""

from typing import Any

import keras
import tensorflow as tf

__all__ = ["InstanceNormalization", "Lookahead", "npairs_loss", "sigmoid_focal_crossentropy"]


def npairs_loss(y_true: Any, y_pred: Any) -> tf.Tensor:
    """N-pairs loss (Sohn 2016) with soft targets: every sample of the same label is an equal target.

    Args:
        y_true: labels, (B,).
        y_pred: pairwise similarities as logits, (B, B).

    Returns:
        The mean cross-entropy over rows, a scalar. The diagonal counts as a pair, as in tensorflow-addons.
    """
    logits = tf.convert_to_tensor(y_pred)
    labels = tf.cast(y_true, logits.dtype)[:, tf.newaxis]
    same_label = tf.cast(tf.equal(labels, tf.transpose(labels)), logits.dtype)
    targets = same_label / tf.reduce_sum(same_label, axis=1, keepdims=True)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits))


def sigmoid_focal_crossentropy(y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False):
    """Focal loss (Lin et al. 2017), summed over the last axis as tensorflow-addons does.

    Args:
        y_true: 0 or 1, (..., C).
        y_pred: probabilities, or logits with ``from_logits``, (..., C).
        alpha: weight of the positive class; None or 0 leaves both classes at weight 1.
        gamma: focus on hard samples; None or 0 is plain cross-entropy.

    Returns:
        (...,): one value per sample.
    """
    scores = tf.convert_to_tensor(y_pred)
    truth = tf.cast(y_true, scores.dtype)
    if from_logits:
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=truth, logits=scores)
        probability = tf.sigmoid(scores)
    else:
        cross_entropy = keras.losses.binary_crossentropy(truth[..., tf.newaxis], scores[..., tf.newaxis])
        probability = scores
    loss = cross_entropy
    if alpha:
        loss *= truth * alpha + (1 - truth) * (1 - alpha)
    if gamma:
        loss *= tf.pow(1 - (truth * probability + (1 - truth) * (1 - probability)), gamma)
    return tf.reduce_sum(loss, axis=-1)


@keras.saving.register_keras_serializable(package="covid3dgan")
class InstanceNormalization(keras.layers.GroupNormalization):
    """Normalises every channel of every sample over its spatial axes (Ulyanov et al. 2016); (B, ..., C) in and out."""

    def __init__(self, axis=-1, epsilon=1e-3, **kwargs):
        # One group per channel, whatever was serialised.
        kwargs.pop("groups", None)
        super().__init__(groups=-1, axis=axis, epsilon=epsilon, **kwargs)


@keras.saving.register_keras_serializable(package="covid3dgan")
class Lookahead(keras.optimizers.Optimizer):
    """Lookahead (Zhang et al. 2019): every ``sync_period`` steps of ``optimizer`` the weights move back to
    ``slow + slow_step_size * (fast - slow)``.

    The slow copy starts at the weights before the first step. ``variables`` holds the inner optimizer's state and
    the slow copies, so saving and restoring them continues the run exactly.
    """

    def __init__(self, optimizer, sync_period=6, slow_step_size=0.5, name="lookahead"):
        # Only Keras 3 asks every optimizer for a rate; it is never used, the inner optimizer has its own.
        rate = {"learning_rate": 0.0} if keras.__version__.startswith("3") else {}
        super().__init__(name=name, **rate)
        self.inner = keras.optimizers.get(optimizer)
        self.sync_period = int(sync_period)
        self.slow_step_size = float(slow_step_size)
        self._slow_of = None

    def build(self, var_list):
        if self._slow_of is not None:
            return
        var_list = list(var_list)
        super().build(var_list)
        self.inner.build(var_list)
        self._slow = [tf.Variable(tf.convert_to_tensor(v), trainable=False, name="slow") for v in var_list]
        self._slow_of = {id(variable): slow for variable, slow in zip(var_list, self._slow)}

    def apply_gradients(self, grads_and_vars, **kwargs):
        grads_and_vars = list(grads_and_vars)
        variables = [variable for _, variable in grads_and_vars]
        with tf.init_scope():
            self.build(variables)
        self.inner.apply_gradients(grads_and_vars)
        tf.cond(tf.equal(self.iterations % self.sync_period, 0), lambda: self._synchronise(variables), lambda: 0)
        return self.inner.iterations

    def apply(self, grads, trainable_variables=None):
        """Keras 3 may call this directly, without variables once built."""
        return self.apply_gradients(zip(grads, trainable_variables or self._trainable_variables))

    def _synchronise(self, variables):
        for variable in variables:
            slow = self._slow_of[id(variable)]
            slow.assign_add(self.slow_step_size * (tf.convert_to_tensor(variable) - slow))
            variable.assign(slow)
        return 0

    @property
    def variables(self):
        return list(self.inner.variables) + (self._slow if self._slow_of is not None else [])

    @property
    def iterations(self):
        return self.inner.iterations

    @property
    def learning_rate(self):
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner.learning_rate = value

    def get_config(self):
        return {
            "optimizer": keras.optimizers.serialize(self.inner),
            "sync_period": self.sync_period,
            "slow_step_size": self.slow_step_size,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # keras.saving's function would rebuild a Keras 2 optimizer as its legacy twin.
        optimizer = keras.optimizers.deserialize(config["optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer": optimizer})
