"""The region-aware segmenter's training (paper 001, section 3.3, Algorithm 1, second loop).

Each step moves the encoder by the contrastive loss on highly and little infected slices and the whole segmenter by the
squared error against the pseudo-masks, in the order that the preset says. The two have an optimizer each.
"""

__all__ = ["SegmenterTraining", "build_segmenter_training"]

import keras
import tensorflow as tf

from covid3dgan import compat, models
from covid3dgan.losses import npairs_loss, supcon_loss
from covid3dgan.models.fast.recompute import Recomputed
from covid3dgan.models.from_presets import segmenter_network
from covid3dgan.training.updates import minimise, move_average, over_replicas, replicas


class SegmenterTraining(keras.Model):
    """Segmenter, contrastive model and their ``train_step``.

    Args:
        segmenter: (B, H, W, 1) -> (B, H, W, 1).
        contrastive_model: (B, H, W, 1) -> features (B, d), or None to train without. Whether it shares its encoder
            with the segmenter was decided when the two were built (F17).
        options: presets.stages.Segmenter.
        contrastive: presets.stages.Contrastive.
        averaged: a second segmenter that holds the moving average of the weights, or None.
        recompute: keeps few activations of the segmenter and computes the others again for the gradients.
    """

    def __init__(self, segmenter, contrastive_model, options, contrastive, averaged=None, recompute=False):
        super().__init__(name="segmenter_training")
        self.segmenter = segmenter
        self.segment = Recomputed(segmenter) if recompute else segmenter
        self.contrastive_model = contrastive_model
        self.averaged = averaged
        self.options, self.contrastive = options, contrastive
        self.built = True

    def compile(self, segmenter_optimizer, contrastive_optimizer=None):
        """Builds the optimizers for their variables; the contrastive one for encoder and projection."""
        super().compile(optimizer=segmenter_optimizer, **compat.compile_kwargs())
        self.segmenter_optimizer = segmenter_optimizer
        self.contrastive_optimizer = contrastive_optimizer
        compat.build_optimizer(segmenter_optimizer, self.segmenter.trainable_variables)
        if self.contrastive_model is not None:
            compat.build_optimizer(contrastive_optimizer, self.contrastive_model.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        found = {"segmenter": self.segmenter, "contrastive": self.contrastive_model, "averaged": self.averaged}
        return {name: model for name, model in found.items() if model is not None}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        found = {"segmenter": self.segmenter_optimizer}
        if self.contrastive_model is not None:
            found["contrastive"] = self.contrastive_optimizer
        return found

    def call(self, inputs, training=False):
        return (self.averaged or self.segmenter)(inputs, training=training)

    def train_step(self, batch):
        """The contrastive steps and the end-to-end step in the preset's order (F35); returns the losses."""
        phases = [self._contrastive_phase, self._end_to_end_phase]
        if self.contrastive.order == "end-to-end-first":
            phases.reverse()
        logs = {}
        for phase in phases:
            logs.update(phase(batch))
        self.update_average(batch["step"])
        return logs

    def _contrastive_phase(self, batch):
        if self.contrastive_model is None:
            return {}
        losses = [self.contrastive_step(batch["pairs"][k], batch["label"])
                  for k in range(self.contrastive.steps_per_step)]
        return {"contrastive_loss": tf.add_n(losses) / len(losses)}

    def _end_to_end_phase(self, batch):
        return {"loss": self.end_to_end_step(batch["slice"], batch["target"], batch.get("weight"))}

    def contrastive_step(self, slices, labels):
        """One step of the encoder and the projection on slices (B, H, W, 1) with labels (B,)."""
        def objective():
            features = over_replicas(tf.cast(self.contrastive_model(slices, training=True), tf.float32))
            contrast = npairs_loss if self.contrastive.loss == "npairs" else supcon_loss
            loss = contrast(features, labels, self.contrastive.temperature, self.contrastive.reduction)
            # Each device differentiates the whole batch's loss, be it mean or sum over the slices, for its own slices:
            # the devices' gradients belong added up, and their mean is taken.
            return replicas() * loss, loss

        return minimise(self.contrastive_optimizer, self.contrastive_model.trainable_variables, objective)[1]

    def end_to_end_step(self, slices, targets, weights=None):
        """One step of the whole segmenter by the squared error against the pseudo-masks (B, H, W, 1), each pixel's
        error times its weight where there are any."""
        def objective():
            output = tf.cast(self.segment(slices, training=True), tf.float32)
            errors = tf.square(output - targets)
            return tf.reduce_mean(errors if weights is None else weights * errors), None

        return minimise(self.segmenter_optimizer, self.segmenter.trainable_variables, objective)[0]

    def update_average(self, step):
        """The moving average of the segmenter's weights, quicker at first."""
        if self.averaged is not None:
            move_average(self.averaged, self.segmenter, self.options.ema_decay, step)


def build_segmenter_training(preset, side_lengths, recompute=False):
    """A compiled :class:`SegmenterTraining` for slices of (rows, columns) pixels.

    Args:
        preset: a preset with the stages ``segmenter`` and ``contrastive``.
        recompute: see :class:`SegmenterTraining`.
    """
    options, contrastive = preset.segmenter, preset.contrastive
    shape = (*side_lengths, 1)
    encoder = models.build_encoder2d(options.width, options.dropout)
    segmenter = segmenter_network(options, side_lengths, encoder)
    contrastive_model = None
    if contrastive.enabled:
        contrastive_model = models.build_contrastive_encoder(
            augmentation=contrastive.augmentation, encoder=encoder if options.shared_encoder else None,
            input_shape=shape, width=options.width, dropout=options.dropout)
    averaged = segmenter_network(options, side_lengths, name="averaged") if options.ema_decay else None
    if averaged is not None:
        averaged.set_weights(segmenter.get_weights())
        averaged.trainable = False
    training = SegmenterTraining(segmenter, contrastive_model, options, contrastive, averaged, recompute)
    training.compile(compat.loss_scaling(keras.optimizers.Adam(learning_rate(options))),
                     compat.loss_scaling(keras.optimizers.Adam(contrastive_learning_rate(preset))))
    return training


def learning_rate(options):
    """The constant rate, or the staircase decay, of presets.stages.Segmenter (F20) or presets.khali.TransUnet (K19)."""
    if options.decay_steps is None:
        return options.learning_rate
    return keras.optimizers.schedules.ExponentialDecay(options.learning_rate, options.decay_steps, options.decay_rate,
                                                       staircase=True)


def contrastive_learning_rate(preset):
    """The contrastive step's: constant as published, or falling with the segmenter's.

    Against a rate that falls to a fifth a constant one grows in weight: late contrastive steps may then move the shared
    encoder further than the end-to-end steps can follow.
    """
    segmenter, contrastive = preset.segmenter, preset.contrastive
    if not contrastive.decays or segmenter.decay_steps is None:
        return contrastive.learning_rate
    return keras.optimizers.schedules.ExponentialDecay(
        contrastive.learning_rate, segmenter.decay_steps * contrastive.steps_per_step, segmenter.decay_rate,
        staircase=True)
