"""The TransUNet's two-phase training on pseudo-masks (paper 002, section 3.3 and Algorithm 1).

Every step is one optimizer step on a weighted sum of three losses; the phases differ in the weights alone:

* first, the contrastive loss only (the text), or two contrastive steps to each MSE step (the code);
* then contrastive, MSE and sensitivity loss together.
"""

__all__ = ["TransUnetTraining", "build_training", "learning_rate", "loss_weights", "prepared_targets", "score_maps"]

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.losses import enhanced_contrastive_loss, sensitivity_loss
from covid3dgan.models.transunet import ENCODED
from covid3dgan.training.updates import minimise


def loss_weights(options):
    """A function step -> (contrastive, MSE, sensitivity): the losses' weights.

    Args:
        options: presets.khali.TransUnet.
    """
    together = (options.contrastive_weight, options.mse_weight, options.sensitivity_loss_weight)

    def weights(step):
        if step >= options.first_phase_steps:
            return together
        if options.first_phase == "contrastive-and-mse" and step % 3 == 2:
            return 0.0, 1.0, 0.0
        return 1.0, 0.0, 0.0

    return weights


def learning_rate(options):
    """The preset's constant rate, or the schedule that multiplies it at every ``decay_steps`` (K19)."""
    if options.decay_steps is None:
        return options.learning_rate
    return keras.optimizers.schedules.ExponentialDecay(options.learning_rate, options.decay_steps, options.decay_rate,
                                                       staircase=True)


class TransUnetTraining(keras.Model):
    """The TransUNet and its ``train_step``.

    Args:
        network: (B, H, W, 1) -> logits (B, H, W, 1), with a layer ``ENCODED``.
        options: presets.khali.TransUnet.
    """

    def __init__(self, network, options):
        super().__init__(name="transunet_training")
        self.network, self.options = network, options
        self.both = keras.Model(network.input, [network.output, network.get_layer(ENCODED).output])
        self.built = True

    def compile(self):
        """One Adam for all losses."""
        self.adam = compat.loss_scaling(keras.optimizers.Adam(learning_rate(self.options)))
        super().compile(optimizer=self.adam, **compat.compile_kwargs())
        compat.build_optimizer(self.adam, self.network.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        return {"network": self.network}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"adam": self.adam}

    def call(self, inputs, training=False):
        """Score maps (B, H, W, 1): see :func:`score_maps`."""
        return self._scores(self.network(inputs, training=training))

    def train_step(self, batch):
        """One optimizer step; returns the weighted sum and the three losses."""
        def objective():
            logits, encoded = self.both(batch["image"], training=True)
            losses = self.losses_of(tf.cast(logits, tf.float32), encoded, batch["target"], batch["label"])
            return tf.tensordot(batch["weights"], tf.stack(losses), 1), losses

        loss, (contrastive, square, sensitivity) = minimise(self.adam, self.network.trainable_variables, objective)
        return {"loss": loss, "contrastive_loss": contrastive, "mse": square, "sensitivity_loss": sensitivity}

    def losses_of(self, logits, encoded, targets, labels):
        """(contrastive, MSE, sensitivity), scalars.

        Args:
            logits, targets: (B, H, W, 1) float32.
            encoded: (B, H/16, W/16, F).
            labels: (B,); the contrasted slices come first, the others are -1.
        """
        options = self.options
        if options.contrastive_weight or options.first_phase_steps:
            count = options.batch_size if options.only_grouped_slices else options.batch_size // 4 * 2
            features = logits if options.features == "logits" else encoded
            contrastive = enhanced_contrastive_loss(
                features[:count], labels[:count], options.temperature, options.sensitivity_weight,
                options.include_self, options.contrastive_loss, allow_one_class=options.sampler == "published")
        else:
            contrastive = tf.constant(0.0)
        square = tf.reduce_mean(tf.square(self._scores(logits) - targets))
        return contrastive, square, sensitivity_loss(targets, logits, options.beta, options.false_negatives)

    def _scores(self, logits):
        return logits if self.options.output == "linear" else tf.sigmoid(logits)


def build_training(options, side_lengths):
    """A compiled :class:`TransUnetTraining` for slices of (rows, columns) pixels."""
    network = models.build_transunet(
        options.variant, (*side_lengths, 1), width=options.width, blocks=options.blocks, heads=options.heads,
        mlp_units=options.mlp_units, attention_scale=options.attention_scale, name="transunet")
    training = TransUnetTraining(network, options)
    training.compile()
    return training


def prepared_targets(pseudo_masks, options):
    """Pseudo-masks (S, H, W) as the losses' targets: raw as coded, or scaled and held to [0, 1]."""
    targets = np.asarray(pseudo_masks, np.float32) * np.float32(options.target_gain)
    return np.clip(targets, 0.0, 1.0) if options.clip_target else targets


def score_maps(network, slices, output, batch_size=32):
    """Lesion scores of slices (S, H, W) -> (S, H, W) float32: raw logits as coded ("linear"), or probabilities."""
    found = []
    for start in range(0, len(slices), batch_size):
        logits = tf.cast(network(slices[start:start + batch_size][..., None], training=False), tf.float32)
        found.append(np.asarray(logits if output == "linear" else tf.sigmoid(logits))[..., 0])
    return np.concatenate(found)
