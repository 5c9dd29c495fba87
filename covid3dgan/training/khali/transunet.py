"""The TransUNet's two-phase training on pseudo-masks (paper 002, section 3.3 and Algorithm 1).

Every step is one optimizer step on a weighted sum of three losses; the phases differ in the weights alone:

* first, the contrastive loss only (the text), or two contrastive steps to each MSE step (the code);
* then contrastive, MSE and sensitivity loss together.
"""

__all__ = ["TransUnetTraining", "build_training", "loss_weights", "prepared_targets",
           "start_at_mean"]

import keras
import numpy as np
import tensorflow as tf

from covid3dgan import compat
from covid3dgan.data.batches.grouped_batches import contrasted
from covid3dgan.losses import enhanced_contrastive_loss, sensitivity_loss
from covid3dgan.models.from_presets import transunet_network, transunet_scores
from covid3dgan.models.transunet import ENCODED
from covid3dgan.training.keep_best import BestScore
from covid3dgan.training.khali.temperature import Temperature
from covid3dgan.training.shabani.segmenter import learning_rate
from covid3dgan.training.updates import minimise, move_average


def loss_weights(options):
    """A function step -> (contrastive, MSE, sensitivity): the losses' weights.

    Args:
        options: presets.khali.TransUnet.
    """
    together = (options.contrastive_weight, 1.0, 1.0)

    def weights(step):
        if step >= options.first_phase_steps:
            return together
        if options.first_phase == "contrastive-and-mse" and step % 3 == 2:
            return 0.0, 1.0, 0.0
        return 1.0, 0.0, 0.0

    return weights


class TransUnetTraining(keras.Model):
    """The TransUNet and its ``train_step``.

    Args:
        network: (B, H, W, 1) -> logits (B, H, W, 1), with a layer ``ENCODED``.
        options: presets.khali.TransUnet.
        averaged: a second TransUNet that holds the moving average of the weights, or None.
        best: another one for the weights that do best on validation cases, or None to keep the last.
    """

    def __init__(self, network, options, averaged=None, best=None):
        super().__init__(name="transunet_training")
        self.network, self.options, self.averaged, self.best = network, options, averaged, best
        self.score = None if best is None else BestScore(name="score")
        by_descent = options.temperature_by == "descent"
        self.temperature = Temperature(options.temperature, name="temperature") if by_descent else None
        self.both = keras.Model(network.input, [network.output, network.get_layer(ENCODED).output])
        self.built = True

    def compile(self):
        """One Adam for all losses."""
        self.adam = compat.loss_scaling(keras.optimizers.Adam(learning_rate(self.options)))
        super().compile(optimizer=self.adam, **compat.compile_kwargs())
        compat.build_optimizer(self.adam, self.network.trainable_variables)

    def networks(self):
        """Name -> model, for checkpoints."""
        found = {"network": self.network, "averaged": self.averaged, "best": self.best, "score": self.score,
                 "temperature": self.temperature}
        return {name: model for name, model in found.items() if model is not None}

    def optimizers(self):
        """Name -> optimizer, for checkpoints."""
        return {"adam": self.adam}

    def features(self, images):
        """What is contrasted of slices (B, H, W, 1): (B, ...) float32."""
        logits, encoded = self.both(images, training=False)
        return np.asarray(logits if self.options.features == "logits" else encoded, np.float32)

    def call(self, inputs, training=False):
        """Lesion scores (B, H, W, 1)."""
        return self.inference_network()(inputs, training=training)

    def inference_network(self):
        """Slices -> lesion scores, by the averaged network where there is one: see :func:`scoring_network`."""
        return transunet_scores(self.averaged or self.network, self.options.output)

    def train_step(self, batch):
        """One optimizer step; returns the weighted sum and the three losses."""
        def objective():
            logits, encoded = self.both(batch["image"], training=True)
            losses = self.losses_of(tf.cast(logits, tf.float32), encoded, batch["target"], batch["label"])
            return tf.tensordot(batch["weights"], tf.stack(losses), 1), losses

        loss, (contrastive, square, sensitivity) = minimise(self.adam, self.network.trainable_variables, objective)
        if self.averaged is not None:
            move_average(self.averaged, self.network, self.options.ema_decay, batch["step"])
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
            count = contrasted(options)
            features = logits if options.features == "logits" else encoded
            temperature = options.temperature if self.temperature is None else self.temperature.value
            contrastive = enhanced_contrastive_loss(
                features[:count], labels[:count], temperature, include_self=options.include_self,
                variant=options.contrastive_loss, allow_one_class=options.sampler == "published")
        else:
            contrastive = tf.constant(0.0)
        scores = logits if options.output == "linear" else tf.sigmoid(logits)
        square = tf.reduce_mean(tf.square(scores - targets))
        return contrastive, square, sensitivity_loss(targets, logits, options.beta)


def build_training(options, side_lengths):
    """A compiled :class:`TransUnetTraining` for slices of (rows, columns) pixels."""
    network = transunet_network(options, side_lengths)

    def twin():
        other = transunet_network(options, side_lengths)
        other.set_weights(network.get_weights())
        other.trainable = False
        return other

    training = TransUnetTraining(network, options, twin() if options.ema_decay else None,
                                 twin() if options.keep == "best" else None)
    training.compile()
    return training


def start_at_mean(training, targets):
    """Sets the bias of the logits to the log-odds of the mean target, so that training does not begin by unlearning
    a probability of one half for the whole slice (Lin et al. 2017, section 4.1).

    Args:
        targets: (S, H, W) in [0, 1].
    """
    share = float(np.clip(targets.mean(), 1e-3, 1.0 - 1e-3))
    for network in filter(None, (training.network, training.averaged, training.best)):
        bias = network.get_layer("logits").weights[1]
        compat.assign(bias, np.full(bias.shape, np.log(share / (1.0 - share)), np.float32))


def prepared_targets(pseudo_masks, options):
    """Pseudo-masks as the losses' targets, of any shape, float32: raw as coded, or held to [0, 1].

    Args:
        options: presets.khali.TransUnet.
    """
    targets = np.asarray(pseudo_masks, np.float32)
    return np.clip(targets, 0.0, 1.0) if options.clip_target else targets
